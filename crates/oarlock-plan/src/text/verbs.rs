//! What a clause does with the file it names: the verb that governs the end of the clause, and whether it writes or reads.
//! A word such as "tests" or "search" is a verb or a noun; taking the noun for a verb would hide what is written, and the
//! other way round would claim what is only read.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

use crate::text::List;
use crate::text::words::{each_token, stem};

/// Words before the end of a clause among which its verb is looked for.
const REACH: usize = 12;

static WRITE: List = List::new(
    "create, write, add, update, modify, edit, change, fix, implement, extend, refactor, rewrite, \
     remove, delete, rename, move, replace, build, generate, append, save, store, output, put, \
     insert, patch, touch, populate, configure, convert, migrate, split, document, draft, \
     produce, make, establish, develop, integrate, place, record, export, correct, adjust, \
     improve, bump, introduce, wire, register, clean, enhance, expand, rework, simplify, optimize, scaffold, wrap, deprecate, prune",
);
static READ: List = List::new(
    "read, review, analyze, check, verify, test, inspect, see, parse, load, import, run, execute, \
     open, compare, reference, use, find, search, validate, list, start, call, depend, consult, \
     follow, understand, identify, audit, scan, look, view, confirm, exist, match, study, \
     require, invoke, source",
);
/// Making verbs after which "x.yaml reference" is not x.yaml.
static NEW_THING: List = List::new("add, create, implement, write, build, introduce, make, develop, generate");
/// Verbs by their stems.
type Verbs = LazyLock<HashSet<&'static str, RandomState>>;
static WRITES: Verbs = LazyLock::new(|| WRITE.iter().map(stem).collect());
static READS: Verbs = LazyLock::new(|| READ.iter().map(stem).collect());
static MAKES: Verbs = LazyLock::new(|| NEW_THING.iter().map(stem).collect());
/// Reading verbs that are nouns as well: "write the tests", "add a search".
static NOUNS: List = List::new("test, tests, testing, search, list, review, audit, scan, view, import, match, check, study, analysis");
/// Words before which the object of a verb has ended, so that a verb may follow them.
static JOINERS: List = List::new(
    "to, and, or, then, that, which, who, it, them, for, with, in, into, from, of, using, at, on, by, via, so, as, if, when, while, \
     let, lets, must, should, can, will, may, not, please, make, makes, but",
);
static DETERMINERS: List =
    List::new("a, an, the, this, these, its, our, all, each, every, new, existing, first, own, some, more, missing, unit, integration");

/// What a clause does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It creates or changes.
    Write {
        /// Whether it makes something new.
        makes: bool,
        /// Whether what it makes are tests.
        tests: bool,
    },
    /// It reads or runs.
    Read,
}

/// What the nearest verb before the end of `clause` does; `None` without a verb.
pub(crate) fn governing(clause: &str) -> Option<Deed> {
    governing_of(&marked(clause))
}

fn governing_of(words: &[String]) -> Option<Deed> {
    let mut tests = false;
    for k in (0..words.len()).rev().filter(|k| words[*k] != ",").take(REACH) {
        let word = words[k].as_str();
        if is_writing(word) {
            return Some(Deed::Write { makes: MAKES.contains(stem(word)), tests });
        }
        if is_reading(word) && !(word == "use" && words.get(k + 1).is_some_and(|next| next.starts_with("case"))) {
            if !is_noun(words, k) {
                return Some(Deed::Read);
            }
            // "The test runner" is no test.
            let names_another = words.get(k + 1).is_some_and(|next| next != "," && !JOINERS.has(next) && !is_noun(words, k + 1));
            tests |= stem(word) == "test" && !names_another;
        }
    }
    None
}

/// Whether `clause` begins with a verb, as orders do ("Run the checks in", and not "Tests for it in"), or ends in one that writes.
pub(crate) fn orders_or_writes(clause: &str) -> bool {
    let words = marked(clause);
    let first = words.iter().position(|w| w != ",");
    let orders = first.is_some_and(|k| is_writing(&words[k]) || is_reading(&words[k]) && !is_noun(&words, k));
    orders || matches!(governing_of(&words), Some(Deed::Write { .. }))
}

