//! Tasks, agents, entries, reservations, messages and events as text.

use oarlock_model::WallTime;
use oarlock_model::text::escape_json;
use oarlock_ops::shapes::rfc3339;
use serde_json::Value;
use std::fmt::Write;

use super::table::{Cell, table};
use super::{Paint, duration, list, safe, text};

pub(crate) fn task_table(out: &mut String, tasks: &[Value], paint: Paint) {
    if tasks.is_empty() {
        out.push_str("no tasks\n");
        return;
    }
    let row = |task: &Value| {
        let state = if task["stuck"] == true { format!("{} (stuck)", text(task, "state")) } else { text(task, "state") };
        let who = match (&task["holder"], &task["assigned"]) {
            (Value::Object(_), _) => holder(&task["holder"]),
            (_, Value::String(_)) if !matches!(task["state"].as_str(), Some("done" | "cancelled")) => {
                format!("for {}", text(task, "assigned"))
            }
            _ => String::new(),
        };
        vec![
            Cell::painted(text(task, "id"), |t| paint.bold(t)),
            Cell::painted(state, |t| paint.state(t.split(' ').next().unwrap_or(t)).replace(t.split(' ').next().unwrap_or(t), t)),
            Cell::new(text(task, "priority")),
            Cell::new(who),
            Cell::new(list(task, "blocked_by")),
            Cell::new(text(task, "title")),
        ]
    };
    table(out, &["TASK", "STATE", "P", "AGENT", "WAITS FOR", "TITLE"], tasks.iter().map(row).collect(), paint);
}

/// Who holds a task.
pub(crate) fn holder(holder: &Value) -> String {
    match (holder["outside"] == true, holder["agent"].is_string()) {
        (false, _) => text(holder, "agent"),
        (true, true) => format!("{}, outside", text(holder, "agent")),
        (true, false) => "somebody outside".to_owned(),
    }
}

pub(crate) fn describe_task(out: &mut String, task: &Value, paint: Paint) {
    let _ = writeln!(out, "{} {}", paint.bold(&text(task, "id")), text(task, "title"));
    let stuck = if task["stuck"] == true { ", stuck: it waits for a dead or cancelled task" } else { "" };
    let own = if task["own_priority"].is_number() { format!(" (its own: {})", task["own_priority"]) } else { String::new() };
    let _ = writeln!(
        out,
        "  {}{stuck}, priority {}{own}, attempt {} of {}",
        paint.state(&text(task, "state")),
        task["priority"],
        task["attempt"],
        task["max_attempts"]
    );
    if task["holder"]["outside"] == true {
        let known = &task["holder"];
        let (source, seen) = (text(known, "source"), text(known, "last_seen"));
        let _ = writeln!(out, "  held by {} ({source}), last seen {seen}", holder(known));
    } else if task["holder"].is_object() {
        let holder = &task["holder"];
        let left = duration(holder["ttl_ms"].as_i64().unwrap_or(0));
        let _ = writeln!(out, "  held by {} with token {}, {left} left", text(holder, "agent"), holder["token"]);
    }
    for (field, name) in [("parent", "part of"), ("assigned", "assigned to"), ("not_before", "not before"), ("gate", "gate")] {
        if task[field].is_string() {
            let _ = writeln!(out, "  {name} {}", text(task, field));
        }
    }
    for (field, name) in [
        ("needs", "needs"),
        ("blocked_by", "waits for"),
        ("capabilities", "asks for"),
        ("writes", "writes"),
        ("resources", "uses"),
        ("artifacts", "artifacts"),
    ] {
        if task[field].as_array().is_some_and(|items| !items.is_empty()) {
            let _ = writeln!(out, "  {name}: {}", list(task, field));
        }
    }
    for (field, name) in [("estimate_minutes", "estimated minutes"), ("progress", "percent done")] {
        if task[field].is_number() {
            let _ = writeln!(out, "  {name}: {}", task[field]);
        }
    }
    let is_joined = task["result"] == task["part_results"];
    for (field, name) in [
        ("body", "body"),
        ("rejected", "why the last result was rejected"),
        ("last_failure", "why the last attempt failed"),
        ("result", "result"),
        ("part_results", "results of the parts"),
    ] {
        let body = text(task, field);
        let is_said_below = is_joined && field == "result";
        if !(body.is_empty() || is_said_below) {
            let _ = writeln!(out, "\n{}\n{}", paint.bold(name), body.trim_end());
        }
    }
}

pub(crate) fn agent_table(out: &mut String, agents: &[Value], paint: Paint) {
    if agents.is_empty() {
        out.push_str("no agents\n");
        return;
    }
    let row = |agent: &Value| {
        vec![
            Cell::painted(text(agent, "name"), |t| paint.bold(t)),
            Cell::painted(text(agent, "state"), |t| paint.state(t)),
            Cell::new(text(agent, "activity")),
            Cell::new(text(agent, "role")),
            Cell::new(list(agent, "capabilities")),
            Cell::new(list(agent, "claims")),
            Cell::new(duration(agent["age_ms"].as_i64().unwrap_or(0))),
            Cell::new(text(agent, "action")),
        ]
    };
    table(out, &["AGENT", "STATE", "ACTIVITY", "ROLE", "CAN", "HOLDS", "SEEN", "ACTION"], agents.iter().map(row).collect(), paint);
}

