//! Sentences about order: "T005 depends on T001–T004", "Phase 1 → Phase 2", "groups 1 and 2 can run in parallel". A line is read as names and
//! relations between them; `order/spoken.rs` decides which steps are meant.

use crate::read::label;
use crate::text::List;

/// Pieces of one line that are kept.
const PIECES_MAX: usize = 200;

/// A piece of such a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A step or a group of steps: the word of its label, which may be empty, and its number, letter or code, in lower case.
    Name(String, String),
    /// All from the one to the other.
    Range(String, String, String),
    /// All of a kind: "all user stories", "all previous tasks".
    All(String),
    /// The names before it wait for those behind it.
    Needs,
    /// The names behind it wait for those before it.
    Before,
    /// The same, drawn.
    Arrow,
    /// The same, as the next step of a sentence.
    Then,
    /// The names run at once.
    Beside,
    /// Nothing is waited for.
    Nothing,
    /// It is said that something is not so.
    Not,
    /// A comma.
    Comma,
    /// The end of a sentence or clause.
    Stop,
}

/// Words of sections that plans name without a number.
static NAMED_GROUPS: List = List::new("setup, foundational, foundation, polish");
static NEEDS: List = List::new(
    "depends, depend, dependent, depending, requires, require, needs, need, after, blocked, waits, wait, builds, relies, once, until, follows, following, \
     prerequisite, prerequisites, dependencies, dependency, 依赖, 依赖于, 依存, 取决于",
);
/// Those that say as well what a thing needs that is no step.
static WANTS: List = List::new("require, requires, need, needs, builds, relies, follow, follows, following");
static BEFORE: List = List::new("before, blocks, block, blocking, precedes, precede, unblocks, enables, prior");
static BESIDE: List = List::new(
    "parallel, parallelizable, parallelised, parallelized, concurrently, concurrent, simultaneously, independently, independent, alongside, 可并行, 并行, 並行, 可以并行, 可并行执行",
);
static NOT: List = List::new("not, cannot, never, can't, don't, doesn't, isn't, aren't");

/// Sections that plans name without a number.
pub(crate) fn named_groups() -> impl Iterator<Item = &'static str> {
    NAMED_GROUPS.iter()
}

