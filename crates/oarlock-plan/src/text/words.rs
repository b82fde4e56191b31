//! Words: tokens, stems, and the lists of those that tell what a step does. Only English is known. What titles say is in `titles`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

use crate::text::List;

pub(super) static INSPECT: List = List::new(
    "analyze, analyse, analysis, audit, research, review, investigate, investigation, read, \
     identify, inventory, explore, exploration, discover, discovery, understand, assess, \
     assessment, evaluate, evaluation, list, find, search, locate, count, compare, inspect, \
     examine, study, survey, look, gather, scan, get, obtain",
);
pub(super) static DESIGN: List = List::new(
    "design, define, plan, planning, specify, spec, specification, architect, architecture, \
     decide, decision, choose, select, determine, outline, propose, proposal, prioritize, \
     clarify, agree",
);
pub(super) static FOUNDATION: List = List::new(
    "setup, set, scaffold, scaffolding, structure, bootstrap, initialize, initialise, init, \
     install, foundation, infrastructure, skeleton, prerequisites, preparation, prepare",
);
pub(super) static INTEGRATE: List = List::new(
    "integrate, integration, wire, wiring, connect, hook, merge, combine, consolidate, assemble, \
     register, switch, enable, activate, adopt",
);
pub(super) static VERIFY: List = List::new(
    "test, tests, testing, verify, verification, validate, validation, check, confirm, qa, \
     benchmark, dry, measure, monitor, ensure, smoke, e2e, sanity, prove",
);
pub(super) static FINISH: List = List::new(
    "delete, drop, retire, decommission, release, deploy, deployment, commit, publish, push, rollout, ship, tag, announce, notify, \
     clean, cleanup, archive, finalize, finalise, finish, wrap, close, complete, mark, polish, \
     cutover",
);
/// Verbs after which the object tells the role: "create unit tests" checks, "create a guide" describes.
pub(super) static MAKE: List = List::new(
    "create, write, add, build, implement, develop, produce, generate, make, update, extend, \
     extract, draft, introduce, provide, improve, expand, prepare, modify, fix, refactor, \
     rewrite, remove, rename, replace, move, migrate, port, convert, use, run, execute, \
     apply, configure",
);
pub(super) static PREPOSITIONS: List = List::new("for, with, in, into, to, from, of, using, at, on, that, by, via, and, or, which, so, as");

/// Words that say nothing about which thing is meant.
static GENERIC: List = List::new(
    "the, an, all, any, and, or, for, with, into, from, that, this, these, those, each, every, \
     new, old, existing, current, remaining, other, proper, basic, simple, initial, final, main, \
     full, file, files, code, module, modules, script, scripts, system, function, functions, \
     method, methods, class, classes, logic, support, feature, features, project, task, tasks, \
     step, steps, phase, component, components, part, section, item, items, option, data, work, \
     run, use, using, used, based, via, its, their, our, are, is, be, in, on, to, of, by, at, as, \
     it, if, not, no, when, where, then, first, after, before, per, via, across, between, \
     implementation, minutes, min, mins, hour, hours, day, days, md, py, rs, ts, js, \
     yaml, yml, json, toml, txt, html, css, sh, sql, docs, src, lib, user, users, value, values, \
     them, they, there, over, out, what, same, while, both, more, most, story, stories, set, list, name, handling, one, two, include, includes, including, contains, containing",
);

/// The lower-case words of `text`: letters and digits, with `camelCase` and `snake_case` taken apart.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    split(text, true)
}

/// The same one after the other, for who need not have them all.
pub(crate) fn each_token(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let lower = |word| if has_capitals(word) { Cow::Owned(word.to_ascii_lowercase()) } else { Cow::Borrowed(word) };
    let is_ascii = text.is_ascii();
    let plain = is_ascii.then(|| ascii_words(text, true).map(lower));
    let other = (!is_ascii).then(|| split(text, true).into_iter().map(Cow::Owned));
    plain.into_iter().flatten().chain(other.into_iter().flatten())
}

