//! Checks that read the source as text. They know just enough Rust to leave comments and strings in peace
//! where that matters.

use super::fault::Fault;
use crate::output::Outcome;
use crate::workspace;

/// Lines after which a file needs to say why it is this long.
const LINES_MAX: usize = 500;

/// How such a file says it.
const LONG: &str = "//! long: ";

/// A source file.
pub(super) struct Source {
    /// Its path from the workspace's root, with `/`.
    pub(super) file: String,
    /// The crate it belongs to.
    owner: String,
    pub(super) text: String,
}

/// One check of one file.
pub(super) type Check = fn(&Source, &mut Vec<Fault>);

/// Every check.
pub(super) const CHECKS: &[Check] = &[sql_outside_stores, too_long, impure, unexplained, unfinished];

/// The sources of all crates.
///
/// # Errors
/// A file cannot be read.
pub(super) fn read_all() -> Outcome<Vec<Source>> {
    let mut sources = Vec::new();
    for dir in workspace::crate_dirs()? {
        let owner = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in workspace::files_below(&dir, "rs")? {
            let file = path.strip_prefix(workspace::root())?.to_string_lossy().replace('\\', "/");
            let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot read {file}: {error}"))?;
            sources.push(Source { file, owner: owner.clone(), text });
        }
    }
    Ok(sources)
}

impl Source {
    /// A file that is not there.
    #[cfg(test)]
    pub(super) fn sample(file: &str, text: &str) -> Self {
        Self { file: file.into(), owner: String::new(), text: text.into() }
    }

    fn fault(&self, line: usize, what: impl Into<String>) -> Fault {
        Fault { file: self.file.clone(), line, what: what.into() }
    }

    /// Whether it is part of the program, not of tests, examples or benches beside it.
    fn is_in_src(&self) -> bool {
        self.file.contains("/src/")
    }

    /// Lines from 1, each cut into code and comment.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        self.text.lines().enumerate().map(|(n, line)| {
            let (code, comment) = cut(line);
            (n + 1, code, comment)
        })
    }
}

/// Cuts a line where its comment begins. Two slashes inside a string do not begin one.
fn cut(line: &str) -> (&str, &str) {
    let mut in_string = false;
    let mut previous = '\0';
    for (at, c) in line.char_indices() {
        match c {
            '"' if in_string => in_string = previous == '\\',
            // A quote as a character literal opens no string.
            '"' => in_string = !matches!(previous, '\\' | '\''),
            '/' if previous == '/' && !in_string => return line.split_at(at - 1),
            _ => {}
        }
        previous = if previous == '\\' && c == '\\' { '\0' } else { c };
    }
    (line, "")
}

/// SQL is in stores, in what tests them and in what measures them.
fn sql_outside_stores(source: &Source, faults: &mut Vec<Fault>) {
    if matches!(source.owner.as_str(), "oarlock-faultdisk" | "oarlock-sqlite" | "oarlock-testkit" | "xtask") || !source.is_in_src() {
        return;
    }
    for (line, code, _) in source.lines() {
        for word in ["rusqlite", "SELECT ", "INSERT "] {
            if code.contains(word) {
                faults.push(source.fault(line, format!("\"{}\" belongs into a store", word.trim())));
            }
        }
    }
}

fn too_long(source: &Source, faults: &mut Vec<Fault>) {
    let lines = source.text.lines().count();
    let says_why = source.text.lines().any(|line| line.strip_prefix(LONG).is_some_and(|why| !why.trim().is_empty()));
    if source.is_in_src() && lines > LINES_MAX && !says_why {
        faults.push(source.fault(0, format!("{lines} lines: split it, or say why with `{LONG}…`")));
    }
}

/// The forbidden words in a crate of values and pure functions. A length of time is a value and is no clock.
const IMPURE: &[&str] = &["std::fs", "std::time", "std::env", "std::net", "std::process", "std::thread", "SystemTime", "Instant"];

fn impure(source: &Source, faults: &mut Vec<Fault>) {
    // Seeded faults are asked for by the environment, in builds that nobody uses.
    let is_seeded = source.file.ends_with("oarlock-model/src/seeded.rs");
    if !matches!(source.owner.as_str(), "oarlock-model" | "oarlock-plan") || !source.is_in_src() || is_seeded {
        return;
    }
    // Two halves at once come to the same as one after the other, and only this file has to see to it.
    let may_part = source.file.ends_with("oarlock-plan/src/at_once.rs");
    for (line, code, _) in source.lines() {
        let code = code.replace("std::time::Duration", "");
        for word in IMPURE.iter().filter(|word| !(may_part && **word == "std::thread")) {
            if has_word(&code, word) {
                faults.push(source.fault(line, format!("{word}: this crate is pure; pass the value in")));
            }
        }
    }
}

/// Whether `word` is in `text` and is not part of a longer name.
fn has_word(text: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(is_name) && !text[at + word.len()..].starts_with(is_name))
}

