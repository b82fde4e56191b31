//! Names in code: those that the code of a step brings in, and those that it uses. A task that shows its code stands on another one where
//! it uses a name that the other one brings in.

use crate::read::document::{Document, Kind};
use crate::read::draft::Draft;
use crate::rule;
use crate::text::clip;

/// Names of one step that are kept, of either sort.
const NAMES_MAX: usize = 600;
/// Lines of code of one step that are read.
const LINES_MAX: usize = 2_000;
/// Shorter names are met by chance.
const CHARS_MIN: usize = 4;
/// Shorter texts in quotes are met by chance.
const TEXT_CHARS_MIN: usize = 6;

/// Words behind which code brings in a name.
const BRINGS_IN: [&str; 21] = [
    "function",
    "def",
    "class",
    "interface",
    "type",
    "struct",
    "enum",
    "trait",
    "fn",
    "func",
    "protocol",
    "record",
    "module",
    "mod",
    "table",
    "TABLE",
    "VIEW",
    "export",
    "macro",
    "object",
    "namespace",
];
/// The same, where they stand at the beginning of a line.
const BRINGS_IN_AT_MARGIN: [&str; 4] = ["const", "let", "var", "val"];
/// Words between the two.
const BETWEEN: [&str; 15] =
    ["async", "default", "const", "let", "var", "abstract", "static", "pub", "data", "sealed", "IF", "NOT", "EXISTS", "suspend", "final"];

/// The names in the code of a step, in lower case as they are compared.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Those that it brings in.
    pub(crate) defined: Vec<String>,
    /// All that it has.
    pub(crate) used: Vec<String>,
}

/// The names in the fenced code of `draft`, and in what its prose sets as code.
pub(crate) fn of_draft(document: &Document<'_>, draft: &Draft) -> Names {
    let mut out = Names::default();
    for line in (draft.line..=draft.last).take(LINES_MAX) {
        match document.lines[line].kind {
            Kind::Code => read_code(clip(document.raw(line)), &mut out),
            Kind::Text | Kind::Item(_) => {
                let text = clip(document.text(line));
                let brings_in = rule::is_on(rule::PRODUCES) && is_product(text);
                for code in text.split('`').skip(1).step_by(2) {
                    read_span(code, &mut out);
                    if brings_in {
                        words(code).for_each(|(_, word)| push(&mut out.defined, word, CHARS_MIN));
                    }
                }
            }
            Kind::Blank | Kind::Meta | Kind::Heading(_) | Kind::Rule => {}
        }
    }
    for names in [&mut out.defined, &mut out.used] {
        names.sort_unstable();
        names.dedup();
    }
    out
}

/// "**Produces:** `openPier(name)`": what later tasks may use.
fn is_product(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or_default().trim_matches(['*', ' ', '_', '-']).to_lowercase();
    ["produces", "provides", "exports", "exposes"].contains(&name.as_str())
}

/// Words behind which a title says where it works: "Add a method to BoatStore", "Extend the PierPage".
const PLACES: [&str; 18] = [
    "to",
    "in",
    "into",
    "of",
    "on",
    "within",
    "inside",
    "from",
    "extend",
    "update",
    "modify",
    "refactor",
    "create",
    "implement",
    "build",
    "rewrite",
    "change",
    "define",
];

/// The names of code that a title works on, recognised by their capitals: "Add a method to BoatStore".
pub(crate) fn in_title(title: &str) -> impl Iterator<Item = &str> {
    let mut before = "";
    words(title).map(|(_, word)| word).filter(move |word| {
        let is_placed = PLACES.iter().any(|place| before.eq_ignore_ascii_case(place));
        if !["the", "new", "existing", "a"].iter().any(|filler| word.eq_ignore_ascii_case(filler)) {
            before = word;
        }
        is_placed && is_name(word)
    })
}

/// The components that a task keeps to, of a field such as "_Boundary: BoatStore, PierPage_", in lower case.
pub(crate) fn boundaries(document: &Document<'_>, draft: &Draft) -> Vec<String> {
    let of_field = |line: usize| {
        let text = clip(document.text(line)).trim_matches(['_', '*', ' ']);
        let value = text.get(..9).filter(|name| name.eq_ignore_ascii_case("boundary:")).map(|_| &text[9..]);
        value.into_iter().flat_map(|value| value.split([',', ';'])).map(|name| name.trim().to_lowercase()).collect::<Vec<_>>()
    };
    let lines = (draft.line..=draft.last).take(LINES_MAX).filter(|line| matches!(document.lines[*line].kind, Kind::Text | Kind::Item(_)));
    lines.flat_map(of_field).filter(|name| !name.is_empty()).take(NAMES_MAX).collect()
}

/// The name of a file without its extensions and without what marks it as a test: "todo" of `todo.spec.ts`, `test_todo.py` and `todo_test.go`.
pub(crate) fn stem_of_file(name: &str) -> String {
    let lower = name.to_lowercase();
    let stem = lower.split('.').find(|part| !part.is_empty()).unwrap_or("");
    let stem = stem.strip_prefix("test_").or_else(|| stem.strip_prefix("test-")).unwrap_or(stem);
    ["_test", "-test", "_spec", "-spec", "tests", "test"].iter().find_map(|end| stem.strip_suffix(end)).unwrap_or(stem).to_owned()
}

/// All names of code in a title, recognised by their capitals.
pub(crate) fn names(title: &str) -> impl Iterator<Item = &str> {
    words(title).map(|(_, word)| word).filter(|word| is_name(word))
}