pub(crate) fn describe_agent(out: &mut String, agent: &Value, paint: Paint) {
    let role = if agent["role"].is_string() { format!(" ({})", text(agent, "role")) } else { String::new() };
    let _ =
        writeln!(out, "{}{role} is {}, {}", paint.bold(&text(agent, "name")), paint.state(&text(agent, "state")), text(agent, "activity"));
    let _ = writeln!(out, "  session {}, seen {} ago", text(agent, "session"), duration(agent["age_ms"].as_i64().unwrap_or(0)));
    for (field, name) in [("status", "status"), ("action", "action"), ("program", "program"), ("host", "host")] {
        if agent[field].is_string() {
            let _ = writeln!(out, "  {name}: {}", text(agent, field));
        }
    }
    for (field, name) in [("capabilities", "can"), ("claims", "holds")] {
        if agent[field].as_array().is_some_and(|items| !items.is_empty()) {
            let _ = writeln!(out, "  {name}: {}", list(agent, field));
        }
    }
}

pub(crate) fn entry_lines(out: &mut String, entry: &Value, paint: Paint) {
    let by = if entry["updated_by"].is_string() { format!(" by {}", text(entry, "updated_by")) } else { String::new() };
    let head = format!("version {}{by}, {}", entry["version"], text(entry, "updated_at"));
    let value = entry.get("value").map_or_else(|| "(deleted)".to_owned(), |value| super::safe(&value.to_string()));
    let _ = writeln!(out, "{} {value}  {}", paint.bold(&text(entry, "key")), paint.dim(&head));
}

pub(crate) fn reservation_table(out: &mut String, reservations: &[Value], paint: Paint) {
    if reservations.is_empty() {
        out.push_str("nothing is reserved\n");
        return;
    }
    let row = |r: &Value| {
        vec![
            Cell::painted(text(r, "pattern"), |t| paint.bold(t)),
            Cell::new(text(r, "mode")),
            Cell::new(text(r, "agent")),
            Cell::new(text(r, "task")),
            Cell::new(duration(r["ttl_ms"].as_i64().unwrap_or(0))),
            Cell::new(text(r, "id")),
            Cell::new(text(r, "reason")),
        ]
    };
    table(out, &["PATTERN", "MODE", "AGENT", "TASK", "LEFT", "ID", "REASON"], reservations.iter().map(row).collect(), paint);
}

/// Bytes of a message's text that people read of a list.
const MESSAGE_BYTES_SHOWN: usize = 4_000;

/// A message; its text is cut, unless `whole`.
pub(crate) fn message_block(out: &mut String, message: &Value, paint: Paint, whole: bool) {
    let subject = if message["subject"].is_string() { format!(": {}", text(message, "subject").replace('\n', " ")) } else { String::new() };
    let ack = match (message["ack_required"] == true, message["acked"] == true) {
        (_, true) => " (acknowledged)",
        (true, false) => " (asks for an acknowledgement)",
        _ => "",
    };
    let _ = writeln!(out, "{} {} to {}{subject}{ack}", paint.bold(&text(message, "id")), text(message, "from"), list(message, "to"));
    let _ = writeln!(out, "{}", paint.dim(&format!("  {}, thread {}", text(message, "sent_at"), text(message, "thread"))));
    let body = text(message, "text");
    let end = if whole { body.len() } else { body.floor_char_boundary(MESSAGE_BYTES_SHOWN) };
    for line in body[..end].lines() {
        let _ = writeln!(out, "  {line}");
    }
    if end < body.len() {
        let _ = writeln!(out, "  … and {} more bytes: oarlock thread {}", body.len() - end, text(message, "id"));
    }
}

/// What a reservation covers: paths as they stand, and resources by their kind.
fn reserved(kind: &str, name: &str) -> String {
    if kind == "paths" { name.to_owned() } else { format!("{kind}:{name}") }
}