/// The pieces of a line, in order.
pub(crate) fn pieces(line: &str) -> Vec<Piece> {
    let words = words(line);
    let mut out: Vec<Piece> = Vec::new();
    let mut noun = String::new();
    // Whether a bare number may follow: behind a noun, a relation, or a list of them.
    let mut numbers = false;
    let mut at = 0;
    while at < words.len() && out.len() < PIECES_MAX {
        let word = words[at].as_str();
        let next = words.get(at + 1).map_or("", String::as_str);
        at += 1;
        let bare = word.trim_end_matches([':', '\'', '"', '!', '?']).trim_start_matches(['"', '\'']);
        match bare {
            "" => continue,
            "—" if are_only_names(&out) => {
                noun.clear();
                numbers = false;
                continue;
            }
            "," | ";" | "." | "—" => {
                out.push(if bare == "," { Piece::Comma } else { Piece::Stop });
                numbers &= bare == ",";
                if bare != "," {
                    noun.clear();
                }
                continue;
            }
            "→" => {
                out.push(Piece::Arrow);
                continue;
            }
            "and" | "&" | "+" | "/" | "(" | ")" | "[" | "]" | "or" | "both" | "on" | "of" | "by" | "for" | "the" | "#" => {
                continue;
            }
            "-" | "–" | "to" | "through" if is_between(&out, next, &noun) => {
                if let Some(Piece::Name(kind, low)) = out.pop() {
                    out.push(Piece::Range(kind, low, next.trim_start_matches('#').trim_end_matches([':', '.']).to_owned()));
                }
                at += 1;
                continue;
            }
            "-" | "–" => {
                // "T001, T002 — can run in parallel": what the names do comes yet.
                if !are_only_names(&out) {
                    out.push(Piece::Stop);
                }
                noun.clear();
                numbers = false;
                continue;
            }
            "all" | "every" | "everything" => {
                let behind: Vec<&str> = words[at..words.len().min(at + 4)].iter().map(|word| word.trim_end_matches([':', '.'])).collect();
                let kind = behind.iter().find_map(|word| all_of(word));
                if let Some(kind) = kind.or((bare == "everything").then_some("previous")) {
                    out.push(Piece::All(kind.to_owned()));
                }
                continue;
            }
            "none" | "nothing" | "n/a" | "immediately" => {
                out.push(Piece::Nothing);
                continue;
            }
            "no" if next.starts_with("dependenc") || next.starts_with("prerequisite") => {
                out.push(Piece::Nothing);
                at += 1;
                continue;
            }
            // "Phase 3 is a prerequisite for phase 4".
            "prerequisite" | "prerequisites" if ["for", "of", "to"].contains(&next) => {
                out.push(Piece::Before);
                noun.clear();
                numbers = true;
                continue;
            }
            "then" | "finally" => {
                out.push(Piece::Then);
                continue;
            }
            "required" | "needed" => {
                let is_for = ["by", "for", "before"].contains(&next);
                out.extend(is_for.then_some(Piece::Before));
                continue;
            }
            "same" if next == "time" => {
                out.push(Piece::Beside);
                continue;
            }
            _ => {}
        }
        if NOT.has(bare) {
            out.push(Piece::Not);
        } else if let Some(singular) = noun_of(bare) {
            singular.clone_into(&mut noun);
            numbers = true;
        } else if WANTS.has(bare) && !names_follow(&words[at..]) {
            // "Issues 1-4 require code changes" orders nothing.
            noun.clear();
            numbers = false;
        } else if NEEDS.has(bare) {
            // "It cannot start until …" denies the start, not the need.
            let denies_start = ["after", "once", "until", "follows", "following"].contains(&bare);
            if denies_start && out.last() == Some(&Piece::Not) {
                out.pop();
            }
            out.push(Piece::Needs);
            noun.clear();
            numbers = true;
        } else if BEFORE.has(bare) {
            // "It cannot start before …" is a need; "it does not block …" denies one.
            let denies_start = bare == "before" && out.last() == Some(&Piece::Not);
            if denies_start {
                out.pop();
            }
            out.push(if denies_start { Piece::Needs } else { Piece::Before });
            noun.clear();
            numbers = true;
        } else if BESIDE.has(bare) {
            out.push(Piece::Beside);
            numbers = true;
        } else if let Some(name) = name_of(bare, &noun, numbers) {
            // A bare number behind a code is an amount: "HTTP2 and 3 files".
            numbers = !matches!(&name, Piece::Name(kind, id) if kind.is_empty() && id.starts_with(|c: char| c.is_ascii_alphabetic()));
            // "US1: T001, T002 in parallel": a name with a colon that others follow tells where they are.
            let leads = word.ends_with(':') && out.is_empty();
            out.push(name);
            out.extend(leads.then_some(Piece::Stop));
        } else if NAMED_GROUPS.has(bare) {
            out.push(Piece::Name("heading".to_owned(), bare.to_owned()));
        } else {
            numbers = false;
            noun.clear();
        }
    }
    out
}

