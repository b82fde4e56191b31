//! Plans and reports as text.

use oarlock_ops::task::MINUTES_DEFAULT;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write;

use super::table::{Cell, table};
use super::{Paint, duration, list, text};

pub(crate) fn plan(out: &mut String, plan: &Value, paint: Paint) {
    if plan["prompt"].is_string() {
        // The document is in it, which a person or a model reads next.
        out.push_str(&text(plan, "prompt"));
        return;
    }
    let steps = plan["steps"].as_array().map_or(0, Vec::len);
    if plan["parallelizable"] != true {
        let _ = writeln!(out, "{} is not split: {} ({steps} steps)", paint.bold(&text(plan, "task")), text(plan, "reason"));
        why(out, plan, paint);
    } else {
        let parts = plan["subtasks"].as_array().map_or(0, Vec::len);
        let _ = writeln!(
            out,
            "{}: {steps} steps in {parts} parts, about {} minutes instead of {}",
            paint.bold(&text(plan, "task")),
            plan["makespan_minutes"],
            plan["serial_minutes"]
        );
        subtasks(out, plan, paint);
        picture(out, plan, paint);
        why(out, plan, paint);
        let created = plan["created"].as_array().map_or(0, Vec::len);
        let _ =
            writeln!(out, "{}", if created > 0 { format!("{created} parts were made") } else { "nothing was changed (dry run)".into() });
        if plan["lease_ended"].is_number() {
            let files = list(plan, "reservations_ended");
            let reserved = if files.is_empty() { String::new() } else { format!(", and so did its reservations: {files}") };
            let _ = writeln!(out, "your lease on {} (token {}) ended with the split{reserved}", text(plan, "task"), plan["lease_ended"]);
        }
    }
    for warning in plan["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let _ = writeln!(out, "  {} {}", paint.dim("note:"), super::safe(warning));
    }
}

/// Columns of the longest bar.
const BAR_COLUMNS: u64 = 40;
/// Parts that are drawn; a longer plan is no picture any more.
const DRAWN_MAX: usize = 60;

