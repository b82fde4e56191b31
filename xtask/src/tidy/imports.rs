//! The imports of a source file from other files of its crate, read from its words: imports, paths in its code, what it hands
//! on to others, and what it defines. It knows just enough Rust for that. What only tests see is left out.

use std::collections::BTreeSet;

/// A path as it is written, name by name: `crate::a::B`.
pub(super) type Names = Vec<String>;

/// The imports of one file.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// The names it uses, by imports or in its code.
    pub(super) uses: Vec<Names>,
    /// The names it hands on with `pub use`, by their name there; `*` for all that a module has.
    pub(super) hands_on: Vec<(String, Names)>,
    /// Its modules that are files of their own.
    pub(super) modules: BTreeSet<String>,
    /// The names it defines.
    pub(super) defines: BTreeSet<String>,
}

/// Words before a defined name.
const DEFINING: &[&str] = &["struct", "enum", "union", "trait", "type", "fn", "const", "static", "mod"];

impl Imports {
    /// Those of a file with this text.
    pub(super) fn of(text: &str) -> Self {
        let words = without_tests(words(text));
        let mut out = Self::default();
        let (mut at, mut depth, mut inline) = (0, 0_usize, Vec::new());
        let mut said = BTreeSet::new();
        while at < words.len() {
            let next = words.get(at + 1).copied().unwrap_or_default();
            said.insert(words[at]);
            match words[at] {
                "{" => depth += 1,
                "}" => {
                    depth = depth.saturating_sub(1);
                    inline.retain(|opened| *opened < depth);
                }
                "use" if next != "<" => {
                    let is_handed_on = is_public(&words[..at]);
                    at += 1;
                    let mut leaves = Vec::new();
                    tree(&words, &mut at, &[], &mut leaves);
                    for (name, path) in leaves {
                        let path = from_file(path, inline.len());
                        if is_handed_on { out.hands_on.push((name, path)) } else { out.uses.push(path) }
                    }
                }
                "mod" if words.get(at + 2) == Some(&";") => {
                    out.modules.insert(next.to_owned());
                    at += 1;
                }
                "mod" if words.get(at + 2) == Some(&"{") => inline.push(depth),
                word if DEFINING.contains(&word) => {
                    out.defines.insert(next.to_owned());
                    at += 1;
                }
                // Who may see something is no use of it: `pub(in path)`.
                "in" if words[..at].ends_with(&["pub", "("]) => at += words[at..].iter().position(|word| *word == ")").unwrap_or(0),
                word if is_name(word) && next == "::" && at.checked_sub(1).is_none_or(|before| !matches!(words[before], "::" | ".")) => {
                    let mut path = vec![word.to_owned()];
                    while words.get(at + 1) == Some(&"::") && words.get(at + 2).is_some_and(|name| is_name(name)) {
                        path.push(words[at + 2].to_owned());
                        at += 2;
                    }
                    out.uses.push(from_file(path, inline.len()));
                }
                _ => {}
            }
            at += 1;
        }
        // Names that are handed on and used here too are imported.
        out.uses.extend(out.hands_on.iter().filter(|(name, _)| said.contains(name.as_str())).map(|(_, path)| path.clone()));
        out
    }
}

/// A path that is written this many modules deep inside of a file, as the file would write it.
fn from_file(path: Names, depth: usize) -> Names {
    let inside = path.iter().take(depth).take_while(|name| *name == "super").count();
    if inside == 0 || path.get(inside).is_some_and(|name| name == "super") {
        return path.into_iter().skip(inside).collect();
    }
    ["self".to_owned()].into_iter().chain(path.into_iter().skip(inside)).collect()
}

/// Whether the words before an item end with `pub` or `pub(…)`.
fn is_public(before: &[&str]) -> bool {
    match before.last() {
        Some(&")") => before.iter().rposition(|word| *word == "(").is_some_and(|open| before[..open].last() == Some(&"pub")),
        last => last == Some(&"pub"),
    }
}

