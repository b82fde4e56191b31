//! Values as the writers of these files put them: texts that may be numbers, and texts with a mark in front.

use serde_json::{Map, Value};

/// A text without the mark for its byte order, which says nothing and hides what the first line is.
pub(crate) fn unmarked(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The first of the fields with these names that says something, as text.
pub(crate) fn text(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match fields.get(*name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    })
}

/// The id of a task: files of different age name the field differently.
pub(crate) fn id(fields: &Map<String, Value>) -> Option<String> {
    text(fields, &["task_id", "id"])
}
