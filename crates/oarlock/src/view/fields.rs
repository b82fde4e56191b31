//! Fields of replies that are known by their JSON alone, as texts that are safe to print.

use serde_json::Value;

use super::safe;

/// The text of a field, made safe; empty when it is absent.
pub(super) fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::String(text) => safe(text),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The texts of a list, joined.
pub(super) fn list(value: &Value, field: &str) -> String {
    let items = value[field].as_array().into_iter().flatten();
    items.map(|item| item.as_str().map_or_else(|| item.to_string(), safe)).collect::<Vec<_>>().join(", ")
}
