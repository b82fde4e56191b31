//! Product requirement prompts: a list of tasks in a fence, `Task 1:` with `CREATE path:` and `MODIFY path:`, or headings "`[ ]` Task 1: …" with a
//! table of files. Sources: coleam00/context-engineering-intro, `PRPs/templates/prp_base.md`; Wirasm/PRPs-agentic-eng.

use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, STEPS_MAX, last_line};
use crate::read::entry::{self, Entry};
use crate::read::format::fields::files;
use crate::read::format::outline::{Manner, Outline};
use crate::read::label;
use crate::text::{clip, plain};

/// Words that a line of such a list begins with, when it says which file is made or changed.
const DEEDS: [&str; 9] = ["CREATE", "MODIFY", "UPDATE", "ADD", "DELETE", "REMOVE", "RENAME", "MOVE", "FILE"];

/// The tasks of a prompt.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    in_fence(document).or_else(|| headings(document))
}

/// The first fence with two lines "Task N:" or more.
fn in_fence(document: &Document<'_>) -> Option<Outline> {
    let is_code = |line: usize| document.lines.get(line).is_some_and(|line| line.kind == Kind::Code);
    let mut line = 0;
    while line < document.lines.len() {
        if !is_code(line) {
            line += 1;
            continue;
        }
        let stop = (line..document.lines.len()).find(|at| !is_code(*at)).unwrap_or(document.lines.len());
        let starts: Vec<usize> = (line + 1..stop).filter(|at| task_line(document.text(*at)).is_some()).take(STEPS_MAX + 1).collect();
        if starts.len() >= 2 {
            return Some(Outline { drafts: of_fence(document, &starts, stop - 1), manner: Manner::Listed });
        }
        line = stop;
    }
    None
}

fn of_fence(document: &Document<'_>, starts: &[usize], stop: usize) -> Vec<Draft> {
    let ends = starts.iter().skip(1).copied().chain([stop]);
    let draft = |(line, end): (&usize, usize)| {
        let (id, rest) = task_line(document.text(*line)).unwrap_or(("", ""));
        let last = last_line(document, *line, end);
        let deed = |at: &usize| begins_with_deed(document.text(*at));
        // "Task 1: CREATE path", with the details below.
        let mut writes = if begins_with_deed(rest) { files(document, *line, *line) } else { Vec::new() };
        for at in (*line..=last).filter(deed) {
            writes.extend(files(document, at, at).into_iter().take(1));
        }
        let below = || (line + 1..=last).map(|at| document.text(at)).find(|text| text.chars().any(char::is_alphanumeric));
        let title = plain(if rest.is_empty() { below().unwrap_or("") } else { rest });
        let mut out = Draft { line: *line, last, kind: "task".to_owned(), id: id.to_owned(), title, ..Draft::default() };
        if out.title.is_empty() {
            out.title = format!("Task {id}");
        }
        out.mark.writes = writes;
        out.mark.numbers_inside = true;
        out
    };
    starts.iter().zip(ends).map(draft).collect()
}

/// Whether a line says first that a file is made or changed.
fn begins_with_deed(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '*', ' ']);
    DEEDS.iter().any(|deed| text.strip_prefix(deed).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
}

/// "Task 3:", "Task 3: Title", and "# Task 3".
fn task_line(text: &str) -> Option<(&str, &str)> {
    let text = clip(text).trim_start_matches(['#', '-', '*', ' ']);
    let rest = text.strip_prefix("Task ").or_else(|| text.strip_prefix("TASK "))?;
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
    let id = rest[..length].trim_end_matches('.');
    let behind = rest[length..].trim_start();
    (id.starts_with(|c: char| c.is_ascii_digit()) && (behind.is_empty() || behind.starts_with([':', '–', '—']) || behind.starts_with("- ")))
        .then(|| (id, behind.trim_start_matches([':', '-', '–', '—', ' ', '*'])))
}

/// Headings such as "### `[ ]` Task 1: …", and "### Task 1: CREATE path" with fields such as ACTION below it.
fn headings(document: &Document<'_>) -> Option<Outline> {
    let of_line = |line: usize| {
        let text = clip(document.text(line)).trim_start_matches(['`', '*', ' ']);
        let is_heading = matches!(document.lines[line].kind, Kind::Heading(_));
        let boxed = text.strip_prefix('[').and_then(|inner| inner.split_once(']')).filter(|(tick, _)| tick.len() <= 4);
        let (tick, rest) = boxed.map_or((None, text), |(tick, rest)| (Some(tick.trim().eq_ignore_ascii_case("x")), rest));
        let label = label::of_heading(rest.trim_start_matches(['`', '*', ' '])).filter(|label| is_heading && label.kind == "task")?;
        Some((tick, label))
    };
    let all = entry::entries(document, 0, document.lines.len(), STEPS_MAX + 1, |line| of_line(line).is_some());
    let has_field = |one: &&Entry| (one.line + 1..=one.last).any(|line| is_field(document.text(line)));
    let boxed = all.iter().filter(|one| of_line(one.line).is_some_and(|(tick, _)| tick.is_some())).count();
    if all.len() < 2 || (boxed < all.len() && all.iter().filter(has_field).count() * 2 < all.len()) {
        return None;
    }
    let mut drafts = Vec::with_capacity(all.len());
    for one in all {
        let (tick, label) = of_line(one.line)?;
        let mut draft = entry::draft(document, one, "task", &label.id, label.rest);
        draft.tick = tick;
        if begins_with_deed(label.rest) {
            draft.mark.writes = files(document, one.line, one.line);
        }
        draft.mark.numbers_inside = true;
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Content })
}

/// "- **ACTION**: …": a field of a task.
fn is_field(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '*', ' ']);
    let name = text.split(['*', ':']).next().unwrap_or(text);
    ["ACTION", "IMPLEMENT", "MIRROR", "VALIDATE", "GOTCHA", "IMPORTS"].contains(&name.trim())
}