/// Whether a word is a name of code by its capitals: "BoatStore".
pub(crate) fn is_name(word: &str) -> bool {
    let humps = word.char_indices().filter(|(at, c)| *at > 0 && c.is_ascii_uppercase() && word.as_bytes()[at - 1].is_ascii_lowercase());
    humps.count() > 0 && word.starts_with(|c: char| c.is_ascii_uppercase()) && word.len() > CHARS_MIN
}

/// The names of code in what the prose of a step sets as code: those of several words, of calls, and routes. In lower case.
pub(crate) fn in_spans(document: &Document<'_>, draft: &Draft) -> Vec<String> {
    let mut out = Vec::new();
    for line in (draft.line..=draft.last).take(LINES_MAX).filter(|line| matches!(document.lines[*line].kind, Kind::Text | Kind::Item(_))) {
        for span in clip(document.text(line)).split('`').skip(1).step_by(2) {
            let is_route = span.starts_with('/') && span.len() > CHARS_MIN && !span.contains(' ');
            if is_route {
                push(&mut out, span.trim_end_matches('/'), CHARS_MIN);
            }
            for (at, word) in words(span) {
                let is_called = span[at + word.len()..].starts_with('(');
                let has_hump = word.bytes().zip(word.bytes().skip(1)).any(|(a, b)| a.is_ascii_lowercase() && b.is_ascii_uppercase());
                if is_called || has_hump || word.trim_matches('_').contains('_') {
                    push(&mut out, word, CHARS_MIN);
                }
            }
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

fn push(list: &mut Vec<String>, name: &str, chars_min: usize) {
    if name.len() >= chars_min && list.len() < NAMES_MAX {
        list.push(name.to_lowercase());
    }
}

/// What prose sets as code is used, and brings in nothing.
fn read_span(code: &str, out: &mut Names) {
    words(code).for_each(|(_, word)| push(&mut out.used, word, CHARS_MIN));
}

fn read_code(line: &str, out: &mut Names) {
    let text = line.trim_start();
    if ["//", "#", "--", "/*", "* "].iter().any(|mark| text.starts_with(mark)) && !text.starts_with("#[") {
        return;
    }
    let at_margin = text.len() == line.len();
    let mut awaits_name = false;
    for (at, word) in words(text) {
        let is_margin_word = at_margin && at == 0 && BRINGS_IN_AT_MARGIN.contains(&word);
        if BRINGS_IN.contains(&word) || is_margin_word {
            awaits_name = true;
            continue;
        }
        if awaits_name && BETWEEN.contains(&word) {
            continue;
        }
        push(&mut out.used, word, CHARS_MIN);
        // `func (s *Store) Name`: behind the bracket the name still comes.
        let is_receiver = || text[..at].matches('(').count() > text[..at].matches(')').count();
        if awaits_name && !is_receiver() {
            push(&mut out.defined, word, CHARS_MIN);
            awaits_name = false;
        }
    }
    if !is_import(text) {
        texts(text).for_each(|text| {
            push(&mut out.defined, text, TEXT_CHARS_MIN);
            push(&mut out.used, text, TEXT_CHARS_MIN);
        });
    }
}

fn is_import(text: &str) -> bool {
    ["import ", "from ", "use ", "export {", "export *", "require "].iter().any(|word| text.starts_with(word))
        || text.contains("require(")
        || text.contains(" from '")
        || text.contains(" from \"")
}

/// The words of a line of code that may be names, each with its place.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = text[from..].find(is_part).map(|at| from + at)?;
        let end = text[start..].find(|c| !is_part(c)).map_or(text.len(), |length| start + length);
        from = end;
        Some((start, &text[start..end]))
    })
    .filter(|(_, word)| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// Texts in quotes that join words by marks, as names of events, routes and keys do: `tray:open`, `/api/boats`.
fn texts(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\'', '"']).skip(1).step_by(2).filter(|inside| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || ":/_.-".contains(c);
        inside.contains([':', '/', '-']) && inside.chars().all(is_name) && !inside.starts_with(['.', '@']) && !inside.contains("//")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(code: &str) -> Names {
        let source = format!("1. Do `it_now`\n```ts\n{code}\n```\n");
        let document = Document::read(&source).expect("small");
        of_draft(&document, &Draft { last: document.lines.len() - 1, ..Draft::default() })
    }

    #[test]
    fn code_brings_in_names_and_uses_others() {
        for (code, defined) in [
            ("export async function openPier() {", vec!["openpier"]),
            ("export default class PierStore {", vec!["pierstore"]),
            ("def moor_boat(self):", vec!["moor_boat"]),
            ("func (s *Store) MoorBoat(x int) {", vec!["moorboat"]),
            ("  const inner = 1", vec![]),
            ("const outer = 1", vec!["outer"]),
            ("send('pier:open', 1)", vec!["pier:open"]),
            ("import { x } from 'pier/open'", vec![]),
            ("// function remark()", vec![]),
            ("CREATE TABLE IF NOT EXISTS pier_names (", vec!["pier_names"]),
        ] {
            assert_eq!(names(code).defined, defined, "{code}");
        }
        assert_eq!(names("openPier(1)").used, ["it_now", "openpier"]);
    }

    #[test]
    fn capitals_tell_names_in_titles() {
        let found = |title: &'static str| in_title(title).collect::<Vec<_>>();
        assert_eq!(found("Add a WaitGroup field to the BoatStore (iOS, API)"), ["BoatStore"]);
        assert_eq!(found("Create PierPage from BoatStore"), ["PierPage", "BoatStore"]);
        assert!(found("Écrire le réÉ Store").is_empty());
    }

    #[test]
    fn odd_code_does_not_panic() {
        for code in ["", "'", "\"'", "é function", "function", "func (", "class é", "`"] {
            let _ = names(code);
        }
    }
}
