//! Plans as text.

use oarlock_ops::task::{MINUTES_DEFAULT, SplitReply};
use oarlock_plan::{Edge, Plan, Step, Subtask};
use std::collections::HashMap;
use std::fmt::Write;

use super::{Cell, Page, View, joined, known, safe, shown, texts};

impl View for SplitReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        if let Some(prompt) = &self.prompt {
            // The document is in it, which a person or a model reads next.
            page.out.push_str(&safe(prompt));
            return;
        }
        let plan = &self.plan;
        let (steps, task) = (plan.steps.len(), page.paint.bold(&safe(&plan.task)));
        if plan.parallelizable {
            let (minutes, alone) = (plan.makespan_minutes, plan.serial_minutes);
            page.line(format_args!("{task}: {steps} steps in {} parts, about {minutes} minutes instead of {alone}", plan.subtasks.len()));
            page.line(origin(plan));
            subtasks(page, plan);
            picture(page, plan);
            why(page, plan);
            match self.created.len() {
                0 => page.line("nothing was changed (dry run)"),
                created => page.line(format_args!("{created} parts were made")),
            }
            if let Some(token) = self.lease_ended {
                let files = joined(&self.reservations_ended);
                let reserved = if files.is_empty() { String::new() } else { format!(", and so did its reservations: {files}") };
                page.line(format_args!("your lease on {} (token {token}) ended with the split{reserved}", safe(&plan.task)));
            }
        } else {
            page.line(format_args!("{task} is not split: {} ({steps} steps)", known(plan.reason.as_ref())));
            page.line(origin(plan));
            why(page, plan);
        }
        for warning in &plan.warnings {
            page.line(format_args!("  {} {}", page.paint.dim("note:"), safe(warning)));
        }
    }

    fn ids(&self) -> Vec<String> {
        texts(self.created.iter().map(|part| &part.id))
    }
}

/// Who made the plan, from a document of which format, and how many agents are worth it.
fn origin(plan: &Plan) -> String {
    let planner = match plan.planner.as_str() {
        "rules" => "planned by rules",
        "agent" => "planned by an agent",
        _ => "a given plan",
    };
    let format = if plan.format.is_empty() { String::new() } else { format!(", format {}", safe(&plan.format)) };
    let advice = plan.advice.as_ref().filter(|_| plan.parallelizable);
    let advice = advice.map_or_else(String::new, |advice| {
        let why = advice.reason.as_ref().map(|reason| format!(": {}", safe(reason))).unwrap_or_default();
        format!("; advice: {} agents{why}", advice.agents)
    });
    format!("{planner}{format}{advice}")
}

/// Columns of the longest bar.
const BAR_COLUMNS: u64 = 40;
/// Parts that are drawn; a longer plan is no picture any more.
const DRAWN_MAX: usize = 60;

/// The waves as a picture: a bar for each part, as long as its minutes, that begins where the last of those it waits for ends.
fn picture(page: &mut Page, plan: &Plan) {
    let part = |id: &String| plan.subtasks.iter().find(|part| part.id == *id);
    let mut ends: HashMap<&str, u64> = HashMap::new();
    let mut rows = Vec::new();
    for (n, wave) in plan.waves.iter().enumerate() {
        for (k, part) in wave.iter().filter_map(part).enumerate() {
            let start = part.depends_on.iter().filter_map(|id| ends.get(id.as_str())).copied().max().unwrap_or(0);
            let minutes = part.estimate_minutes.unwrap_or(MINUTES_DEFAULT).max(1);
            ends.insert(&part.id, start.saturating_add(minutes));
            rows.push((if k == 0 { format!("wave {}", n + 1) } else { String::new() }, safe(&part.id), start, minutes));
        }
    }
    let last = ends.values().copied().max().unwrap_or(1).max(1);
    let columns = |minutes: u64| usize::try_from(u128::from(minutes) * u128::from(BAR_COLUMNS) / u128::from(last)).unwrap_or(0);
    let width = |of: fn(&(String, String, u64, u64)) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (waves, ids) = (width(|row| &row.0), width(|row| &row.1));
    page.line("");
    for (wave, id, start, minutes) in rows.iter().take(DRAWN_MAX) {
        let (begin, end) = (columns(*start), columns(start.saturating_add(*minutes)));
        let bar = "█".repeat((end - begin).max(1));
        let wave = page.paint.dim(&format!("{wave:<waves$}"));
        let _ = writeln!(page.out, "{wave}  {id:<ids$}  {}{bar} {minutes} min", " ".repeat(begin));
    }
    if rows.len() > DRAWN_MAX {
        page.line(format_args!("  and {} more parts, with --json", rows.len() - DRAWN_MAX));
    }
}

/// Reasons that are shown; a long plan has its others in the JSON.
const REASONS_MAX: usize = 40;

/// Why steps wait for others, each with its line in the document.
fn why(page: &mut Page, plan: &Plan) {
    if plan.edges.is_empty() {
        return;
    }
    let line = |n: usize| plan.steps.iter().find(|step: &&Step| step.n == n).map(|step| step.line.to_string()).unwrap_or_default();
    let row = |edge: &Edge| {
        vec![
            Cell::new(edge.to.to_string()),
            Cell::new(line(edge.to)),
            Cell::new(edge.from.to_string()),
            Cell::new(format!("{:.0} %", edge.confidence * 100.0)),
            Cell::new(safe(&edge.reason)),
        ]
    };
    page.line("");
    page.table(&["STEP", "LINE", "AFTER", "SURE", "REASON"], plan.edges.iter().take(REASONS_MAX).map(row));
    if plan.edges.len() > REASONS_MAX {
        page.line(format_args!("  and {} more, with --json", plan.edges.len() - REASONS_MAX));
    }
}

fn subtasks(page: &mut Page, plan: &Plan) {
    let assigned = plan.subtasks.iter().any(|part| part.assigned.is_some());
    let prefix = format!("{}-", plan.task);
    let row = |part: &Subtask| {
        let minutes = part.estimate_minutes.as_ref().map(shown).unwrap_or_default();
        let mut cells = vec![Cell::bold(safe(&part.id)), Cell::new(joined(&part.steps)), Cell::new(minutes)];
        cells.extend(assigned.then(|| Cell::new(known(part.assigned.as_ref()))));
        // The parts of one task share its id: what follows it distinguishes them.
        let after = joined(part.depends_on.iter().map(|id| id.strip_prefix(&prefix).unwrap_or(id)));
        cells.extend([after, joined(&part.writes), safe(&part.title)].map(Cell::new));
        cells
    };
    let mut heads = vec!["PART", "STEPS", "MIN"];
    heads.extend(assigned.then_some("AGENT"));
    heads.extend(["AFTER", "WRITES", "TITLE"]);
    page.table(&heads, plan.subtasks.iter().map(row));
}
