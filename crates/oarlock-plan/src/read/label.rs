//! Labels of steps: "Phase 2: …", "Step 3", "2.1 …", "TASK-7B: …". They mark headings as steps and let other steps name them.

use crate::rule;
use crate::text::List;

/// Words that make a numbered heading a step.
static WORDS: List = List::new(
    "phase, step, stage, part, component, milestone, workstream, track, task, subtask, sub-task, \
     module, feature, layer, iteration, day, wave, item, section, chunk, stream, sprint, increment, slice, batch",
);

/// Words by which sentences name steps and groups besides. They begin no label: "Story 2" and "Issue 4" have readers of their own.
static NOUNS: List = List::new("issue, story, group, epic");

/// A label and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label<'a> {
    /// "phase", "step", …; "id" for an identifier of its own; empty for a bare number.
    pub(crate) kind: String,
    /// "2", "2.1", "a", "task-7b": lower case.
    pub(crate) id: String,
    /// The title behind it.
    pub(crate) rest: &'a str,
}

/// The words that labels begin with, in the singular.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    WORDS.iter()
}

/// Whether `word` (lower case, singular or plural) is one of the words that labels begin with.
pub(crate) fn is_label_word(word: &str) -> bool {
    WORDS.has(word) || word.strip_suffix('s').is_some_and(|w| WORDS.has(w))
}

/// The singular of a word that names steps or groups of them, in lower case: one that labels begin with, or one that only sentences use.
pub(crate) fn noun(word: &str) -> Option<&'static str> {
    let find = |word: &str| WORDS.iter().chain(NOUNS.iter()).find(|noun| *noun == word);
    let plural = || if word == "stories" { find("story") } else { word.strip_suffix('s').and_then(find) };
    find(word).or_else(plural)
}

/// The label of a heading or of a line in bold type.
pub(crate) fn of_heading(text: &str) -> Option<Label<'_>> {
    if let Some(label) = issue(text.trim_start_matches(['*', ' '])) {
        return Some(label);
    }
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '[' && c != '{').trim_end();
    if let Some(label) = change(text) {
        return Some(label);
    }
    worded(text)
        .or_else(|| milestone(text))
        .or_else(|| numbered(text))
        .or_else(|| lettered(text))
        .or_else(|| identified(text))
        .or_else(|| coded(text))
}

fn worded(text: &str) -> Option<Label<'_>> {
    let (word, tail) = glued(text).or_else(|| text.split_once(' '))?;
    let word = canonical(word.to_lowercase());
    if !WORDS.has(&word) {
        return None;
    }
    let tail = tail.trim_start();
    let length = tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(tail.len());
    let id = tail[..length].trim_end_matches('.');
    let single_letter = id.len() == 1 && id.starts_with(|c: char| c.is_ascii_uppercase());
    let counts = id.starts_with(|c: char| c.is_ascii_digit()) && id.len() <= 8;
    let roman = !id.is_empty() && id.len() <= 4 && id.chars().all(|c| "IVX".contains(c));
    let in_words = number_in_words(id);
    if !(single_letter || counts || roman || in_words.is_some()) {
        return None;
    }
    let rest = &tail[id.len()..];
    // "Task 2 things" has a label, "Part A of" would have too; a word glued to the number is none.
    (rest.is_empty() || !rest.starts_with(|c: char| c.is_alphanumeric())).then(|| Label {
        kind: word,
        id: in_words.unwrap_or_else(|| id.to_lowercase()),
        rest: title(rest),
    })
}

/// The number of "One": the first twelve are written so.
fn number_in_words(word: &str) -> Option<String> {
    let names = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let at = names.iter().position(|name| word.eq_ignore_ascii_case(name)).filter(|_| rule::is_on(rule::LABELS))?;
    Some((at + 1).to_string())
}

