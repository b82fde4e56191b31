//! Events as text.

use oarlock_model::WallTime;
use oarlock_model::text::escape_json;
use oarlock_ops::log::EventsReply;
use oarlock_ops::shapes::{EventShape, rfc3339};
use serde_json::Value;
use std::fmt::Write;

use super::{Page, Paint, View, duration, list_goes_on, safe, texts};

/// The target of a reservation: paths as they are, and resources by their kind.
fn reserved(kind: &str, name: &str) -> String {
    if kind == "paths" { name.to_owned() } else { format!("{kind}:{name}") }
}

/// One event on one line.
pub(crate) fn event_line(event: &EventShape, paint: Paint) -> String {
    let clock = event.at.get(11..23).unwrap_or(&event.at);
    let who = event.agent.as_ref().map_or_else(|| "-".to_owned(), |agent| safe(agent.as_str()));
    // What an event says is its own: its kind decides which facts there are.
    let mut data = event.data.clone();
    escape_json(&mut data);
    let mut facts = String::new();
    for (field, value) in data.as_object().into_iter().flatten() {
        if matches!(field.as_str(), "id" | "name" | "session" | "body" | "key" | "task" | "owner" | "host" | "writes") {
            continue;
        }
        // Store time says nothing to people; how long it is until then does.
        if field == "retry_at" && data["retry_in_ms"].is_number() {
            continue;
        }
        let cut = |text: &str| text.lines().next().unwrap_or("").chars().take(60).collect::<String>();
        let shown = match (field.as_str(), value) {
            (_, Value::String(text)) => cut(text),
            ("target", Value::Object(target)) => {
                target.iter().map(|(kind, name)| reserved(kind, &cut(name.as_str().unwrap_or("…")))).collect()
            }
            (_, Value::Object(map)) => map.get("state").map_or_else(|| "…".to_owned(), |state| state.to_string().replace('"', "")),
            (name, Value::Number(number)) if name.ends_with("_ms") => duration(number.as_i64().unwrap_or(i64::MAX)),
            ("not_before", Value::Number(at)) => rfc3339(WallTime(at.as_i64().unwrap_or(i64::MAX))),
            (_, other) => cut(&other.to_string().replace('"', "")),
        };
        let field = field.strip_suffix("_ms").unwrap_or(field);
        let _ = write!(facts, " {field}={shown}");
    }
    format!(
        "{} {:>6} {who:<12} {:<18} {}{}",
        paint.dim(&safe(clock)),
        safe(&event.cursor),
        safe(&event.kind),
        paint.bold(&safe(&event.subject)),
        paint.dim(&safe(&facts))
    )
}

pub(super) fn event_lines(page: &mut Page, events: &[EventShape]) {
    for event in events {
        page.line(event_line(event, page.paint));
    }
}

impl View for EventsReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        event_lines(page, &self.events);
        if self.events.is_empty() {
            page.line("events: none");
            page.line(format_args!("cursor: {}", safe(&self.cursor)));
        }
    }

    fn ids(&self) -> Vec<String> {
        texts(self.events.iter().map(|event| &event.cursor))
    }

    fn rest(&self, _verb: &str) -> Option<String> {
        list_goes_on(self.next.as_ref())
    }
}