/// Whether `clause` is an order to check, with nothing to change: "verify that it builds in". "Review and extend" changes something.
pub(crate) fn only_checks(clause: &str) -> bool {
    let words = marked(clause);
    let mut words = words.iter().map(String::as_str).skip_while(|word| *word == ",");
    let checks = words.next().is_some_and(|first| ["verify", "check", "confirm", "review"].contains(&first));
    let mut is_joined = false;
    checks
        && !words.any(|word| {
            let changes = is_joined && is_writing(word);
            is_joined = ["and", "then", ","].contains(&word);
            changes
        })
}

/// Whether `clause` begins with a verb that creates or changes.
pub(crate) fn begins_with_write(clause: &str) -> bool {
    each_token(clause).next().is_some_and(|word| is_writing(&word))
}

/// Whether a verb of `clause` creates or changes.
pub(crate) fn says_write(clause: &str) -> bool {
    each_token(clause).any(|w| is_writing(&w))
}

/// Whether a verb of `clause` reads.
pub(crate) fn says_read(clause: &str) -> bool {
    let words = marked(clause);
    (0..words.len()).any(|k| is_reading(&words[k]) && !is_noun(&words, k))
}

/// Whether a word is a form of a verb that creates or changes: "created", "updates". "Writer" is none.
pub(crate) fn is_writing(word: &str) -> bool {
    is_form(word, &WRITE, &WRITES)
}

/// Whether a word is a form of a verb that reads. "Parser" and "validation" are none.
pub(crate) fn is_reading(word: &str) -> bool {
    is_form(word, &READ, &READS)
}

fn is_form(word: &str, list: &List, stems: &Verbs) -> bool {
    let singular = word.strip_suffix('s').unwrap_or(word);
    // Who does something and what is done share the stem of the verb.
    let noun = ["er", "or", "ion", "ment"].iter().any(|end| singular.ends_with(end));
    list.has(word) || list.has(singular) || (!noun && stems.contains(stem(word)))
}

/// The words of a clause, with a comma for each mark that ends a part of it.
fn marked(clause: &str) -> Vec<String> {
    let mut out = Vec::new();
    for part in clause.split([',', ':', '(', ')', '—', '–']) {
        if !out.is_empty() {
            out.push(",".to_owned());
        }
        for word in part.split_whitespace() {
            if word == "a" { out.push(word.to_owned()) } else { out.extend(each_token(word).map(Cow::into_owned)) }
        }
    }
    out
}

/// Whether the reading word `at` is the object of what stands before it.
fn is_noun(words: &[String], at: usize) -> bool {
    let word = words[at].as_str();
    let before = words[..at].last().map(String::as_str);
    if !NOUNS.has(word) {
        return false;
    }
    if word == "tests" {
        return !before.is_some_and(|w| ["that", "which", "who", "it"].contains(&w));
    }
    // "Agents read": a plural is the one who does it.
    if before.is_some_and(|w| w.ends_with('s') && !w.ends_with("ss") && !DETERMINERS.has(w)) {
        return false;
    }
    for word in words[..at].iter().rev() {
        if word == "," || JOINERS.has(word) {
            return false;
        }
        if DETERMINERS.has(word) || is_writing(word) || is_reading(word) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_are_told_from_verbs() {
        let write = |makes, tests| Some(Deed::Write { makes, tests });
        for (clause, want) in [
            ("Write the parser in", write(true, false)),
            ("Write unit and integration tests in", write(true, true)),
            ("Write the comparison with a plain scan,", write(true, false)),
            ("Create the test runner script (", write(true, false)),
            ("Add search to", write(true, false)),
            ("Create the show use case in", write(true, false)),
            ("Search the index in", Some(Deed::Read)),
            ("Update it, test it in", Some(Deed::Read)),
            ("Update the prompt so that agents review", Some(Deed::Read)),
            ("Register the view in", write(false, false)),
            ("The parser in", None),
            ("", None),
        ] {
            assert_eq!(governing(clause), want, "{clause}");
        }
    }
}