/// The words of a line in lower case, marks of emphasis off and signs apart.
fn words(line: &str) -> Vec<String> {
    let lower = line.to_lowercase();
    let mut text = String::with_capacity(lower.len() + 16);
    let mut rest = lower.as_str();
    while let Some(c) = rest.chars().next() {
        let arrow = ["-->", "->", "=>", "──>", "→", "⟶", "➜", "▶", "►"].iter().find(|arrow| rest.starts_with(**arrow));
        if let Some(arrow) = arrow {
            text.push_str(" → ");
            rest = &rest[arrow.len()..];
            continue;
        }
        match c {
            '*' | '`' | '_' | '─' | '│' | '├' | '└' | '┌' | '┐' | '┘' | '{' | '}' => text.push(' '),
            // The marks of other scripts.
            '，' | '、' => text.push_str(" , "),
            '。' | '；' => text.push_str(" . "),
            '：' | '（' | '）' | '＋' | '与' | '和' => text.push(' '),
            ',' | '(' | ')' | '[' | ']' | '&' | '+' | '/' | ';' | '–' | '—' | '|' => {
                text.push(' ');
                text.push(c);
                text.push(' ');
            }
            // "#12" keeps its mark, as it names an issue.
            _ => text.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let ends = word.len() > 1 && word.ends_with('.') && !word.ends_with("..");
        let word = word.strip_suffix('.').filter(|_| ends).unwrap_or(word);
        split_range(word, &mut out);
        if ends {
            out.push(".".to_owned());
        }
    }
    out
}

/// "t001-t004", "1-3", "us1-us3" and "t001..t004" as two names with a dash between.
fn split_range(word: &str, out: &mut Vec<String>) {
    let ends = word.split_once("..").or_else(|| word.split_once('-'));
    let alike = |low: &str, high: &str| {
        let letters = |text: &str| text.chars().take_while(char::is_ascii_alphabetic).count();
        let number = |text: &str| text[letters(text)..].starts_with(|c: char| c.is_ascii_digit());
        let high = high.trim_end_matches(':');
        number(low)
            && number(high)
            && (letters(low) == letters(high) || letters(high) == 0)
            && high.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
    };
    match ends.filter(|(low, high)| alike(low, high)) {
        Some((low, high)) => {
            let letters = low.chars().take_while(char::is_ascii_alphabetic).count();
            let has_own = high.starts_with(|c: char| c.is_ascii_alphabetic());
            let prefix = if has_own { "" } else { &low[..letters] };
            out.extend([low.to_owned(), "-".to_owned(), format!("{prefix}{high}")]);
        }
        None => out.push(word.to_owned()),
    }
}

/// Whether the sentence goes on with something that may be a step, or with all or none of them.
fn names_follow(words: &[String]) -> bool {
    let is_name = |word: &str| {
        let wide = ["all", "every", "everything", "none", "nothing", "n/a", "previous", "both"];
        wide.contains(&word) || noun_of(word).is_some() || NAMED_GROUPS.has(word) || name_of(word, "step", true).is_some()
    };
    let sentence = words.iter().take_while(|word| ![".", ";", "—"].contains(&word.as_str()));
    sentence.map(|word| word.trim_matches([':', '\'', '"', '!', '?', '.'])).any(is_name)
}

/// Whether a line named several steps, or one by a code, and said nothing of them yet.
fn are_only_names(out: &[Piece]) -> bool {
    let are_names = out.iter().all(|piece| matches!(piece, Piece::Name(..) | Piece::Range(..) | Piece::Comma));
    are_names && out.iter().any(|piece| matches!(piece, Piece::Name(kind, _) | Piece::Range(kind, ..) if kind.is_empty()))
}

/// Whether a dash or "to" stands between two names of one kind.
fn is_between(out: &[Piece], next: &str, noun: &str) -> bool {
    let Some(Piece::Name(kind, low)) = out.last() else { return false };
    match name_of(next.trim_end_matches([':', '.']), noun, true) {
        Some(Piece::Name(other, high)) => {
            let letters = |text: &str| text.chars().take_while(char::is_ascii_alphabetic).collect::<String>();
            *kind == other && letters(low) == letters(&high)
        }
        _ => false,
    }
}

/// The noun of "tasks" and "stories".
fn noun_of(word: &str) -> Option<&'static str> {
    match word {
        "用户故事" | "ユーザーストーリー" => Some("story"),
        "阶段" | "フェーズ" => Some("phase"),
        _ => label::noun(word),
    }
}

/// What "all …" means.
fn all_of(word: &str) -> Option<&'static str> {
    match word {
        "stories" | "story" => Some("story"),
        "phases" | "tasks" | "steps" | "issues" | "groups" | "previous" | "preceding" | "prior" | "above" | "earlier" | "other"
        | "others" => Some("previous"),
        _ => None,
    }
}

