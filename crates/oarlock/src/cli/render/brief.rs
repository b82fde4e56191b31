//! Short replies: only facts that the caller does not have yet. `--full` prints all.

use serde_json::Value;
use std::fmt::Write;

use super::{Paint, duration, heartbeat_lines, lease, leases, list, text};

/// Writes the short form of a reply; nothing for a verb whose reply has no short form.
pub(super) fn reply(out: &mut String, verb: &str, reply: &Value, paint: Paint) -> Option<()> {
    match verb {
        "add" | "update" | "note" | "depend" | "done" | "fail" | "release" | "requeue" | "cancel" | "approve" | "reject" => {
            task_line(out, &reply["task"], paint);
            reserved(out, reply, "reserved");
        }
        "claim" => {
            let claims = reply["claims"].as_array().map_or(std::slice::from_ref(reply), Vec::as_slice);
            claims.iter().for_each(|claim| lease(out, claim, paint, false));
        }
        "renew" if reply["leases"].is_array() => leases(out, reply, paint),
        "renew" => {
            let lease = &reply["lease"];
            let left = duration(lease["ttl_ms"].as_i64().unwrap_or(0));
            let _ = writeln!(out, "{}: token {}, {left} left", paint.bold(&text(lease, "task")), lease["token"]);
        }
        "heartbeat" => heartbeat_lines(out, reply),
        "send" => {
            for message in reply["messages"].as_array().into_iter().flatten() {
                let _ = writeln!(out, "sent {} to {}", paint.bold(&text(message, "id")), list(message, "to"));
            }
        }
        "ack" if reply["acknowledged"].is_u64() => {
            let _ = writeln!(out, "acknowledged {}", super::counted(reply["acknowledged"].as_u64().unwrap_or(0), "message"));
        }
        "ack" => {
            let ids: Vec<String> = reply["messages"].as_array().into_iter().flatten().map(|message| text(message, "id")).collect();
            let _ = writeln!(out, "acknowledged: {}", ids.join(", "));
        }
        "reserve" => reserved(out, reply, "reserved"),
        "sync" | "state-set" => {
            let _ = writeln!(out, "{}: version {}", paint.bold(&text(&reply["state"], "key")), reply["state"]["version"]);
        }
        _ => return None,
    }
    Some(())
}

/// A task's id and how it stands, with the facts that say when it goes on.
fn task_line(out: &mut String, task: &Value, paint: Paint) {
    let state = text(task, "state");
    let waits_for = list(task, "blocked_by");
    let more = match state.as_str() {
        "claimed" => format!(" by {}", super::noun::holder(&task["holder"])),
        "blocked" => format!(", waits for {waits_for}"),
        "waiting" => " for its parts".to_owned(),
        "scheduled" => match (task["retry_in_ms"].as_i64(), task["not_before"].as_str()) {
            (Some(ms), _) => format!(", again in {}", duration(ms)),
            (None, Some(_)) => format!(", not before {}", text(task, "not_before")),
            (None, None) => String::new(),
        },
        "review" => ", waits for approval".to_owned(),
        _ => String::new(),
    };
    let stuck = if task["stuck"] == true { " (stuck)" } else { "" };
    let _ = writeln!(out, "{} is {}{more}{stuck}", paint.bold(&text(task, "id")), paint.state(&state));
}

/// Reservations that were made, if any, each with its id, and how long they hold.
pub(super) fn reserved(out: &mut String, reply: &Value, word: &str) {
    let made = reply["reservations"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(left_ms) = made.iter().filter_map(|made| made["ttl_ms"].as_i64()).min() else { return };
    let shared = if made.iter().any(|made| made["mode"] == "shared") { " shared" } else { "" };
    let patterns: Vec<String> = made.iter().map(|made| format!("{} ({})", text(made, "pattern"), text(made, "id"))).collect();
    let _ = writeln!(out, "{word}{shared} for {}: {}", duration(left_ms), patterns.join(", "));
}
