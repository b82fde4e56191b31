//! Replies as text for people, from their JSON: whatever has the shape of a task looks like a task.

#[cfg(feature = "gateway")]
mod access;
mod brief;
mod noun;
mod plan;
mod ralf;
mod table;
mod width;

use oarlock_model::text::escaped;
use oarlock_ops::shapes::TaskShape;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write;

pub(crate) use noun::event_line;
use noun::{agent_table, describe_agent, describe_task, entry_lines, message_block, reservation_table, task_table};

/// How text is painted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    colour: bool,
}

impl Paint {
    pub(crate) fn new(colour: bool) -> Self {
        Self { colour }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// The colour of a state: what needs a look stands out.
    pub(crate) fn state(self, state: &str) -> String {
        let code = match state {
            "ready" | "active" => "32",
            "claimed" => "36",
            "blocked" | "waiting" | "scheduled" | "stale" => "33",
            "review" => "35",
            "dead" | "lost" | "cancelled" => "31",
            _ => "2",
        };
        self.wrap(code, state)
    }
}

/// A text without what could move the cursor or turn the line around: replies hold others' words.
/// Line ends of Windows are line ends.
pub(crate) fn safe(text: &str) -> String {
    escaped(&text.replace("\r\n", "\n")).into_owned()
}

/// The text of a field, made safe; empty when it is absent.
pub(crate) fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::String(text) => safe(text),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The texts of a list, joined.
pub(crate) fn list(value: &Value, field: &str) -> String {
    let items = value[field].as_array().into_iter().flatten();
    items.map(|item| item.as_str().map_or_else(|| item.to_string(), safe)).collect::<Vec<_>>().join(", ")
}

/// A duration in milliseconds, as people say it.
pub(crate) fn duration(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A line that says that a list was cut short, and the flag that goes on.
pub(crate) fn cut_short(verb: &str, reply: &Value) -> Option<String> {
    if let Some(left_out) = reply["left_out"].as_u64() {
        return Some(format!("{left_out} more agents are in these groups than one message reaches: name them, or a smaller group"));
    }
    let next = safe(reply["next"].as_str()?);
    let what = match verb {
        "inbox" if reply["older"].is_u64() => format!("there are {} older messages", reply["older"]),
        "task" => "the history has older events".to_owned(),
        _ => "the list goes on".to_owned(),
    };
    Some(format!("{what}: add --after {next}"))
}

/// Only the ids of a reply, one a line.
pub(crate) fn ids(reply: &Value) -> String {
    // What was made and is not shown again is all that there is to print.
    if let Some(key) = reply["key"].as_str() {
        return format!("{}\n", safe(key));
    }
    // Whoever ends one task and takes the next wants to know the next.
    if reply["claimed"].is_object() || reply["nothing_ready"].is_object() {
        return if reply["claimed"].is_object() { self::ids(&reply["claimed"]) } else { String::new() };
    }
    let mut ids = Vec::new();
    for (noun, id) in [
        ("task", "id"),
        ("tasks", "id"),
        ("created", "id"),
        ("agent", "name"),
        ("agents", "name"),
        ("reservations", "id"),
        ("messages", "id"),
        ("state", "key"),
        ("entries", "key"),
        ("events", "cursor"),
        ("access", "id"),
        ("revoked", "id"),
    ] {
        match &reply[noun] {
            Value::Array(items) => ids.extend(items.iter().map(|item| text(item, id))),
            Value::Object(_) => ids.push(text(&reply[noun], id)),
            _ => {}
        }
    }
    ids.extend(reply["claims"].as_array().into_iter().flatten().map(|claim| text(&claim["task"], "id")));
    ids.iter().fold(String::new(), |out, id| out + id + "\n")
}

/// A reply: short where most of it is known to the caller, unless all of it is asked for.
pub(crate) fn reply(verb: &str, reply: &Value, colour: bool, full: bool) -> String {
    let paint = Paint::new(colour);
    let mut out = String::new();
    if !full && brief::reply(&mut out, verb, reply, paint).is_some() {
        // Said once, and short or not: whoever does not read it works on for nothing.
        news_lines(&mut out, reply);
        follow_ups(&mut out, reply, paint, false);
        return out;
    }
    match verb {
        "init" => {
            let done = if reply["project"]["created"] == true { "made the project in" } else { "the project is there already in" };
            let _ = writeln!(out, "{done} {}", text(&reply["project"], "root"));
            noun::other_stores(&mut out, &reply["project"]);
            let _ = writeln!(out, "next: oarlock add \"first task\"; oarlock join NAME; oarlock claim --as NAME");
        }
        "split" => plan::plan(&mut out, reply, paint),
        "run" => plan::report(&mut out, reply, paint),
        "work" => plan::work(&mut out, reply, paint),
        "status" => noun::status(&mut out, reply, paint),
        "setup" => setup(reply, &mut out),
        "prime" => out.push_str(&text(reply, "text")),
        "doctor" => noun::doctor(&mut out, reply, paint),
        "selftest" => noun::selftest(&mut out, reply, paint),
        "ralf status" => ralf::status(&mut out, reply, paint),
        "ralf agents" => ralf::agents(&mut out, reply, paint),
        "ralf tasks" => ralf::tasks(&mut out, reply, paint),
        "ralf events" => ralf::events(&mut out, reply, paint),
        "ralf sync" => ralf::synced(&mut out, reply, paint),
        "ralf doctor" => ralf::faults(&mut out, reply, paint),
        "ralf hooks" => ralf::hooks(&mut out, reply, paint),
        #[cfg(feature = "gateway")]
        "access" => access::access(&mut out, reply, paint),
        "unreserve" => ended(&mut out, reply),
        "check" => may_write(&mut out, reply, paint),
        _ => by_shape(&mut out, reply, paint, full || verb == "thread"),
    }
    out
}

/// Replies whose shape says what they are. Long texts of messages are cut, unless `whole`.
fn by_shape(out: &mut String, reply: &Value, paint: Paint, whole: bool) {
    let claims = reply["claims"].as_array();
    for claim in claims.into_iter().flatten().chain(reply.get("lease").map(|_| reply)) {
        lease(out, claim, paint, true);
    }
    if reply["agent"].is_object() {
        describe_agent(out, &reply["agent"], paint);
    }
    leases(out, reply, paint);
    heartbeat_lines(out, reply);
    news_lines(out, reply);
    if reply["task"].is_object() && reply.get("lease").is_none() {
        describe_task(out, &reply["task"], paint);
    }
    if let Some(tasks) = reply["tasks"].as_array() {
        task_table(out, tasks, paint);
    }
    if let Some(agents) = reply["agents"].as_array() {
        agent_table(out, agents, paint);
    }
    if reply["state"].is_object() {
        entry_lines(out, &reply["state"], paint);
    }
    for entry in reply["entries"].as_array().into_iter().flatten() {
        entry_lines(out, entry, paint);
    }
    if let Some(reservations) = reply["reservations"].as_array().filter(|r| reply.get("lease").is_none() || !r.is_empty()) {
        reservation_table(out, reservations, paint);
    }
    if let Some(messages) = reply["messages"].as_array() {
        if messages.is_empty() {
            out.push_str("no messages\n");
        }
        messages.iter().for_each(|message| message_block(out, message, paint, whole));
    }
    if let Some(events) = reply["events"].as_array() {
        if reply["task"].is_object() && !events.is_empty() {
            let _ = writeln!(out, "\n{}", paint.bold("history"));
        }
        for event in events {
            let _ = writeln!(out, "{}", event_line(event, paint.colour));
        }
    }
    follow_ups(out, reply, paint, true);
    if out.is_empty() {
        plain_fields(out, reply);
    }
}

/// The facts that a reply has besides its nouns.
fn follow_ups(out: &mut String, reply: &Value, paint: Paint, full: bool) {
    for (field, words) in [
        ("unblocked", "can be claimed now"),
        ("unmet_needs", "finished although it needs these, which are not done"),
        ("blocked_by", "now needs these, which are not done (you still hold it)"),
        ("requeued", "came back with it"),
        (
            "still_cancelled",
            "cancelled with it and still so (`oarlock requeue ID --parts` brings them back, `oarlock cancel ID --drop` goes on without one)",
        ),
        ("released", "given back"),
    ] {
        if reply[field].as_array().is_some_and(|ids| !ids.is_empty()) {
            let _ = writeln!(out, "{words}: {}", list(reply, field));
        }
    }
    next_task(out, reply, paint, full);
    if let Some(unread) = reply["unread"].as_u64().filter(|unread| *unread > 0 && reply.get("renewed").is_none()) {
        let _ = writeln!(out, "{}", unread_line(unread));
    }
}

/// What `done --claim` took after the end of the other task, or why nothing.
fn next_task(out: &mut String, reply: &Value, paint: Paint, full: bool) {
    if reply["claimed"].is_object() {
        out.push('\n');
        let claimed = &reply["claimed"];
        lease(out, claimed, paint, full);
        if let Some(reservations) = claimed["reservations"].as_array().filter(|reservations| full && !reservations.is_empty()) {
            reservation_table(out, reservations, paint);
        }
    }
    let refused = &reply["nothing_ready"];
    if refused.is_object() {
        refused["messages"].as_array().into_iter().flatten().for_each(|message| message_block(out, message, paint, full));
        let _ = writeln!(out, "no next task: {}\n  hint: {}", text(refused, "message"), text(refused, "hint"));
    }
}

/// How an agent hears that it has messages, and how it reads them.
fn unread_line(unread: u64) -> String {
    format!("{}: oarlock inbox", counted(unread, "unread message"))
}

/// A number of things.
fn counted(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// The messages that an error shows, as text; nothing for an error that shows none.
pub(crate) fn messages_of(error: &Value) -> String {
    let mut out = String::new();
    let messages = error["error"]["details"]["messages"].as_array();
    messages.into_iter().flatten().for_each(|message| message_block(&mut out, message, Paint::new(false), false));
    out
}

/// Reservations that have ended do not hold any more: only what they were is told.
fn ended(out: &mut String, reply: &Value) {
    let patterns: Vec<String> = reply["reservations"].as_array().into_iter().flatten().map(|r| text(r, "pattern")).collect();
    let _ = match patterns.len() {
        0 => writeln!(out, "there was nothing of yours to end"),
        _ => writeln!(out, "ended: {}", patterns.join(", ")),
    };
}

fn may_write(out: &mut String, reply: &Value, paint: Paint) {
    out.push_str("nobody else holds this exclusively\n");
    if let Some(reservations) = reply["reservations"].as_array().filter(|r| !r.is_empty()) {
        reservation_table(out, reservations, paint);
    }
}

fn lease(out: &mut String, claim: &Value, paint: Paint, full: bool) {
    let lease = &claim["lease"];
    let title = if claim["task"].is_object() { text(&claim["task"], "title") } else { String::new() };
    let left = duration(lease["ttl_ms"].as_i64().unwrap_or(0));
    let _ = writeln!(out, "{} {title}", paint.bold(&text(lease, "task")));
    let _ = writeln!(out, "  token {}, {left} left, attempt {}", lease["token"], lease["attempt"]);
    if !full {
        brief::reserved(out, claim, "  reserved");
    }
    let body = text(&claim["task"], "body");
    if !body.is_empty() {
        let _ = writeln!(out, "\n{}", body.trim_end());
    }
    // A gateway of another version may know tasks of a form that is unknown here.
    let handover = TaskShape::deserialize(&claim["task"]).map(|task| task.handover()).unwrap_or_default();
    for (heading, section) in handover {
        let _ = writeln!(out, "\n{}\n{}", paint.bold(heading), safe(section.trim_end()));
    }
}

fn heartbeat_lines(out: &mut String, reply: &Value) {
    if reply.get("renewed").is_none() {
        return;
    }
    let how = if reply["unread"].as_u64() > Some(0) { " (oarlock inbox)" } else { "" };
    let _ = writeln!(out, "  leases renewed: {}, unread messages: {}{how}", reply["renewed"], reply["unread"]);
}

/// The leases that were renewed, a line each.
fn leases(out: &mut String, reply: &Value, paint: Paint) {
    let Some(leases) = reply["leases"].as_array() else { return };
    for lease in leases {
        let left = duration(lease["ttl_ms"].as_i64().unwrap_or(0));
        let _ = writeln!(out, "{} {left} left", paint.bold(&text(lease, "task")));
    }
    if leases.is_empty() {
        out.push_str("you hold no task\n");
    }
}

/// What others and time have done to the caller.
fn news_lines(out: &mut String, reply: &Value) {
    if reply.get("unread").is_none() {
        return;
    }
    for (field, words) in [
        ("lost", "LOST, stop working on"),
        ("cancelled", "CANCELLED, stop working on"),
        ("blocked", "now needs a task that is not done (you still hold it)"),
    ] {
        if reply[field].as_array().is_some_and(|ids| !ids.is_empty()) {
            let _ = writeln!(out, "  {words}: {}", list(reply, field));
        }
    }
    let ended: Vec<String> = reply["reservations_ended"].as_array().into_iter().flatten().map(|r| text(r, "pattern")).collect();
    if !ended.is_empty() {
        let _ = writeln!(out, "  reservations ended, reserve again before you write there: {}", ended.join(", "));
    }
}

/// The fields of an object, one a line: for replies that are nobody's shape.
fn plain_fields(out: &mut String, reply: &Value) {
    for (field, value) in reply.as_object().into_iter().flatten() {
        let shown = match value {
            Value::String(text) => safe(text),
            Value::Array(items) if items.is_empty() => "none".into(),
            other => other.to_string(),
        };
        let _ = writeln!(out, "{}: {shown}", field.replace('_', " "));
    }
}

/// Each file that changes, how, and what is left for the person to do.
fn setup(reply: &Value, out: &mut String) {
    let rows = reply["changes"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    for row in rows {
        if let Some(diff) = row["diff"].as_str() {
            out.push_str(&diff.split('\n').map(|line| safe(line.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n"));
            continue;
        }
        out.push_str(&format!("{:<9}  {:<8}  {}\n", text(row, "action"), text(row, "client"), text(row, "file")));
    }
    if rows.is_empty() {
        out.push_str("nothing to do\n");
    }
    for note in reply["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        out.push_str(&format!("note: {note}\n"));
    }
}
