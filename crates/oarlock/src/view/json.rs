//! Replies that are known by their JSON alone: what RALF's files say, and access keys.

use serde_json::Value;

use super::access;
use super::fields::text;
use super::{Page, View, ralf, safe};

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
