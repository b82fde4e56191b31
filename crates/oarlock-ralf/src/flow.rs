//! Maps and lists in brackets, over one line or several: where their entries are in a text, and fields of a map set in it. Nothing but the
//! values that are set changes.

use std::ops::Range;

use serde_json::Value;

use crate::fields::Fields;
use crate::lines::end_of_quotes;
use crate::scalar;
use crate::yaml;

/// The text between two brackets, as places in the text.
pub(crate) struct Flow {
    /// Between its commas, without white space and comments around it.
    pub(crate) parts: Vec<Range<usize>>,
    /// Behind the closing bracket.
    pub(crate) end: usize,
}

/// Reads the brackets that open at `at`; nothing when they do not close.
pub(crate) fn read(text: &str, at: usize) -> Option<Flow> {
    let bytes = text.as_bytes();
    let (mut depth, mut part, mut parts) = (0_usize, at + 1..at + 1, Vec::new());
    // Only where a value or a key may begin does a quote begin one: `it's` has none.
    let mut may_begin = true;
    let mut i = at;
    while let Some(byte) = bytes.get(i) {
        let next = match byte {
            b'"' | b'\'' if may_begin => i + end_of_quotes(&text[i..]),
            b'#' if bytes[i - 1].is_ascii_whitespace() => {
                i += text[i..].find('\n').unwrap_or(text.len() - i);
                continue;
            }
            _ => i + 1,
        };
        // A key in quotes may have its colon and its value right behind it.
        may_begin = match byte {
            b':' => bytes[i - 1] == b'"' || bytes[i - 1] == b'\'' || bytes.get(next).is_none_or(u8::is_ascii_whitespace),
            byte => matches!(byte, b'{' | b'[' | b',') || may_begin && byte.is_ascii_whitespace(),
        };
        match byte {
            b'}' | b']' if depth == 1 => {
                parts.push(part);
                return Some(Flow { parts, end: next });
            }
            b',' if depth == 1 => parts.push(std::mem::replace(&mut part, next..next)),
            byte if depth > 0 && !byte.is_ascii_whitespace() => {
                let start = if part.is_empty() { i } else { part.start };
                part = start..next;
            }
            _ => {}
        }
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        i = next;
    }
    None
}

/// The text in which the map in braces that opens at `at` has these fields; nothing when it is no such map.
pub(crate) fn set(text: &str, at: usize, fields: &Fields<'_>) -> Option<String> {
    let mut text = text.to_owned();
    for (name, value) in fields {
        let parts = read(&text, at)?.parts;
        // Of a key that is there twice the last one counts, for those parsers that take it.
        match parts.iter().rev().find_map(|part| value_in(&text, part, name)) {
            Some(old) => {
                let new = scalar::like(value, &text[old.clone()]);
                let space = if text[..old.start].ends_with(char::is_whitespace) { "" } else { " " };
                text.replace_range(old, &format!("{space}{new}"));
            }
            None => {
                let last = parts.last()?.clone();
                // The keys of JSON are in quotes, and its readers want them so.
                let is_quoted = parts.iter().any(|part| text[part.clone()].starts_with('"'));
                let key = if is_quoted { scalar::quoted(name) } else { scalar::key(name) };
                let lead = match (last.is_empty(), parts.len()) {
                    (true, 1) => "",
                    // A comma without anything behind it.
                    (true, _) => " ",
                    (false, _) => ", ",
                };
                text.insert_str(last.end, &format!("{lead}{key}: {}", scalar::inline(value)));
            }
        }
    }
    Some(text)
}

/// Where the value is in this part of a map, if it is that of the key `name`.
fn value_in(text: &str, part: &Range<usize>, name: &str) -> Option<Range<usize>> {
    let body = &text[part.clone()];
    let Ok(Value::Object(field)) = yaml::read(&format!("{{{body}}}")) else { return None };
    if field.len() != 1 || !field.contains_key(name) {
        return None;
    }
    let key = end_of_quotes(body);
    let behind_key = key + body[key..].find(':')? + 1;
    let value = body[behind_key..].trim_start();
    let len = match value.bytes().next() {
        Some(b'"' | b'\'') => end_of_quotes(value),
        Some(b'{' | b'[') => read(value, 0)?.end,
        // A comment that a plain value is broken off by stays.
        _ => value.split(" #").next().unwrap_or_default().trim_end().len(),
    };
    let start = part.start + if value.is_empty() { behind_key } else { body.len() - value.len() };
    Some(start..start + len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_of_a_map_in_braces_are_set_and_nothing_else_changes() {
        let fields = [("status", json!("in_progress")), ("claimed_by", json!("ada"))];
        for (text, want) in [
            ("{id: T-1, status: pending}", "{id: T-1, status: in_progress, claimed_by: \"ada\"}"),
            (
                "{id: T-1, status: 'pending' , claimed_by: null, n: [1, {a: 2}]}",
                "{id: T-1, status: 'in_progress' , claimed_by: \"ada\", n: [1, {a: 2}]}",
            ),
            (r#"{"id":"T-1","status":"pending"}"#, r#"{"id":"T-1","status": "in_progress", "claimed_by": "ada"}"#),
            ("{id: T-1, claimed_by:, status: pending,}", "{id: T-1, claimed_by: \"ada\", status: in_progress,}"),
            ("{}", "{status: \"in_progress\", claimed_by: \"ada\"}"),
            (
                "{\n  id: T-1, # {status: pending}\n  title: \"a, status: b}\",\n  status: pending # now\n}",
                "{\n  id: T-1, # {status: pending}\n  title: \"a, status: b}\",\n  status: in_progress, claimed_by: \"ada\" # now\n}",
            ),
            ("{title: it's, status: pending, x: don't}", "{title: it's, status: in_progress, x: don't, claimed_by: \"ada\"}"),
        ] {
            let new = set(text, 0, &fields);
            assert_eq!(new.as_deref(), Some(want));
            let read = yaml::read(want).expect("valid");
            assert_eq!((&read["status"], &read["claimed_by"]), (&json!("in_progress"), &json!("ada")), "{want}");
        }
        assert_eq!(set("{id: T-1, status: 'pending}", 0, &fields), None, "it does not close");
    }
}
