//! What a document says in words about the order of its steps: "depends on step 2", "after phases 1 and 2",
//! "steps 3-5 can run in parallel". Only statements are read here; what may be concluded is in `order/depend.rs`.

use crate::read::document::Document;
use crate::read::draft::Draft;
use crate::read::label;
use crate::read::marks::{ALL_EARLIER, Marks, ONE_EARLIER};
use crate::step_info::independence::says_parallel;
use crate::text::{List, clip};

/// Statements of one step that are kept.
const STATEMENTS_MAX: usize = 64;
/// Longest run of numbers ("2-40") that is taken apart.
pub(crate) const RANGE_MAX: u32 = 200;

/// A step as another one names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// "phase 2": the word, which may be empty, and the number or letter.
    Labelled(String, String),
    /// By its title.
    Named(String),
    /// The step before.
    Previous,
    /// Everything before.
    All,
}

/// What a step says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement {
    /// It starts when the target is done.
    Needs(Target),
    /// It speaks of the target and does not say how they are ordered.
    Mentions(Target),
    /// The target starts when it is done.
    Before(Target),
    /// It may run beside the target.
    Beside(Target),
}

/// All that one step says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Statements {
    /// In the order of the text.
    pub(crate) list: Vec<Statement>,
    /// Whether it has a field for its dependencies, which then is complete: "Depends on: none".
    pub(crate) declared: bool,
    /// Whether its parts, or it and its neighbours, may run at once: "(parallel)".
    pub(crate) parallel: bool,
}

static FIELDS: List = List::new(
    "depends on, depends-on, depends_on, depends, dependencies, dependency, blocked by, blocked_by, requires, needs, prerequisites, \
     prerequisite",
);
/// Words that may follow the numbers of steps.
static AFTER_NUMBERS: List =
    List::new("and, or, to, first, done, complete, completed, finished, are, is, have, has, being, above, then, before, because, for, so");
static NOTHING: List = List::new("none, nothing, no, n/a, -, –, —, no dependencies, none.");

/// Reads what `draft` says about others.
pub(crate) fn of_draft(document: &Document<'_>, draft: &Draft) -> Statements {
    let mut out = Statements::default();
    for i in draft.line..=draft.last {
        if !draft.says(document, i) || out.list.len() >= STATEMENTS_MAX {
            continue;
        }
        let text = clip(document.text(i));
        let may = May::of(document.lines[i].marks, text);
        if i != draft.line && !may.say_anything() {
            continue;
        }
        let text = text.to_lowercase();
        let text = if i == draft.line { without_own_label(&text) } else { text.as_str() };
        read_line(text, may, i == draft.line, &mut out);
    }
    out
}

/// What a line may say of other steps, so that what it cannot say is not looked for.
#[derive(Debug, Clone, Copy)]
struct May {
    name_step: bool,
    need: bool,
    beside: bool,
    earlier: bool,
}

impl May {
    fn of(marks: Marks, line: &str) -> Self {
        Self { name_step: marks.names_step(line), need: marks.need(), beside: marks.beside(), earlier: marks.earlier() }
    }

    fn say_anything(self) -> bool {
        self.name_step || self.need || self.beside || self.earlier
    }
}

/// Whether a line in lower case names steps by label or number.
pub(crate) fn names_steps(lower: &str) -> bool {
    let words = split(lower);
    (0..words.len()).any(|at| !labelled_at(&words, at).0.is_empty())
}

/// "phase 2: after phase 1" speaks of phase 1 only.
fn without_own_label(text: &str) -> &str {
    let text = text.trim_start_matches(['*', ' ']);
    match label::of_heading(text) {
        Some(own) => own.rest,
        None => text,
    }
}