/// Words that labels begin with in other languages, each with its English one.
const IN_OTHER_LANGUAGES: [(&str, &str); 28] = [
    ("schritt", "step"),
    ("aufgabe", "task"),
    ("teil", "part"),
    ("etappe", "phase"),
    ("étape", "step"),
    ("etape", "step"),
    ("tâche", "task"),
    ("tache", "task"),
    ("partie", "part"),
    ("fase", "phase"),
    ("paso", "step"),
    ("etapa", "phase"),
    ("tarea", "task"),
    ("passo", "step"),
    ("tarefa", "task"),
    ("attività", "task"),
    ("шаг", "step"),
    ("этап", "phase"),
    ("фаза", "phase"),
    ("задача", "task"),
    ("步骤", "step"),
    ("阶段", "phase"),
    ("任务", "task"),
    ("ステップ", "step"),
    ("フェーズ", "phase"),
    ("タスク", "task"),
    ("단계", "phase"),
    ("작업", "task"),
];

fn canonical(word: String) -> String {
    let known = IN_OTHER_LANGUAGES.iter().find(|(other, _)| *other == word).filter(|_| rule::is_on(rule::LABELS));
    known.map_or(word, |(_, english)| (*english).to_owned())
}

/// "阶段1：…": the word and the number stand together where a language has no blanks.
fn glued(text: &str) -> Option<(&str, &str)> {
    IN_OTHER_LANGUAGES.iter().filter(|(word, _)| !word.contains(|c: char| c.is_ascii())).find_map(|(word, _)| {
        let rest = text.strip_prefix(word)?;
        rest.starts_with(|c: char| c.is_ascii_digit()).then(|| text.split_at(word.len()))
    })
}

/// "1. Title", "1) Title", "2.1 Title", "2.1: Title".
fn numbered(text: &str) -> Option<Label<'_>> {
    let length = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = &text[..length];
    let id = number.trim_end_matches('.');
    if id.is_empty() || id.len() > 8 || id.starts_with('.') || id.contains("..") {
        return None;
    }
    let rest = &text[length..];
    let closes = number.ends_with('.') || rest.starts_with([')', ':']) || (id.contains('.') && rest.starts_with(' '));
    (closes && !title(rest).is_empty()).then(|| Label { kind: String::new(), id: id.to_owned(), rest: title(rest) })
}

/// "[NEW] [parser.rs](…)": a file that is changed, as plans for review list them.
fn change(text: &str) -> Option<Label<'_>> {
    let (word, rest) = text.strip_prefix('[')?.split_once(']')?;
    let is_change = ["NEW", "MODIFY", "DELETE", "CREATE", "UPDATE", "RENAME"].contains(&word);
    (is_change && !rest.trim().is_empty()).then(|| Label { kind: "file".to_owned(), id: String::new(), rest: rest.trim_start() })
}

/// "12a. Title": a piece of a numbered whole.
fn lettered(text: &str) -> Option<Label<'_>> {
    let (id, rest) = text.split_once(['.', ')', ':'])?;
    let number = id.strip_suffix(|c: char| c.is_ascii_lowercase())?;
    let counts = (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    (counts && rest.starts_with(' ') && !title(rest).is_empty()).then(|| Label {
        kind: String::new(),
        id: id.to_owned(),
        rest: title(rest),
    })
}

/// "TASK-ARCH-3B: Title".
fn identified(text: &str) -> Option<Label<'_>> {
    let (id, rest) = text.split_once(':')?;
    let shaped = id.len() <= 64
        && id.contains('-')
        && id.starts_with(|c: char| c.is_ascii_uppercase())
        && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-')
        && id.chars().any(|c| c.is_ascii_digit());
    (shaped && !rest.trim().is_empty()).then(|| Label { kind: "id".to_owned(), id: id.to_lowercase(), rest: title(rest) })
}

/// "M2: Title", as milestones are numbered.
fn milestone(text: &str) -> Option<Label<'_>> {
    let (id, rest) = text.split_once(':')?;
    let number = id.strip_prefix('M').filter(|n| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))?;
    (!rest.trim().is_empty()).then(|| Label { kind: "milestone".to_owned(), id: number.to_owned(), rest: title(rest) })
}

