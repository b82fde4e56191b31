//! Replies in few words. Times of day are left out: they say nothing that the order of lines does not.

use oarlock_model::duration::Duration;
use oarlock_ops::OpError;
use serde_json::{Map, Value};

/// The lines that stand for an outcome.
pub fn render(outcome: &Result<Value, OpError>) -> Vec<String> {
    match outcome {
        Ok(reply) => ok(reply),
        Err(error) => vec![format!("error {}: {error}", error.code())],
    }
}

fn ok(reply: &Value) -> Vec<String> {
    let mut first = "ok".to_owned();
    let mut lines = Vec::new();
    for (field, value) in reply.as_object().into_iter().flatten() {
        match value {
            // The next claim is a reply in itself; the reason for none is a refusal.
            Value::Object(_) if field == "claimed" => lines.extend(ok(value).into_iter().skip(1).map(|line| format!("next {line}"))),
            Value::Object(object) if field == "nothing_ready" => {
                lines.push(format!("no next: {}: {}", text(object, "code"), text(object, "message")))
            }
            Value::Object(object) => lines.push(noun(field, object)),
            Value::Array(items) if items.iter().any(Value::is_object) => {
                lines.extend(items.iter().flat_map(|item| match item.as_object() {
                    // One of several claims is a reply in itself.
                    Some(object) if object.contains_key("lease") => ok(item).split_off(1),
                    Some(object) => vec![noun(singular(field), object)],
                    None => vec![plain(item)],
                }));
            }
            // Empty lists are shown only where they are an answer.
            Value::Array(items) if items.is_empty() && field == "reservations" && reply.get("lease").is_some() => {}
            // A heartbeat is asked for it.
            Value::Number(unread) if field == "unread" && unread.as_u64() == Some(0) && reply.get("renewed").is_none() => {}
            Value::String(text) if text.contains('\n') => lines.extend(text.lines().map(|line| format!("| {line}").trim_end().to_owned())),
            value => first.push_str(&format!(" {field}={}", plain(value))),
        }
    }
    lines.insert(0, first);
    lines
}

fn singular(field: &str) -> &str {
    match field {
        "entries" => "entry",
        "created" => "task",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}

/// One noun on one line.
fn noun(field: &str, object: &Map<String, Value>) -> String {
    let line = match field {
        "task" => task(object),
        "lease" => format!("lease {}{}", text(object, "task"), attributes(object, &["task"])),
        "agent" => format!("agent {}{}", text(object, "name"), attributes(object, &["name"])),
        "state" | "entry" if object.contains_key("version") => format!("entry {}{}", text(object, "key"), attributes(object, &["key"])),
        "reservation" => {
            format!("reservation {} {}{}", text(object, "id"), text(object, "pattern"), attributes(object, &["id", "pattern", "reason"]))
        }
        "message" => format!("message {} {:?}{}", text(object, "id"), text(object, "text"), attributes(object, &["id", "text"])),
        "proposal" => {
            format!("proposal {} {:?}{}", text(object, "id"), text(object, "question"), attributes(object, &["id", "question"]))
        }
        "event" => format!(
            "event {} {} {}{} {}",
            text(object, "cursor"),
            text(object, "kind"),
            text(object, "subject"),
            by(object),
            plain(&object["data"])
        ),
        _ => format!("{field}{}", attributes(object, &[])),
    };
    line.trim_end().to_owned()
}

fn by(object: &Map<String, Value>) -> String {
    object.get("agent").map_or_else(String::new, |agent| format!(" by {}", plain(agent)))
}

fn task(object: &Map<String, Value>) -> String {
    let holder = object.get("holder").and_then(Value::as_object);
    let held =
        holder.map_or_else(String::new, |holder| format!(" by {}{}", text(holder, "agent"), attributes(holder, &["agent", "session"])));
    let rest = attributes(object, &["id", "state", "title", "holder", "needs", "max_attempts"]);
    format!("task {} {} {:?}{held}{rest}", text(object, "id"), text(object, "state"), text(object, "title"))
}

fn text<'a>(object: &'a Map<String, Value>, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or("")
}

/// The other fields, without times of day and without usual values.
fn attributes(object: &Map<String, Value>, without: &[&str]) -> String {
    let shown = object.iter().filter(|(field, value)| !without.contains(&field.as_str()) && !is_usual(field, value));
    shown.map(|(field, value)| format!(" {}={}", field.strip_suffix("_ms").unwrap_or(field), attribute(field, value))).collect()
}

fn is_usual(field: &str, value: &Value) -> bool {
    match (field, value) {
        ("since" | "created_at" | "updated_at" | "last_seen" | "sent_at" | "opened_at" | "not_before", _) => true,
        ("priority", value) => *value == 2,
        ("attempt", value) => *value == 0,
        ("timeout_ms", value) => *value == 120_000,
        ("mode", value) => value == "exclusive",
        (_, Value::Array(items)) => items.is_empty(),
        (_, Value::Bool(is_so)) => !is_so,
        _ => false,
    }
}

fn attribute(field: &str, value: &Value) -> String {
    match (field.ends_with("_ms"), value.as_i64()) {
        (true, Some(ms)) if ms >= 1_000 && ms % 1_000 == 0 => Duration::from_ms(ms).to_string(),
        (true, Some(ms)) => format!("{ms}ms"),
        _ => plain(value),
    }
}

/// A value without the quotes that it can do without.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"') => text.clone(),
        Value::Array(items) if items.iter().all(|item| item.is_string() || item.is_number()) => {
            format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(","))
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::Rejection;
    use serde_json::json;

    #[test]
    fn a_claim_is_two_lines_and_a_word() {
        let reply = json!({
            "task": {"id": "T-1", "title": "a b", "state": "claimed", "priority": 2, "attempt": 1, "max_attempts": 3, "stuck": false, "needs": [],
                     "holder": {"agent": "ada", "session": "ada.1", "token": 3, "since": "x", "ttl_ms": 300_000}},
            "lease": {"task": "T-1", "token": 3, "ttl_ms": 1_500, "attempt": 1},
            "reservations": [],
        });
        assert_eq!(
            render(&Ok(reply)),
            ["ok", "lease T-1 attempt=1 token=3 ttl=1500ms", "task T-1 claimed \"a b\" by ada token=3 ttl=5m attempt=1"]
        );
    }

    #[test]
    fn a_refusal_is_its_code_and_its_message() {
        assert_eq!(render(&Err(Rejection::not_found("task", "T-9").into())), ["error not_found: there is no task \"T-9\""]);
    }
}
