//! YAML of strangers, read with limits: a document that expands to more than it is, or nests without end, is refused in bounded time.

use std::sync::Arc;

use oarlock_model::text::kept_line;
use serde_json::Value;

use crate::memo::Memo;

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 64;
/// Aliases of one document; the files have none.
const ALIASES_MAX: usize = 64;
/// Longest cause that is reported, in characters.
const CAUSE_CHARS_MAX: usize = 160;

/// Why a text is no YAML, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// From 1; 0 when it is not known.
    pub(crate) line: usize,
    /// From 1; 0 when it is not known.
    pub(crate) column: usize,
    /// One line.
    pub(crate) cause: String,
}

/// The texts that were read last.
static LAST: Memo<Value> = Memo::new();

/// The value of a text, which is null when it is empty; of several documents a list.
pub(crate) fn parse(text: &str) -> Result<Arc<Value>, Broken> {
    LAST.of(text, || read(text))
}

/// The same text with one part changed says what `change` makes of what it said: the next who reads it need not parse it.
pub(crate) fn remember_changed(before: &str, after: &str, change: impl FnOnce(&mut Value)) {
    LAST.change(before, after, |value| {
        change(value);
        debug_assert_eq!(read(after).as_ref(), Ok(&*value), "{after}");
    });
}

/// The value of a text that nobody reads again.
pub(crate) fn read(text: &str) -> Result<Value, Broken> {
    // No document has more nodes than characters, unless it uses aliases.
    let nodes = text.len().saturating_add(1_000);
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: nodes, max_events: nodes.saturating_mul(3), max_depth: DEPTH_MAX, max_aliases: ALIASES_MAX }
    };
    let many = text.lines().filter(|line| *line == "---").count() > 1;
    let parsed = if many {
        serde_saphyr::from_multiple_with_options::<Value>(text, options).map(Value::Array)
    } else {
        serde_saphyr::from_str_with_options::<Value>(text, options)
    };
    parsed.map_err(|error| {
        let place = error.location();
        let number = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        Broken { line: number(place.map(|p| p.line())), column: number(place.map(|p| p.column())), cause: cause(&error.to_string()) }
    })
}

/// The words of the parser without their place, which is beside them.
fn cause(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let line = match line.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
        Some((place, rest)) if place.chars().all(|c| c.is_ascii_digit() || " column".contains(c)) => rest,
        _ => line,
    };
    // What only makes sense to who calls the library; and the place again, counted from where a piece begins.
    let line = line.split(", set ").next().unwrap_or(line);
    let line = line.rsplit_once(" at line ").map_or(line, |(what, _)| what);
    let line = kept_line(line, CAUSE_CHARS_MAX);
    if line.is_empty() { "it is not YAML".to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_keep_their_kinds() {
        assert_eq!(read("a: 1\nb: '2'\nc: null\nd: [x, 2026-02-01]\n"), Ok(json!({"a": 1, "b": "2", "c": null, "d": ["x", "2026-02-01"]})));
        assert_eq!(read(""), Ok(Value::Null));
        assert_eq!(read("---\na: 1\n---\nb: 2\n"), Ok(json!([{"a": 1}, {"b": 2}])));
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        let broken = read("a: 1\nb: c: d\n").expect_err("two colons");
        assert_eq!((broken.line, broken.column), (2, 5));
        let twice = read("a: 1\na: 2\n").expect_err("a key twice");
        assert!(twice.line == 2 && twice.cause.contains("duplicate"), "{twice:?}");
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", ")));
        }
        assert!(read(&bomb).is_err());
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read("a: &a [*a]\n").is_err());
    }
}