/// "#318 Title": an issue by its number.
fn issue(text: &str) -> Option<Label<'_>> {
    let rest = text.strip_prefix('#')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let title_of = title(&rest[digits..]);
    ((1..=8).contains(&digits) && !title_of.is_empty()).then(|| Label {
        kind: "id".to_owned(),
        id: rest[..digits].to_owned(),
        rest: title_of,
    })
}

/// "T012 [P] Title", as plans made from specifications number their tasks.
fn coded(text: &str) -> Option<Label<'_>> {
    let (id, rest) = text.split_once(' ')?;
    let is_apart = id.ends_with(['.', ':']) || rest.starts_with(['—', '–', ':']) || rest.starts_with("- ");
    let id = id.trim_end_matches(['.', ':']);
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "-–—".contains(c));
    // What stands in square brackets marks the task and is no title.
    let mut title_of = rest;
    while let Some((_, after)) = title_of.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        title_of = after.trim_start();
    }
    let is_title = title_of.starts_with(|c: char| c.is_alphanumeric() || "`\"*".contains(c));
    // "A1 — Title": one digit is a code only where it is set off, and "P1" and "Q1" are priorities and quarters.
    let is_short = id.len() == 2 && is_apart && !id.starts_with(['P', 'Q']) && {
        let mut chars = id.chars();
        chars.next().is_some_and(|c| c.is_ascii_uppercase()) && chars.next().is_some_and(|c| c.is_ascii_digit())
    };
    ((is_short || is_code(id, char::is_ascii_uppercase)) && is_title).then(|| Label {
        kind: "id".to_owned(),
        id: id.to_lowercase(),
        rest: title_of,
    })
}

/// One letter or a few, and two to four digits: "T012", "US1" is none.
pub(crate) fn is_code(word: &str, is_letter: fn(&char) -> bool) -> bool {
    let letters = word.chars().take_while(is_letter).count();
    let digits = &word[letters.min(word.len())..];
    (1..=3).contains(&letters) && (2..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// One to three letters and one digit, in lower case: "t1", "us2".
pub(crate) fn is_short_code(word: &str) -> bool {
    let letters = word.bytes().take_while(u8::is_ascii_lowercase).count();
    (1..=3).contains(&letters) && word.len() == letters + 1 && word.as_bytes()[letters].is_ascii_digit()
}

fn title(rest: &str) -> &str {
    rest.trim_start_matches(|c: char| c.is_whitespace() || ".:)-–—*_：、".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read() {
        for (text, want) in [
            ("Phase 2: Build it", Some(("phase", "2", "Build it"))),
            ("**Component A – Parser**", Some(("component", "a", "Parser**"))),
            ("Step 3 (5 min)", Some(("step", "3", "(5 min)"))),
            ("📦 Step 10. Ship", Some(("step", "10", "Ship"))),
            ("1. Root files", Some(("", "1", "Root files"))),
            ("2.1 Find them:", Some(("", "2.1", "Find them:"))),
            ("TASK-ARCH-3B: Audit", Some(("id", "task-arch-3b", "Audit"))),
            ("T012 [P] [US1] Seat model", Some(("id", "t012", "Seat model"))),
            ("**#318 Import**", Some(("id", "318", "Import**"))),
            ("12b. Less noise", Some(("", "12b", "Less noise"))),
            ("3d printing", None),
            ("M2: costing", Some(("milestone", "2", "costing"))),
            ("T3 lines", None),
            ("A1 — A key for each session", Some(("id", "a1", "A key for each session"))),
            ("B2: Names", Some(("id", "b2", "Names"))),
            ("P1 — High", None),
            ("Task management", None),
            ("3 files to fix", None),
            ("Objective", None),
            ("2026: a year", Some(("", "2026", "a year"))),
            ("Phase", None),
            ("", None),
        ] {
            let got = of_heading(text).map(|l| (l.kind, l.id, l.rest));
            let want = want.map(|(k, i, r)| (k.to_owned(), i.to_owned(), r));
            assert_eq!(got, want, "{text}");
        }
    }
}