/// The waves as a picture: a bar for each part, as long as its minutes, that begins where the last of those it waits for ends.
fn picture(out: &mut String, plan: &Value, paint: Paint) {
    let parts = plan["subtasks"].as_array().map_or(&[][..], Vec::as_slice);
    let part = |id: &Value| parts.iter().find(|part| part["id"] == *id);
    let mut ends: HashMap<&str, u64> = HashMap::new();
    let mut rows = Vec::new();
    for (n, wave) in plan["waves"].as_array().into_iter().flatten().enumerate() {
        for (k, part) in wave.as_array().into_iter().flatten().filter_map(part).enumerate() {
            let needs = part["depends_on"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let start = needs.filter_map(|id| ends.get(id)).copied().max().unwrap_or(0);
            let minutes = part["estimate_minutes"].as_u64().unwrap_or(MINUTES_DEFAULT).max(1);
            ends.insert(part["id"].as_str().unwrap_or_default(), start.saturating_add(minutes));
            rows.push((if k == 0 { format!("wave {}", n + 1) } else { String::new() }, text(part, "id"), start, minutes));
        }
    }
    let last = ends.values().copied().max().unwrap_or(1).max(1);
    let columns = |minutes: u64| usize::try_from(u128::from(minutes) * u128::from(BAR_COLUMNS) / u128::from(last)).unwrap_or(0);
    let width = |of: fn(&(String, String, u64, u64)) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (waves, ids) = (width(|row| &row.0), width(|row| &row.1));
    out.push('\n');
    for (wave, id, start, minutes) in rows.iter().take(DRAWN_MAX) {
        let (begin, end) = (columns(*start), columns(start.saturating_add(*minutes)));
        let bar = "█".repeat((end - begin).max(1));
        let _ = writeln!(out, "{}  {id:<ids$}  {}{bar} {minutes} min", paint.dim(&format!("{wave:<waves$}")), " ".repeat(begin));
    }
    if rows.len() > DRAWN_MAX {
        let _ = writeln!(out, "  and {} more parts, with --json", rows.len() - DRAWN_MAX);
    }
}

/// Reasons that are shown; a long plan has its others in the JSON.
const REASONS_MAX: usize = 40;

/// Why steps wait for others, each with its line in the document.
fn why(out: &mut String, plan: &Value, paint: Paint) {
    let edges = plan["edges"].as_array().map_or(&[][..], Vec::as_slice);
    if edges.is_empty() {
        return;
    }
    let steps = plan["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let step = |n: &Value| steps.iter().find(|step| step["n"] == *n).unwrap_or(&Value::Null);
    let row = |edge: &Value| {
        let later = step(&edge["to"]);
        vec![
            Cell::new(text(edge, "to")),
            Cell::new(text(later, "line")),
            Cell::new(text(edge, "from")),
            Cell::new(format!("{:.0} %", edge["confidence"].as_f64().unwrap_or(0.0) * 100.0)),
            Cell::new(text(edge, "reason")),
        ]
    };
    out.push('\n');
    table(out, &["STEP", "LINE", "AFTER", "SURE", "BECAUSE IT"], edges.iter().take(REASONS_MAX).map(row).collect(), paint);
    if edges.len() > REASONS_MAX {
        let _ = writeln!(out, "  and {} more, with --json", edges.len() - REASONS_MAX);
    }
}

fn subtasks(out: &mut String, plan: &Value, paint: Paint) {
    let parts = plan["subtasks"].as_array().map_or(&[][..], Vec::as_slice);
    let assigned = parts.iter().any(|part| part["assigned"].is_string());
    let prefix = format!("{}-", text(plan, "task"));
    let row = |s: &Value| {
        let mut cells =
            vec![Cell::painted(text(s, "id"), |t| paint.bold(t)), Cell::new(list(s, "steps")), Cell::new(text(s, "estimate_minutes"))];
        cells.extend(assigned.then(|| Cell::new(text(s, "assigned"))));
        // The parts of one task share its id: what follows it tells them apart.
        let after = list(s, "depends_on").split(", ").map(|id| id.strip_prefix(&prefix).unwrap_or(id)).collect::<Vec<_>>().join(", ");
        cells.extend([after, list(s, "writes"), text(s, "title")].map(Cell::new));
        cells
    };
    let mut heads = vec!["PART", "STEPS", "MIN"];
    heads.extend(assigned.then_some("AGENT"));
    heads.extend(["AFTER", "WRITES", "TITLE"]);
    table(out, &heads, parts.iter().map(row).collect(), paint);
}

pub(crate) fn work(out: &mut String, report: &Value, paint: Paint) {
    let row = |task: &Value| {
        vec![
            Cell::painted(text(task, "id"), |t| paint.bold(t)),
            Cell::new(text(task, "outcome")),
            Cell::new(text(task, "attempt")),
            Cell::new(duration(task["wall_ms"].as_i64().unwrap_or(0))),
            Cell::new(text(task, "title")),
        ]
    };
    if let Some(tasks) = report["tasks"].as_array().filter(|tasks| !tasks.is_empty()) {
        table(out, &["TASK", "OUTCOME", "TRY", "TOOK", "TITLE"], tasks.iter().map(row).collect(), paint);
    }
    let _ = writeln!(
        out,
        "{}: {} done, {} failed, {} otherwise",
        paint.bold(&text(report, "agent")),
        report["done"],
        report["failed"],
        report["other"]
    );
}

pub(crate) fn report(out: &mut String, report: &Value, paint: Paint) {
    let ms = |value: &Value, field: &str| duration(value[field].as_i64().unwrap_or(0));
    let row = |part: &Value| {
        vec![
            Cell::painted(text(part, "id"), |t| paint.bold(t)),
            Cell::painted(text(part, "state"), |t| paint.state(t)),
            Cell::new(text(part, "agent")),
            Cell::new(text(part, "attempts")),
            Cell::new(ms(part, "wall_ms")),
            Cell::new(text(part, "title")),
            Cell::new(text(part, "result")),
        ]
    };
    if let Some(parts) = report["parts"].as_array().filter(|parts| !parts.is_empty()) {
        table(out, &["PART", "STATE", "AGENT", "TRIES", "TOOK", "TITLE", "RESULT"], parts.iter().map(row).collect(), paint);
        out.push('\n');
    }
    if let Some(agents) = report["agents"].as_array().filter(|agents| !agents.is_empty()) {
        let row = |agent: &Value| {
            vec![Cell::painted(text(agent, "name"), |t| paint.bold(t)), Cell::new(text(agent, "parts")), Cell::new(ms(agent, "wall_ms"))]
        };
        table(out, &["AGENT", "PARTS", "BUSY"], agents.iter().map(row).collect(), paint);
        out.push('\n');
    }
    if report.get("serial_ms").is_some() {
        // What was done before an interruption counts for the parts, not for this run.
        let went_on = report["wall_ms"].as_i64() < report["bound_ms"].as_i64();
        let _ = writeln!(
            out,
            "{}: {} {} {} one after another, no less than {} with any number of agents",
            paint.bold(&text(report, "task")),
            ms(report, "wall_ms"),
            if went_on { "in this run, which went on with what was there; all parts:" } else { "in all," },
            ms(report, "serial_ms"),
            ms(report, "bound_ms")
        );
    } else if report["parts"].as_array().is_none_or(Vec::is_empty) {
        out.push_str("nothing was done\n");
    }
}
