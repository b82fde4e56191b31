//! How values are put into others' YAML: every text in double quotes with all that could end it, or a line, escaped, so that no text of a
//! model can damage a file, whatever parser reads it.

use serde_json::Value;

/// A value in one line: texts quoted, lists and maps in brackets.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{}: {}", quoted(name), inline(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A text in double quotes. JSON's escapes are YAML's, and the line ends that only YAML knows are escaped too.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Control characters, the other line ends, byte order marks and what no parser takes.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key as it is in these files: plain where it is a plain word, else quoted.
pub(crate) fn key(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { quoted(name) }
}

/// Whether a text needs no quotes: a word of letters, digits, `_` and `-` that no parser takes for something else.
fn is_plain(text: &str) -> bool {
    let is_word =
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    is_word && !["null", "true", "false", "yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str())
}

/// A value in place of `old`, in the quotes that the old one had where they are enough: scripts look for `status: pending` to the letter.
pub(crate) fn like(value: &Value, old: &str) -> String {
    match value {
        // One letter may be a truth, to old parsers.
        Value::String(text) if is_plain(old) && is_plain(text) && !["y", "n"].contains(&text.to_ascii_lowercase().as_str()) => text.clone(),
        Value::String(text) if old.starts_with('\'') && !text.contains(['\'', '\n']) && !text.chars().any(char::is_control) => {
            format!("'{text}'")
        }
        other => inline(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    proptest::proptest! {
        #[test]
        fn any_text_comes_back(text in "\\PC{0,40}|[\\x00-\\x20\"'\\\\:#{}\\[\\]\u{85}\u{2028}\u{feff}]{0,20}") {
            let line = format!("a: {}\n", quoted(&text));
            proptest::prop_assert_eq!(line.lines().count(), 1);
            let read = yaml::read(&line).map_err(|broken| proptest::test_runner::TestCaseError::fail(format!("{broken:?}")))?;
            proptest::prop_assert_eq!(&read["a"], &Value::String(text));
        }
    }

    #[test]
    fn the_old_quotes_are_kept_where_they_are_enough() {
        let text = |t: &str| Value::String(t.to_owned());
        assert_eq!(like(&text("running"), "'idle'"), "'running'");
        assert_eq!(like(&text("it's"), "'idle'"), "\"it's\"");
        assert_eq!(like(&text("x"), "plain"), "x");
        assert_eq!((like(&text("x: y"), "plain").as_str(), like(&text("no"), "plain").as_str()), ("\"x: y\"", "\"no\""));
        assert_eq!(like(&text("x"), "null"), "\"x\"");
        assert_eq!(like(&Value::from(3), "'2'"), "3");
        assert_eq!((key("last_seen"), key("a: b"), key("no")), ("last_seen".to_owned(), "\"a: b\"".to_owned(), "\"no\"".to_owned()));
    }
}