/// A silenced lint says why, and uses `expect`, which shows when it is no longer needed.
fn unexplained(source: &Source, faults: &mut Vec<Fault>) {
    let code: String = source.lines().flat_map(|(_, code, _)| [code, "\n"]).collect();
    for (at, opening) in code.match_indices("[expect(").chain(code.match_indices("[allow(")) {
        // An attribute is first in its line; anything else is text about one.
        let before = code[..at].rsplit('\n').next().unwrap_or_default();
        if !matches!(before.trim_start(), "#" | "#!") {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let end = code[at..].find(")]").map_or(code.len(), |end| at + end);
        if opening == "[allow(" {
            faults.push(source.fault(line, "use `expect` instead of `allow`"));
        } else if !has_word(&code[at..end], "reason") {
            faults.push(source.fault(line, "a silenced lint says why: `reason = \"…\"`"));
        }
    }
}

/// Marks of unfinished work in comments. The pieces are joined here so that this file has none.
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

/// The same as macros.
const MACROS: &[&str] = &[concat!("to", "do!"), concat!("unimple", "mented!")];

fn unfinished(source: &Source, faults: &mut Vec<Fault>) {
    for (line, code, comment) in source.lines() {
        let mark = MARKS.iter().find(|mark| comment.contains(**mark));
        let unfinished = mark.or_else(|| MACROS.iter().find(|name| has_start(code, name)));
        if let Some(mark) = unfinished {
            faults.push(source.fault(line, format!("{mark}: finish it, or tell users that it is missing")));
        }
    }
}

/// Whether `text` has `word` and no longer name that ends with it.
fn has_start(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_whole_tree_passes(check: Check) {
        let mut faults = Vec::new();
        read_all().expect("the tree can be read").iter().for_each(|source| check(source, &mut faults));
        let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(shown.is_empty(), "\n{}", shown.join("\n"));
    }

    fn count(check: Check, owner: &str, text: &str) -> usize {
        let source = Source { file: format!("crates/{owner}/src/a.rs"), owner: owner.into(), text: text.into() };
        let mut faults = Vec::new();
        check(&source, &mut faults);
        faults.len()
    }

    #[test]
    fn sql_stands_only_in_stores() {
        assert_eq!(count(sql_outside_stores, "oarlock-ops", "const A: &str = \"SELECT 1\";"), 1);
        assert_eq!(count(sql_outside_stores, "oarlock-sqlite", "const A: &str = \"SELECT 1\";"), 0);
        assert_eq!(count(sql_outside_stores, "oarlock-ops", "a(); // SELECT is what a store does"), 0);
        assert_whole_tree_passes(sql_outside_stores);
    }

    #[test]
    fn no_file_is_too_long() {
        let long = "a();\n".repeat(501);
        assert_eq!(count(too_long, "oarlock-ops", &long), 1);
        assert_eq!(count(too_long, "oarlock-ops", &format!("//! long: a table\n{long}")), 0);
        assert_eq!(count(too_long, "oarlock-ops", &format!("//! long: \n{long}")), 1);
        assert_whole_tree_passes(too_long);
    }

    #[test]
    fn the_core_asks_no_clock_and_no_disk() {
        assert_eq!(count(impure, "oarlock-model", "let now = std::time::SystemTime::now();"), 2);
        assert_eq!(count(impure, "oarlock-plan", "use std::fs;"), 1);
        assert_eq!(count(impure, "oarlock-host", "use std::fs;"), 0);
        assert_eq!(count(impure, "oarlock-model", "fn a() -> std::time::Duration { b() } // Instant"), 0);
        assert_eq!(count(impure, "oarlock-model", "struct Instantly;"), 0);
        assert_whole_tree_passes(impure);
    }

    #[test]
    fn silenced_lints_say_why() {
        assert_eq!(count(unexplained, "oarlock", "#[expect(dead_code)]"), 1);
        assert_eq!(count(unexplained, "oarlock", "#[expect(\n    dead_code,\n    reason = \"later\"\n)]"), 0);
        assert_eq!(count(unexplained, "oarlock", "#![allow(dead_code, reason = \"later\")]"), 1);
        assert_eq!(count(unexplained, "oarlock", "values[expect(3)]; // #[expect(dead_code)]"), 0);
        assert_whole_tree_passes(unexplained);
    }

    #[test]
    fn nothing_is_left_unfinished() {
        for mark in MARKS {
            assert_eq!(count(unfinished, "oarlock", &format!("a(); // {mark} b")), 1, "{mark}");
            assert_eq!(count(unfinished, "oarlock", &format!("a(\"{mark}\");")), 0, "{mark}");
        }
        for name in MACROS {
            assert_eq!(count(unfinished, "oarlock", &format!("fn a() {{ {name}() }}")), 1, "{name}");
            assert_eq!(count(unfinished, "oarlock", &format!("my_{name}()")), 0, "{name}");
        }
        assert_whole_tree_passes(unfinished);
    }

    #[test]
    fn slashes_in_strings_begin_no_comment() {
        assert_eq!(cut("a(\"http://b\"); // c"), ("a(\"http://b\"); ", "// c"));
        assert_eq!(cut("a('\"'); // c"), ("a('\"'); ", "// c"));
        assert_eq!(cut("a(\"\\\"//\"); // c"), ("a(\"\\\"//\"); ", "// c"));
        assert_eq!(cut("a(\"'\"); // c"), ("a(\"'\"); ", "// c"));
        assert_eq!(cut("a / b"), ("a / b", ""));
    }
}
