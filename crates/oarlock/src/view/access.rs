//! Access keys as text.

use serde_json::Value;
use std::fmt::Write;

use super::fields::{list, text};
use super::table::{Cell, table};
use super::{Paint, safe};

/// What `access` did: a new key and how to hand it over, a list, or what was revoked.
pub(super) fn access(out: &mut String, reply: &Value, paint: Paint) {
    let made = &reply["access"];
    if let Some(key) = reply["key"].as_str() {
        let _ = writeln!(out, "{}", safe(key));
        let _ = writeln!(
            out,
            "  it speaks for {} as {}, and is not shown again: put it into a file that only its bearer may read",
            text(made, "name"),
            text(made, "role")
        );
    } else if let Some(file) = reply["key_file"].as_str() {
        let _ = writeln!(out, "{} speaks for {} as {}", safe(file), text(made, "name"), text(made, "role"));
    }
    if let Some(keys) = made.as_array().or_else(|| reply["revoked"].as_array()) {
        let head = if reply["revoked"].is_array() { "REVOKED" } else { "ID" };
        let rows = keys.iter().map(|key| {
            let ends = if key["ends_at_ms"].is_null() { String::new() } else { "ends".into() };
            [text(key, "id"), text(key, "name"), text(key, "role"), text(key, "created_at"), ends, list(key, "verbs")].map(Cell::new).into()
        });
        match keys.is_empty() {
            true => out.push_str("no keys\n"),
            false => table(out, &[head, "NAME", "ROLE", "MADE", "", "ONLY"], rows.collect(), paint),
        }
    }
}
