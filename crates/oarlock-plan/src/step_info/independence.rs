//! Statements that steps are independent: of all of them, of those that a sentence names, or of those below a heading.

use crate::read::label;
use crate::read::marks::PARALLEL;
use crate::rule;
use crate::step_info::references::{Target, labelled_at, split, trimmed};
use crate::text::List;

/// What a document says of all its steps when none waits for another.
static ALL_FREE: List = List::new(
    "independent of each other, independent of one another, are all independent, all are independent, tasks are independent, \
     items are independent, steps are independent, fixes are independent, changes are independent, parts are independent",
);

/// The same, of work that is listed below.
static ALL_AT_ONCE: List = List::new(
    "all of these in parallel, all of them in parallel, all tasks in parallel, tasks can all run in parallel, all tasks can run in parallel, \
     all steps can run in parallel, all can run in parallel",
);

/// Whether a sentence says of each step that it is independent, and of no part of them: "Each issue is independent", "the tasks can be done in any order".
fn says_each_is_free(sentence: &str) -> bool {
    let words: Vec<&str> = sentence.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    if has(&[
        "within", "after", "once", "until", "except", "but", "most", "some", "phase", "phases", "group", "groups", "wave", "waves", "not",
        "should", "test", "tested",
    ]) || words.iter().any(|word| word.starts_with("stor") || word.chars().any(|c| c.is_ascii_digit()))
    {
        return false;
    }
    let is_work = |word: &str| {
        label::noun(word).is_some()
            || ["fix", "fixes", "change", "changes", "bug", "bugs", "finding", "findings", "these", "they"].contains(&word)
    };
    let frees = |words: &[&str]| {
        words.iter().any(|word| ["independent", "separately", "independently"].contains(word))
            || words.windows(2).any(|pair| pair == ["any", "order"])
    };
    if words.starts_with(&["each", "is"]) && frees(&words[2..]) {
        return true;
    }
    let subject = |at: usize| match words[at] {
        "each" | "every" | "all" | "the" => words.get(at + 1).copied().filter(|_| at + 3 <= words.len()),
        _ => None,
    };
    (0..words.len()).any(|at| {
        let verb = words.get(at + 2).copied().unwrap_or("");
        subject(at).is_some_and(is_work) && ["is", "are", "can", "may"].contains(&verb) && frees(&words[at + 3..])
    }) || words.first().is_some_and(|first| is_work(first) && first.ends_with('s'))
        && words.get(1).is_some_and(|verb| ["are", "can", "may"].contains(verb))
        && frees(&words[2..])
}

/// The statement of a line that stands in no step: "Steps 2 to 4 are independent of each other."
pub(crate) fn side_by_side(line: &str) -> Vec<Target> {
    let lower = line.to_lowercase();
    if !says_parallel(&lower) {
        return Vec::new();
    }
    let words = split(&lower);
    // What is independent must be the steps: "the backends stay independent of each other" speaks of something else.
    let nouns = ["steps", "tasks", "items", "fixes", "changes", "parts", "subtasks", "phases", "they"];
    let of_steps = words.iter().any(|w| nouns.contains(&trimmed(w)));
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (targets, next) = labelled_at(&words, at);
        out.extend(targets);
        at = next.max(at + 1);
    }
    // "Each issue is independent. Issues 1-4 change code": what is said of each holds, whatever is said of some behind it.
    if rule::is_on(rule::EACH_FREE) && lower.split(['.', ';']).any(says_each_is_free) {
        return vec![Target::All];
    }
    match out.len() {
        0 if lower.split(['.', ';']).any(says_each_is_free)
            || ALL_AT_ONCE.iter().any(|phrase| lower.contains(phrase))
            || (of_steps && ALL_FREE.iter().any(|phrase| lower.contains(phrase))) =>
        {
            vec![Target::All]
        }
        0 | 1 => Vec::new(),
        // A sentence that also says what waits is taken apart elsewhere.
        _ if ["depend", "require", "after ", "once "].iter().any(|word| lower.contains(word)) => Vec::new(),
        _ => out,
    }
}

/// Whether a line in lower case says that things run at once.
pub(crate) fn says_parallel(lower: &str) -> bool {
    let says = PARALLEL.iter().any(|w| lower.contains(w));
    let denies = lower.starts_with("not ") || [" not ", "n't ", "cannot", "never", "sequential", "not-"].iter().any(|w| lower.contains(w));
    says && !denies
}