/// One event on one line.
pub(crate) fn event_line(event: &Value, colour: bool) -> String {
    let mut event = event.clone();
    escape_json(&mut event);
    let event = &event;
    let paint = Paint::new(colour);
    let time = text(event, "at");
    let clock = time.get(11..23).unwrap_or(&time).to_owned();
    let who = if event["agent"].is_string() { text(event, "agent") } else { "-".into() };
    let mut facts = String::new();
    for (field, value) in event["data"].as_object().into_iter().flatten() {
        if matches!(field.as_str(), "id" | "name" | "session" | "body" | "key" | "task" | "owner" | "host" | "writes") {
            continue;
        }
        // Store time says nothing to people; how long it is until then does.
        if field == "retry_at" && event["data"]["retry_in_ms"].is_number() {
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
        paint.dim(&clock),
        text(event, "cursor"),
        text(event, "kind"),
        paint.bold(&text(event, "subject")),
        paint.dim(&facts)
    )
}

/// Stores of the repository that are not at its place: nobody reads them.
pub(crate) fn other_stores(out: &mut String, reply: &Value) {
    for other in reply["other_stores"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let _ = writeln!(out, "not used: another store of this repository at {}", safe(other));
    }
}

pub(crate) fn status(out: &mut String, status: &Value, paint: Paint) {
    let numbers = |field: &str, order: &[&str]| {
        let some = order.iter().filter(|word| status[field][**word].as_u64().unwrap_or(0) > 0);
        let parts: Vec<String> = some.map(|word| format!("{} {}", status[field][*word], paint.state(word))).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    };
    let _ = writeln!(out, "agents  {}", numbers("agents", &["active", "stale", "lost", "left"]));
    let states = ["ready", "claimed", "blocked", "waiting", "scheduled", "review", "done", "dead", "cancelled"];
    let _ = writeln!(out, "tasks   {}", numbers("tasks", &states));
    if status["oldest_ready"].is_object() {
        let oldest = &status["oldest_ready"];
        let _ = writeln!(
            out,
            "oldest  {} has been ready for {}",
            paint.bold(&text(oldest, "id")),
            duration(oldest["age_ms"].as_i64().unwrap_or(0))
        );
    }
    for (field, words) in [("lost", "lost agents"), ("stuck", "stuck tasks"), ("dead_letters", "dead letters")] {
        if status[field].as_array().is_some_and(|items| !items.is_empty()) {
            let _ = writeln!(out, "{words}: {}", list(status, field));
        }
    }
    for (field, words) in [("outside", "held outside of the store"), ("abandoned", "abandoned outside of the store, to be claimed")] {
        for task in status[field].as_array().into_iter().flatten() {
            let who = if task["agent"].is_string() { text(task, "agent") } else { "somebody".to_owned() };
            let seen = duration(task["age_ms"].as_i64().unwrap_or(0));
            let _ = writeln!(out, "{words}: {} by {who} ({}), seen {seen} ago", paint.bold(&text(task, "id")), text(task, "source"));
        }
    }
    for (field, words) in [("expired_leases", "expired leases that anybody may take"), ("reservations", "reservations")] {
        if status[field].as_u64().unwrap_or(0) > 0 {
            let _ = writeln!(out, "{} {words}", status[field]);
        }
    }
    other_stores(out, status);
}

/// What was looked at, a line each.
fn checks(out: &mut String, reply: &Value, paint: Paint) {
    let named = |check: &Value| text(check, "check").chars().count();
    let width = reply["checks"].as_array().into_iter().flatten().map(named).max().unwrap_or(0).max(8);
    for check in reply["checks"].as_array().into_iter().flatten() {
        let mark =
            if check["ok"] == true { paint.state("ready").replace("ready", "ok   ") } else { paint.state("dead").replace("dead", "FAULT") };
        let _ = writeln!(out, "{mark} {:<width$} {}", text(check, "check"), text(check, "found"));
    }
}

pub(crate) fn selftest(out: &mut String, reply: &Value, paint: Paint) {
    let tried = reply["tried"].as_object().into_iter().flatten().map(|(what, times)| format!("{times} {what}"));
    let _ = writeln!(out, "{} processes, {} s: {}", reply["processes"], reply["seconds"], tried.collect::<Vec<_>>().join(", "));
    let _ = writeln!(
        out,
        "from a commit to the claim that waited for it: {} ms, all but one in a hundred {} ms",
        reply["wake_ms"][0], reply["wake_ms"][1]
    );
    checks(out, reply, paint);
    out.push_str(if reply["ok"] == true {
        "everything held\n"
    } else {
        "not everything held: please report this with the machine and its file system\n"
    });
}

pub(crate) fn doctor(out: &mut String, reply: &Value, paint: Paint) {
    checks(out, reply, paint);
    for fixed in reply["fixed"].as_array().into_iter().flatten() {
        let _ = writeln!(out, "fixed: {}", fixed.as_str().unwrap_or_default());
    }
    if reply["ok"] != true {
        let log = reply["checks"].as_array().into_iter().flatten().find(|check| check["check"] == "log");
        out.push_str(match log.map(|log| log["ok"] == true) {
            Some(true) => "the store cannot be trusted: `oarlock doctor --fix` rebuilds it from its log\n",
            Some(false) => "the store cannot be trusted: its log cannot be replayed, so take a backup: `oarlock restore F`\n",
            None => "there is no store to look into: `oarlock init` makes one where none was, `oarlock restore F` takes a backup\n",
        });
    }
}
