//! Replies that are known by their JSON alone: what RALF's files say, and access keys.

use serde_json::Value;

use super::access;
use super::{Page, View, ralf, safe};

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

impl View for Value {
    fn show(&self, verb: &str, page: &mut Page) {
        let (out, paint) = (&mut page.out, page.paint);
        match verb {
            "ralf status" => ralf::status(out, self, paint),
            "ralf agents" => ralf::agents(out, self, paint),
            "ralf tasks" => ralf::tasks(out, self, paint),
            "ralf events" => ralf::events(out, self, paint),
            "ralf sync" => ralf::synced(out, self, paint),
            "ralf doctor" => ralf::faults(out, self, paint),
            "ralf hooks" => ralf::hooks(out, self, paint),
            "access" => access::access(out, self, paint),
            _ => page.line(safe(&self.to_string())),
        }
    }

    fn ids(&self) -> Vec<String> {
        // What was made and is not shown again is all that there is to print.
        if let Some(key) = self["key"].as_str() {
            return vec![safe(key)];
        }
        let mut ids = Vec::new();
        for (noun, id) in [("tasks", "id"), ("agents", "name"), ("access", "id"), ("revoked", "id"), ("events", "cursor")] {
            match &self[noun] {
                Value::Array(items) => ids.extend(items.iter().map(|item| text(item, id))),
                Value::Object(_) => ids.push(text(&self[noun], id)),
                _ => {}
            }
        }
        ids
    }
}