/// A name: a code of letters and digits, a number of an issue, a number with a dot, or a bare number or letter behind a noun.
fn name_of(word: &str, noun: &str, numbers: bool) -> Option<Piece> {
    if word.is_empty() || word.len() > 16 {
        return None;
    }
    if let Some(number) = word.strip_prefix('#') {
        return (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
            .then(|| Piece::Name("issue".to_owned(), number.to_owned()));
    }
    let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
    let tail = &word[letters..];
    let digits = tail.trim_start_matches('-');
    let digits_end = digits.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let suffix = &digits[digits_end..];
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit()) && suffix.len() <= 1 && suffix.bytes().all(|b| b.is_ascii_lowercase());
    if letters > 0 {
        if is_number && letters <= 5 {
            return Some(Piece::Name(String::new(), word.trim_end_matches('.').to_owned()));
        }
        let single = word.len() == 1 && !noun.is_empty();
        return single.then(|| Piece::Name(noun.to_owned(), word.to_owned()));
    }
    let dotted = digits.contains('.') && is_number;
    (is_number && (dotted || numbers) && tail.len() == digits.len())
        .then(|| Piece::Name(if dotted { String::new() } else { noun.to_owned() }, word.trim_end_matches('.').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let show = |piece: &Piece| match piece {
            Piece::Name(kind, id) => format!("{kind}:{id}"),
            Piece::Range(kind, low, high) => format!("{kind}:{low}..{high}"),
            Piece::All(kind) => format!("all {kind}"),
            other => format!("{other:?}").to_lowercase(),
        };
        pieces(line).iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_line_is_names_and_relations() {
        for (line, want) in [
            ("T005 depends on T001–T004.", ":t005 needs :t001..t004 stop"),
            ("T005 depends on T001 to T004", ":t005 needs :t001..t004"),
            ("T001-T002 before T011", ":t001..t002 before :t011"),
            ("T004 is blocked by T001", ":t004 needs :t001"),
            ("T001 blocks T004", ":t001 before :t004"),
            ("Task 1 (Client) → Task 3 → Task 4", "task:1 arrow task:3 arrow task:4"),
            ("**Phase 3 (US2)**: Depends on Phase 1. Independent of Phase 2.", "phase:3 :us2 needs phase:1 stop beside phase:2 stop"),
            ("Task Groups 1 and 2 can run in parallel", "group:1 group:2 beside"),
            ("T001–T004 can run in parallel; then T005.", ":t001..t004 beside stop then :t005 stop"),
            ("Depends on: #2 (Client), #3", "needs issue:2 comma issue:3"),
            ("**Dependencies:** Tasks 1-3", "needs task:1..3"),
            ("Dependencies: None (can run in parallel with Task 1)", "needs nothing beside task:1"),
            ("Polish depends on all desired user stories", "heading:polish needs all story"),
            ("No dependencies - can start immediately", "nothing stop nothing"),
            ("the tests must not run in parallel with 1.2", "not beside :1.2"),
            ("Phase 3 cannot start until Phase 2 is done", "phase:3 needs phase:2"),
            ("uses HTTP2 and 3 files", ":http2"),
            ("T001 does not block T002", ":t001 not before :t002"),
            ("T002 cannot start before T001", ":t002 needs :t001"),
            ("after #2 to #5", "needs issue:2..5"),
            ("Phase 3 (List) is a prerequisite for Phase 4 and Phase 5", "phase:3 before phase:4 phase:5"),
            ("用户故事 3（P3）：依赖 US2 的结构", "story:3 :p3 needs :us2"),
            ("T003 与 T004 可并行", ":t003 :t004 beside"),
            ("T001, T002 (a, b) — can run in parallel after T003", ":t001 comma :t002 comma beside needs :t003"),
            ("US1: T001, T002 in parallel", ":us1 stop :t001 comma :t002 beside"),
        ] {
            assert_eq!(shown(line), want, "{line}");
        }
    }

    #[test]
    fn odd_lines_do_not_panic() {
        for line in ["", "-", "→", "#", "1-", "a-1-2", "t001..", "é-é", "— – -", "all", "no", "same", "1.2.3.4.5-6", "{", "tasks"] {
            let _ = pieces(line);
        }
    }
}