fn read_line(text: &str, may: May, first: bool, out: &mut Statements) {
    let bare = text.trim_matches(['*', ' ', '_']);
    if may.need {
        // "**Phase:** 2 | **Depends:** T1": several fields of one line.
        let joined = || bare.split(" | ").skip(1).find_map(|part| field(part.trim_matches(['*', ' ', '_'])));
        if let Some(value) = field(bare).or_else(joined).filter(|value| !value.is_empty()) {
            let value = value.split(" | ").next().unwrap_or(value).trim_matches(['*', ' ', '_']);
            out.declared = true;
            read_declared(value, out);
            return;
        }
        if let Some(inner) = parenthesised(bare) {
            out.declared = true;
            read_declared(inner, out);
        }
    }
    let parallel = may.beside && says_parallel(bare);
    if first && (bare.contains("(parallel") || bare.contains("in parallel)") || bare.contains("[parallel") || bare.contains("[p]")) {
        out.parallel = true;
    }
    let alone = [
        "does not need any of the other",
        "needs none of the other",
        "needs nothing from the other",
        "independent of the other",
        "independent of all other",
    ];
    if (may.need || may.beside) && alone.iter().any(|w| bare.contains(w)) {
        out.list.push(Statement::Beside(Target::All));
    }
    if may.name_step {
        read_names(bare, may, parallel, out);
    }
    if may.earlier && ALL_EARLIER.iter().any(|w| bare.contains(w)) {
        out.list.push(Statement::Needs(Target::All));
    } else if may.earlier && ONE_EARLIER.iter().any(|w| bare.contains(w)) {
        out.list.push(Statement::Needs(Target::Previous));
    } else if may.need && !out.declared {
        let cues = ["depends on ", "blocked by ", "builds on "];
        let name = cues.iter().find_map(|cue| bare.split_once(cue)).map(|(_, name)| name.to_owned());
        out.list.extend(name.filter(|name| !names_label(name)).map(|name| Statement::Needs(Target::Named(name))));
    }
}

/// Reads what a line says of the steps that it names by label, number or identifier.
fn read_names(bare: &str, may: May, parallel: bool, out: &mut Statements) {
    // "Related to #320 but does not need it".
    let denied = may.need && ["does not need it", "not blocked by it", "does not depend on it"].iter().any(|w| bare.contains(w));
    let words = split(bare);
    let mut at = 0;
    while at < words.len() {
        let (targets, next) = labelled_at(&words, at);
        let (targets, next) = if targets.is_empty() { issues_at(&words, at) } else { (targets, next) };
        for target in targets {
            out.list.push(if denied { Statement::Beside(target) } else { statement(&words[..at], target, parallel) });
        }
        let numbers = if asks_for_numbers(&words, at) { bare_numbers_at(&words, at + 1).0 } else { Vec::new() };
        out.list.extend(numbers.into_iter().map(Statement::Needs));
        at = next.max(at + 1);
    }
}

/// Whether a field or a column of this name, in lower case, holds what a step needs.
pub(crate) fn is_field_name(name: &str) -> bool {
    FIELDS.has(name)
}

/// What the value of such a field says; an empty one says nothing.
pub(crate) fn of_field(value: &str) -> Statements {
    let mut out = Statements::default();
    if !value.is_empty() {
        out.declared = true;
        read_declared(value, &mut out);
    }
    out
}

/// Whether the numbers behind word `at` are steps that it asks for: "needs 1 and 2".
fn asks_for_numbers(words: &[&str], at: usize) -> bool {
    let before = at.checked_sub(1).map(|k| trimmed(words[k]));
    match trimmed(words[at]) {
        "needs" | "after" | "requires" => true,
        "on" => before.is_some_and(|w| ["depends", "depending", "dependent", "builds"].contains(&w)),
        "by" => before == Some("blocked"),
        _ => false,
    }
}

/// Whether a name holds a label or begins with numbers, which are read as such.
fn names_label(name: &str) -> bool {
    let words = split(name);
    (0..words.len()).any(|at| !labelled_at(&words, at).0.is_empty()) || !bare_numbers_at(&words, 0).0.is_empty()
}

/// The value of a field such as "**Depends on:** …", markup off.
fn field(bare: &str) -> Option<&str> {
    let (name, value) = bare.split_once(':')?;
    let name = name.trim_matches(['*', ' ', '_']);
    FIELDS.has(name).then(|| value.trim_matches(['*', ' ', '_']))
}

/// "(depends on 1, 2)" and "(after step 3)".
fn parenthesised(bare: &str) -> Option<&str> {
    let mut rest = bare;
    while let Some((_, inner)) = rest.split_once(['(', '[']) {
        let (inside, after) = inner.split_once([')', ']']).unwrap_or((inner, ""));
        let inside = inside.trim();
        for cue in ["depends on ", "depends: ", "needs ", "requires ", "blocked by ", "after "] {
            if let Some(value) = inside.strip_prefix(cue) {
                let names_step = value.split_whitespace().any(label::is_label_word);
                if names_step || !bare_numbers_at(&split(value), 0).0.is_empty() {
                    return Some(value);
                }
            }
        }
        rest = after;
    }
    None
}

