//! The form of all replies and errors.

use serde_json::{Map, Value};

/// The exit code of each error code.
const EXITS: [(&str, i32); 24] = [
    ("usage", 2),
    ("invalid_request", 2),
    ("identity_required", 2),
    ("not_found", 3),
    ("lease_held", 4),
    ("version_conflict", 4),
    ("reservation_overlap", 4),
    ("already_exists", 4),
    ("state_conflict", 4),
    ("key_reused", 4),
    ("stale_token", 5),
    ("stale_session", 5),
    ("lease_lost", 5),
    ("limit_reached", 6),
    ("store_busy", 7),
    ("store_unavailable", 7),
    ("nothing_ready", 8),
    ("timed_out", 8),
    ("messages_waiting", 8),
    ("not_enough_agents", 8),
    ("denied", 9),
    ("data_damaged", 65),
    ("internal", 70),
    ("interrupted", 130),
];

/// The one JSON object that a text is.
#[track_caller]
pub(crate) fn object(text: &str, shown: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| unreadable(&format!("{error} in {text:?} of {shown}")));
    assert!(value.is_object() && text.ends_with('\n') && text.matches('\n').count() == 1, "one object on one line: {text:?} of {shown}");
    value
}

/// Fails the test.
#[track_caller]
fn unreadable(what: &str) -> Value {
    assert!(what.is_empty(), "{what}");
    Value::Null
}

/// The error object that a text is.
#[track_caller]
pub(crate) fn error_in(text: &str, shown: &str) -> Value {
    object(text, shown)["error"].clone()
}

/// Absent rather than null, and times are times, wherever they stand.
#[track_caller]
pub(crate) fn check_reply(reply: &Value, shown: &str) {
    each(reply, &mut |name, value| {
        assert!(!value.is_null(), "{name} is null: {shown}");
        if name.ends_with("_at") || ["at", "since", "last_seen", "not_before"].contains(&name) {
            // An event's data has store times, which are numbers.
            assert!(value.as_str().is_none_or(is_time), "{name} is {value}: {shown}");
        }
    });
}

/// The fields of an error, and the exit code that belongs to it.
#[track_caller]
pub(crate) fn check_error(object: &Value, exit: i32, shown: &str) {
    let empty = Map::new();
    let error = object["error"].as_object().unwrap_or(&empty);
    assert_eq!(object.as_object().map(Map::len), Some(1), "{shown}");
    let code = error.get("code").and_then(Value::as_str).unwrap_or_default();
    assert_eq!(EXITS.iter().find(|(word, _)| *word == code).map(|(_, exit)| *exit), Some(exit), "{code}: {shown}");
    for text in ["message", "hint"] {
        assert!(error.get(text).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty()), "{text}: {shown}");
    }
    assert!(error.get("retryable").is_some_and(Value::is_boolean), "{shown}");
    assert!(error.get("retry_after_ms").is_none_or(|ms| ms.as_i64().is_some_and(|ms| ms > 0)), "{shown}");
    assert!(error.get("details").is_none_or(Value::is_object), "{shown}");
    let known = ["code", "message", "hint", "retryable", "retry_after_ms", "details"];
    assert!(error.keys().all(|key| known.contains(&key.as_str())), "{shown}");
    check_reply(object, shown);
}

/// Visits every named value, but not the JSON that users keep in state entries.
fn each(value: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if name != "value" {
                    visit(name, value);
                    each(value, visit);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                visit("an item", item);
                each(item, visit);
            }
        }
        _ => {}
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-01-31T23:59:59.007Z`.
pub(crate) fn is_time(text: &str) -> bool {
    let form = b"dddd-dd-ddTdd:dd:dd.dddZ";
    text.len() == form.len()
        && text.bytes().zip(form).all(|(byte, wanted)| if *wanted == b'd' { byte.is_ascii_digit() } else { byte == *wanted })
}
