//! What RALF's files say, as text.

use serde_json::Value;
use std::fmt::Write;

use super::fields::text;
use super::table::{Cell, table};
use super::{Paint, duration};

/// Faults that are shown; all of them stand in the JSON.
const FAULTS_MAX: usize = 60;
/// Events that are shown; all of them stand in the JSON.
const EVENTS_MAX: usize = 40;

fn rows<'a>(reply: &'a Value, field: &str) -> &'a [Value] {
    reply[field].as_array().map_or(&[], Vec::as_slice)
}

fn place(item: &Value) -> String {
    format!("{}:{}", text(&item["source"], "file"), item["source"]["line"])
}

pub(crate) fn status(out: &mut String, reply: &Value, paint: Paint) {
    let counts = reply["tasks"].as_object().into_iter().flatten();
    let tasks: Vec<String> = counts.map(|(state, n)| format!("{n} {}", paint.state(state))).collect();
    let _ = writeln!(out, "{}  generation {}", paint.bold(&text(reply, "root")), text(reply, "generation"));
    let _ = writeln!(out, "tasks   {}", if tasks.is_empty() { "none".to_owned() } else { tasks.join(", ") });
    let _ = writeln!(out, "queue   {} items, {} events, {} messages", reply["queue"], reply["events"], reply["messages"]);
    agents(out, reply, paint);
    faults(out, reply, paint);
}

pub(crate) fn agents(out: &mut String, reply: &Value, paint: Paint) {
    let row = |agent: &Value| {
        let clock = match agent["clock"].as_str() {
            Some("future") => "its clock is ahead",
            Some("no_zone") => "no zone",
            Some("none") => "no time",
            _ => "",
        };
        vec![
            Cell::painted(text(agent, "name"), |t| paint.bold(t)),
            Cell::painted(text(agent, "state"), |t| paint.state(t)),
            Cell::new(agent["age_ms"].as_i64().map_or_else(|| "never".to_owned(), duration)),
            Cell::new(clock),
            Cell::new(text(agent, "status")),
            Cell::new(place(agent)),
        ]
    };
    let agents = rows(reply, "agents");
    if agents.is_empty() {
        out.push_str("no agents\n");
    } else {
        out.push('\n');
        table(out, &["AGENT", "STATE", "SEEN", "CLOCK", "STATUS", "WHERE"], agents.iter().map(row).collect(), paint);
    }
}

pub(crate) fn tasks(out: &mut String, reply: &Value, paint: Paint) {
    let row = |task: &Value| {
        vec![
            Cell::painted(text(task, "id"), |t| paint.bold(t)),
            Cell::painted(text(task, "state"), |t| paint.state(t)),
            Cell::new(text(task, "status")),
            Cell::new(text(task, "priority")),
            Cell::new(text(task, "title")),
            Cell::new(place(task)),
        ]
    };
    table(out, &["TASK", "STATE", "STATUS", "PRIORITY", "TITLE", "WHERE"], rows(reply, "tasks").iter().map(row).collect(), paint);
}

pub(crate) fn events(out: &mut String, reply: &Value, paint: Paint) {
    let row = |event: &Value| {
        vec![
            Cell::new(text(event, "at")),
            Cell::painted(text(event, "kind"), |t| paint.bold(t)),
            Cell::new(text(event, "agent")),
            Cell::new(text(event, "task")),
            Cell::new(place(event)),
        ]
    };
    let events = rows(reply, "events");
    let last = events.len().saturating_sub(EVENTS_MAX);
    table(out, &["AT", "EVENT", "AGENT", "TASK", "WHERE"], events[last..].iter().map(row).collect(), paint);
    if last > 0 {
        let _ = writeln!(out, "the last {EVENTS_MAX} of {}; all with --json", events.len());
    }
}

pub(crate) fn synced(out: &mut String, reply: &Value, paint: Paint) {
    let side = |field: &str| {
        let counts: Vec<String> = reply[field].as_object().into_iter().flatten().map(|(name, n)| format!("{n} {name}")).collect();
        if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") }
    };
    let _ = writeln!(out, "into the store: {}; into the files: {}", side("imported"), side("exported"));
    for conflict in rows(reply, "conflicts") {
        let (files, store, kept) = (text(conflict, "files"), text(conflict, "store"), text(conflict, "kept"));
        let _ =
            writeln!(out, "  {}: the files say {files}, the store says {store}: the {kept} counts", paint.bold(&text(conflict, "task")));
    }
    for warning in rows(reply, "warnings").iter().filter_map(Value::as_str) {
        let _ = writeln!(out, "  {} {}", paint.dim("note:"), super::safe(warning));
    }
}

pub(crate) fn faults(out: &mut String, reply: &Value, paint: Paint) {
    let faults = rows(reply, "faults");
    if faults.is_empty() {
        out.push_str("nothing is wrong with the files\n");
        return;
    }
    out.push('\n');
    let row = |fault: &Value| {
        vec![
            Cell::new(format!("{}:{}:{}", text(fault, "file"), fault["line"], fault["column"])),
            Cell::new(text(fault, "recovered")),
            Cell::new(text(fault, "lost")),
            Cell::new(text(fault, "cause")),
        ]
    };
    table(out, &["WHERE", "SAVED", "LOST", "WHAT IS WRONG"], faults.iter().take(FAULTS_MAX).map(row).collect(), paint);
    if faults.len() > FAULTS_MAX {
        let _ = writeln!(out, "the first {FAULTS_MAX} of {}; all with --json", faults.len());
    }
}

pub(crate) fn hooks(out: &mut String, reply: &Value, paint: Paint) {
    let mut last = String::new();
    for hook in rows(reply, "hooks") {
        let of = text(hook, "loop");
        if of != last {
            let _ = writeln!(out, "{}# {}", if last.is_empty() { "" } else { "\n" }, paint.bold(&of));
            last = of;
        }
        let _ = writeln!(out, "# {}\n{}", text(hook, "when"), text(hook, "line"));
    }
}