fn read_declared(value: &str, out: &mut Statements) {
    let value = value.trim();
    if NOTHING.has(value) || value.starts_with("none") {
        return;
    }
    let words = split(value);
    let mut at = 0;
    let mut found = false;
    while at < words.len() {
        let (targets, next) = labelled_at(&words, at);
        let (targets, next) = if targets.is_empty() { code_at(&words, at) } else { (targets, next) };
        let (targets, next) = if targets.is_empty() { bare_numbers_at(&words, at) } else { (targets, next) };
        found |= !targets.is_empty();
        out.list.extend(targets.into_iter().map(Statement::Needs));
        at = next.max(at + 1);
    }
    if ["all", "everything", "all above", "all previous"].contains(&value) || value.starts_with("all ") {
        out.list.push(Statement::Needs(Target::All));
    } else if !found {
        let names = value.split([',', ';', '+', '&']).flat_map(|part| part.split(" and "));
        out.list.extend(names.map(|n| Statement::Needs(Target::Named(n.trim().to_owned()))).take(8));
    }
}

/// Words and the marks that join numbers.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(at) = rest.find([',', '&', '–', ';', '(', ')', '+', '/']) {
            if at > 0 {
                out.push(&rest[..at]);
            }
            let width = rest[at..].chars().next().map_or(1, char::len_utf8);
            out.push(&rest[at..at + width]);
            rest = &rest[at + width..];
        }
        if !rest.is_empty() {
            out.push(rest);
        }
    }
    out
}

pub(crate) fn trimmed(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// The targets that begin at word `at` with a label word ("steps 2 and 3"), and the word behind them.
pub(crate) fn labelled_at(words: &[&str], at: usize) -> (Vec<Target>, usize) {
    let word = trimmed(words[at]);
    if !label::is_label_word(word) {
        // An identifier such as subtask-4a stands for itself.
        let id = word.contains('-') && word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.chars().any(|c| c.is_ascii_digit());
        return if id || label::is_code(word, char::is_ascii_lowercase) {
            (vec![Target::Labelled("id".to_owned(), word.to_owned())], at + 1)
        } else {
            (Vec::new(), at)
        };
    }
    let kind = word.strip_suffix('s').filter(|w| label::is_label_word(w)).unwrap_or(word);
    numbers_at(words, at + 1, kind)
}

/// A code such as "t1", which only a field may have.
fn code_at(words: &[&str], at: usize) -> (Vec<Target>, usize) {
    let code = Some(trimmed(words[at])).filter(|word| label::is_short_code(word));
    (code.map(|word| Target::Labelled("id".to_owned(), word.to_owned())).into_iter().collect(), at + usize::from(code.is_some()))
}

/// "#318", with the mark that tells it from a count.
fn issues_at(words: &[&str], at: usize) -> (Vec<Target>, usize) {
    let word = words[at].trim_end_matches(|c: char| !c.is_alphanumeric());
    match word.strip_prefix('#').filter(|id| (1..=8).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())) {
        Some(id) => (vec![Target::Labelled("id".to_owned(), id.to_owned())], at + 1),
        None => (Vec::new(), at),
    }
}

/// A list of numbers without a label. "2 files" and "5 minutes" are none: only what goes on otherwise may follow.
fn bare_numbers_at(words: &[&str], at: usize) -> (Vec<Target>, usize) {
    let (targets, next) = numbers_at(words, at, "");
    let follows = words.get(next).map_or("", |w| trimmed(w));
    let closed = next > at && words[next - 1].ends_with(['.', ':']);
    if closed || follows.is_empty() || AFTER_NUMBERS.has(follows) { (targets, next) } else { (Vec::new(), at) }
}