fn has_capitals(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_uppercase())
}

pub(super) fn split(text: &str, camel: bool) -> Vec<String> {
    if text.is_ascii() {
        return split_ascii(text, camel);
    }
    let mut out = Vec::new();
    let mut word = String::new();
    let mut lower_before = false;
    for c in text.chars() {
        if !c.is_alphanumeric() || (camel && c.is_uppercase() && lower_before) {
            flush(&mut word, &mut out);
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        lower_before = c.is_lowercase();
    }
    flush(&mut word, &mut out);
    out
}

/// The same for plain English, which nearly all text is: no table of characters is asked.
fn split_ascii(text: &str, camel: bool) -> Vec<String> {
    ascii_words(text, camel).map(str::to_ascii_lowercase).collect()
}

/// The words of plain English as they stand.
pub(crate) fn ascii_words(text: &str, camel: bool) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + bytes[at..].iter().position(u8::is_ascii_alphanumeric)?;
            let ends =
                |k: usize| !bytes[k].is_ascii_alphanumeric() || camel && bytes[k].is_ascii_uppercase() && bytes[k - 1].is_ascii_lowercase();
            at = (start + 1..bytes.len()).find(|k| ends(*k)).unwrap_or(bytes.len());
            if at - start > 1 {
                return Some(&text[start..at]);
            }
        }
    })
}

fn flush(word: &mut String, out: &mut Vec<String>) {
    if word.len() > 1 {
        out.push(std::mem::take(word));
    } else {
        word.clear();
    }
}

/// A rough stem, so that "detector" and "detection", "reports" and "reporter" meet. Not for showing.
pub(crate) fn stem(word: &str) -> &str {
    if word.starts_with("analy") {
        return &word[.."analy".len()];
    }
    let mut w = word;
    if w.len() > 3 && w.ends_with('s') && !w.ends_with("ss") {
        w = &w[..w.len() - 1];
    }
    for suffix in ["ation", "ment", "ing", "ion", "ed", "or", "er", "e"] {
        if let Some(rest) = w.strip_suffix(suffix)
            && rest.len() >= 3
            && rest.is_ascii()
        {
            // "calculation" and "calculator" differ by the "at" that "ation" took along.
            return if suffix == "ation" { &w[..rest.len() + "at".len()] } else { rest };
        }
    }
    w
}

/// The stems of `text` that can name a thing: no generic words, no role words, no numbers.
pub(crate) fn naming_stems(text: &str) -> Vec<String> {
    // "WebSocket" is one name: taken apart, it would meet every "web".
    stems_of(text, names)
}