/// The leaves of an import with the names that they get; `at` is left behind it.
fn tree(words: &[&str], at: &mut usize, above: &[String], out: &mut Vec<(String, Names)>) {
    let mut path = above.to_vec();
    while let Some(word) = words.get(*at) {
        match *word {
            "::" => *at += 1,
            "{" => {
                *at += 1;
                while words.get(*at).is_some_and(|word| *word != "}") {
                    if words[*at] == "," { *at += 1 } else { tree(words, at, &path, out) }
                }
                *at += 1;
                return;
            }
            "*" => {
                *at += 1;
                out.push(("*".to_owned(), path));
                return;
            }
            "as" => {
                out.push((words.get(*at + 1).copied().unwrap_or_default().to_owned(), path));
                *at += 2;
                return;
            }
            "self" if !path.is_empty() => *at += 1,
            word if is_name(word) => {
                path.push(word.to_owned());
                *at += 1;
            }
            // The end of this leaf; whatever else it may be is passed over.
            other => {
                if !matches!(other, ";" | "," | "}") {
                    *at += 1;
                }
                out.push((path.last().cloned().unwrap_or_default(), path));
                return;
            }
        }
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The words without items that are only there for tests.
fn without_tests(words: Vec<&str>) -> Vec<&str> {
    let mut out = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let rest = &words[at..];
        if rest.starts_with(&["#", "[", "cfg", "(", "test", ")", "]"]) || rest.starts_with(&["#", "[", "cfg", "(", "all", "(", "test", ","])
        {
            at = end_of_item(&words, at);
        } else {
            out.push(words[at]);
            at += 1;
        }
    }
    out
}

/// The word behind the item whose attributes begin at `at`.
fn end_of_item(words: &[&str], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < words.len() {
        match words[at] {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => return at,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 && words.get(at + 1) != Some(&";") {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The words of a source: names, `::`, and marks, one by one. Comments, texts, characters, numbers and lifetimes are left out.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let name = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_text(rest) {
            length
        } else if c == '"' {
            quoted(rest, '"')
        } else if c == '\'' {
            let is_character = rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'');
            if is_character {
                quoted(rest, '\'')
            } else {
                1 + rest[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len() - 1)
            }
        } else if c.is_ascii_digit() {
            name
        } else {
            let length = if name > 0 {
                name
            } else if rest.starts_with("::") {
                2
            } else {
                c.len_utf8()
            };
            if !c.is_whitespace() {
                out.push(&rest[..length]);
            }
            length
        };
        rest = &rest[skipped..];
    }
    out
}

/// The length of a text or character that begins `rest`, with its quotes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

/// The length of a raw text that begins `rest`.
fn raw_text(rest: &str) -> Option<usize> {
    let marked = rest.strip_prefix('r').or_else(|| rest.strip_prefix("br"))?;
    let marks = marked.len() - marked.trim_start_matches('#').len();
    let inside = marked[marks..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(rest.len() - inside.len() + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(paths: &[Names]) -> Vec<String> {
        paths.iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn imports_are_read_leaf_by_leaf() {
        let found = Imports::of(
            "use crate::a::{self, B as C, d::{E, f}};\npub(crate) use x::Y;\nmod x;\npub(in crate::y) fn g() { super::h::i(k::l::<u8>()) }",
        );
        let uses = ["crate::a", "crate::a::B", "crate::a::d::E", "crate::a::d::f", "super::h::i", "k::l"];
        assert_eq!(joined(&found.uses), uses);
        assert_eq!(found.hands_on, [("Y".to_owned(), vec!["x".to_owned(), "Y".to_owned()])]);
        assert!(found.modules.contains("x") && found.defines.contains("g"));
        assert_eq!(joined(&Imports::of("pub use x::{Y, Z}; struct S(Y);").uses), ["x::Y"], "it is used here too");
    }

    #[test]
    fn comments_texts_and_tests_say_nothing() {
        let source = "// use crate::a;\n/* crate::b::c */ const A: &str = \"crate::d::e\\\"crate::e::f\";\nconst B: &str = r#\"crate::f::g\"#;\n\
                      const C: char = '\"'; fn h<'a>(x: &'a str) {}\n#[cfg(test)]\nmod tests { use crate::i; fn f() {} }\n\
                      #[cfg(test)]\nuse crate::{j, k};\nuse crate::l;";
        assert_eq!(joined(&Imports::of(source).uses), ["crate::l"]);
    }

    #[test]
    fn a_module_inside_of_a_file_is_the_file() {
        let found = Imports::of("mod inner { use super::a::B; use super::super::c; mod deeper { use super::super::d; } }\nuse super::e;");
        assert_eq!(joined(&found.uses), ["self::a::B", "super::c", "self::d", "super::e"]);
    }
}