/// A list of numbers or single letters: "2", "1, 2 and 3", "2-4", "2 to 4", "#3".
fn numbers_at(words: &[&str], from: usize, kind: &str) -> (Vec<Target>, usize) {
    let mut out = Vec::new();
    let mut at = from;
    let mut joined = true;
    while at < words.len() && out.len() < STATEMENTS_MAX {
        let word = trimmed(words[at]);
        if joined && is_id(word, kind) {
            push_range(word, kind, &mut out);
            // A full stop or colon after the number ends the list.
            joined = false;
            at += 1;
            if words[at - 1].ends_with(['.', ':']) {
                break;
            }
        } else if !out.is_empty() && !joined && [",", "&", "and", "+", "or", "/"].contains(&words[at]) {
            joined = true;
            at += 1;
        } else if joined && ["and", "#"].contains(&words[at]) && !out.is_empty() {
            at += 1;
        } else if !joined && ["to", "–", "through", "-"].contains(&words[at]) && words.get(at + 1).is_some_and(|w| is_id(trimmed(w), kind))
        {
            extend_to(trimmed(words[at + 1]), kind, &mut out);
            at += 2;
        } else {
            break;
        }
    }
    (out, at)
}

fn is_id(word: &str, kind: &str) -> bool {
    let number =
        word.starts_with(|c: char| c.is_ascii_digit()) && word.len() <= 9 && word.chars().all(|c| c.is_ascii_digit() || ".-–".contains(c));
    let letter = !kind.is_empty() && word.len() == 1 && word != "a" && word.starts_with(|c: char| c.is_ascii_lowercase());
    number || letter || (kind == "component" && word == "a")
}

fn push_range(word: &str, kind: &str, out: &mut Vec<Target>) {
    let ends = word.split_once(['-', '–']);
    match ends {
        Some((low, high)) => {
            out.push(Target::Labelled(kind.to_owned(), low.to_owned()));
            extend_to(high, kind, out);
        }
        None => out.push(Target::Labelled(kind.to_owned(), word.to_owned())),
    }
}

/// Continues the last number up to `high`.
fn extend_to(high: &str, kind: &str, out: &mut Vec<Target>) {
    let Some(Target::Labelled(_, low)) = out.last() else {
        return;
    };
    let Some((low, high)) = low.parse::<u32>().ok().zip(high.parse::<u32>().ok()) else {
        return;
    };
    for n in low.saturating_add(1)..=high.min(low.saturating_add(RANGE_MAX)) {
        out.push(Target::Labelled(kind.to_owned(), n.to_string()));
    }
}

/// "has nothing to do with", "does not need", "independent of".
fn denies_need(near: &[&str]) -> bool {
    let words: Vec<&str> = near.iter().map(|w| trimmed(w)).filter(|w| !w.is_empty()).collect();
    let ends: [&[&str]; 8] = [
        &["nothing", "to", "do", "with"],
        &["not", "need"],
        &["not", "depend", "on"],
        &["not", "wait", "for"],
        &["not", "blocked", "by"],
        &["independent", "of"],
        &["without", "waiting", "for"],
        &["no", "need", "of"],
    ];
    let denied = |end: &&[&str]| words.ends_with(end) && !words[..words.len() - end.len()].ends_with(&["not"]);
    ends.iter().any(denied)
}

/// What the words before a target say.
fn statement(before: &[&str], target: Target, parallel: bool) -> Statement {
    let near = &before[before.len().saturating_sub(6)..];
    if denies_need(near) {
        return Statement::Beside(target);
    }
    let says = |list: &[&str]| near.iter().any(|w| list.contains(&trimmed(w)));
    if parallel
        && (says(&["parallel", "independent", "independently", "concurrently", "alongside", "simultaneously", "beside"])
            || before.is_empty())
    {
        return Statement::Beside(target);
    }
    let last_cue = near.iter().rev().map(|w| trimmed(w)).find(|w| {
        [
            "before",
            "blocks",
            "enables",
            "unblocks",
            "precedes",
            "feeds",
            "after",
            "on",
            "by",
            "requires",
            "needs",
            "from",
            "once",
            "following",
            "of",
        ]
        .contains(w)
    });
    match last_cue {
        Some("before" | "blocks" | "enables" | "unblocks" | "precedes" | "feeds") => Statement::Before(target),
        Some(_) => Statement::Needs(target),
        None => Statement::Mentions(target),
    }
}

/// What the first line of a step says, if it has these marks.
#[cfg(test)]
pub(crate) fn statements_of_line(line: &str, marks: Marks) -> Statements {
    let mut out = Statements::default();
    read_line(&line.to_lowercase(), May::of(marks, line), true, &mut out);
    out
}

#[cfg(test)]
mod tests;