/// The stems of all words of `text` but generic ones and those of making: a word that tells a role elsewhere may name a thing, as "tag" does.
pub(crate) fn subject_stems(text: &str) -> Vec<String> {
    let is_subject = |word: &str| {
        word.len() > 2 && !GENERIC.has(word) && !MAKE.has(word) && !PREPOSITIONS.has(word) && !word.bytes().all(|b| b.is_ascii_digit())
    };
    let mut out: Vec<String> = tokens(text).iter().filter(|word| is_subject(word)).map(|word| stem(word).to_owned()).collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// The stems of those words of `text` that are wanted, each once.
fn stems_of(text: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut out = Vec::new();
    each_word(text, |word| out.extend(is_wanted(word).then(|| stem(word).to_owned())));
    out.sort_unstable();
    out.dedup();
    out
}

/// The words of `text` one after the other, in lower case, `camelCase` not taken apart.
pub(crate) fn each_word(text: &str, mut take: impl FnMut(&str)) {
    if !text.is_ascii() {
        split(text, false).iter().for_each(|word| take(word));
        return;
    }
    let mut room = String::new();
    for word in ascii_words(text, false) {
        if has_capitals(word) {
            room.clear();
            room.push_str(word);
            room.make_ascii_lowercase();
            take(&room);
        } else {
            take(word);
        }
    }
}

/// Whether a word can name a thing.
fn names(word: &str) -> bool {
    word.len() > 2 && !NAMELESS.contains(word) && !word.bytes().all(|b| b.is_ascii_digit())
}

/// The stems of `text` that may mean a thing: also those of words that tell of looking, because a part may be named "search".
pub(crate) fn said_stems(text: &str) -> Vec<String> {
    stems_of(text, |word| said_stem(word).is_some())
}

/// The stem of one word, in lower case, if it may mean a thing.
pub(crate) fn said_stem(word: &str) -> Option<&str> {
    (names(word) || INSPECT.has(word)).then(|| stem(word))
}

/// The stems of what `text` speaks of as something that is there: up to three words behind "the", "these", "those".
pub(crate) fn definite_stems(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for clause in text.split(ends_clause) {
        let mut words = clause.split_whitespace();
        while let Some(word) = words.next() {
            if is_article(word) {
                let behind = words.clone().take(3).take_while(|word| !PREPOSITIONS.has(word));
                behind.for_each(|words| each_word(words, |word| out.extend(names(word).then(|| stem(word).to_owned()))));
            }
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

fn ends_clause(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '(' | ')' | '—')
}

/// Whether a word says that what it stands before is there.
fn is_article(word: &str) -> bool {
    matches!(word.len(), 3 | 5) && ["the", "these", "those"].iter().any(|article| word.eq_ignore_ascii_case(article))
}

/// The stems of the words of `text` that tell of looking at things.
pub(crate) fn inspect_stems(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    each_word(text, |word| out.extend(INSPECT.has(word).then(|| stem(word).to_owned())));
    out
}

/// Neighbouring words of a title joined, so that code which says `ReportResolver` meets a step that makes a "report resolver".
pub(crate) fn title_pairs(title: &str) -> Vec<String> {
    pairs(&split(title, false))
}

/// The same of a name in code.
pub(crate) fn name_pairs(name: &str) -> Vec<String> {
    pairs(&split(name, true))
}

fn pairs(words: &[String]) -> Vec<String> {
    let stems: Vec<&str> = words.iter().filter(|t| t.len() > 2 && !MAKE.has(t)).map(|t| stem(t)).collect();
    stems.windows(2).map(|pair| format!("{} {}", pair[0], pair[1])).collect()
}

/// Words that name no thing: generic ones, and those that tell roles.
static NAMELESS: LazyLock<HashSet<&'static str, RandomState>> = LazyLock::new(|| {
    let roles = [&INSPECT, &DESIGN, &FOUNDATION, &INTEGRATE, &VERIFY, &FINISH, &MAKE, &GENERIC];
    roles.iter().flat_map(|list| list.iter()).chain(["document", "documentation", "guide"]).collect()
});

/// `text` without what stands in round brackets.
pub(crate) fn without_parentheses(text: &str) -> String {
    if !text.contains('(') {
        return text.to_owned();
    }
    let mut depth = 0_usize;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn words_of_one_family_share_a_stem() {
        for (a, b) in [("detector", "detection"), ("reports", "reporter"), ("calculator", "calculation"), ("analyzer", "analysis")] {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
        assert_ne!(stem("planner"), stem("executor"));
    }

    #[test]
    fn identifiers_are_taken_apart() {
        assert_eq!(tokens("HealthScore alert_manager.py"), ["health", "score", "alert", "manager", "py"]);
    }

    #[test]
    fn plain_english_is_taken_apart_as_any_text() {
        for text in
            ["", "a", "HealthScore alert_manager.py", "HTTPServer x2 IOError", "don't 3 WebSockets", "camelCASE a1B2 --x--", "Z", "ab"]
        {
            for camel in [false, true] {
                // A character that is no letter and no number makes the other way be taken.
                assert_eq!(split(text, camel), split(&format!("{text}\u{2014}"), camel), "{text} {camel}");
            }
            for text in [text.to_owned(), format!("{text}\u{2014}")] {
                assert_eq!(each_token(&text).collect::<Vec<_>>(), tokens(&text), "{text}");
            }
        }
    }
}
