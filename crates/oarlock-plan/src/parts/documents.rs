//! The document of one part: what the worker that claims it reads.

use std::fmt::Write as _;

use oarlock_model::limits::BODY_BYTES_MAX;

use crate::at_once::of_halves;
use crate::parts::criteria::Criteria;
use crate::plan::{Plan, Step, Subtask};
use crate::read::document::{Document, Kind};
use crate::read::name::title_of;
use crate::read::sections::Section;

/// The heading below which a part repeats the objective of its task.
pub const OBJECTIVE_OF_WHOLE: &str = "Objective of the whole task";
/// The heading of the criteria that speak of the part.
pub const CRITERIA_OF_PART: &str = "Acceptance criteria of this part";
/// The heading of those that speak of no part in particular.
pub const CRITERIA_OF_WHOLE: &str = "Acceptance criteria of the whole task";

/// Room for the body of a part.
const PART_BYTES_MAX: usize = BODY_BYTES_MAX - 1_024;
/// Room for what stands before the steps of a part.
const HEAD_BYTES: usize = 1_024;
/// Most of the parent's objective and criteria that each part repeats, in bytes.
const SHARED_BYTES_MAX: usize = 16 * 1_024;

/// The documents of the parts of `plan`; of a document that cannot be read, their steps by title only.
pub(crate) fn of_parts(read: Option<(&Document<'_>, &[Section])>, plan: &Plan) -> Vec<String> {
    let whole = read.map(|(read, sections)| Whole { read, sections, title: title_of(read), criteria: Criteria::of(read, sections, plan) });
    let parts: Vec<usize> = (0..plan.subtasks.len()).collect();
    of_halves(&parts, read.is_some_and(|(read, _)| read.is_large()), |part| one(whole.as_ref(), plan, *part))
}

/// What all parts repeat, or take their share of.
struct Whole<'a> {
    read: &'a Document<'a>,
    sections: &'a [Section],
    title: Option<String>,
    criteria: Criteria<'a>,
}

fn one(whole: Option<&Whole<'_>>, plan: &Plan, part: usize) -> String {
    let subtask = &plan.subtasks[part];
    let read = whole.map(|whole| whole.read);
    let steps = || plan.steps.iter().filter(|s| subtask.steps.contains(&s.n));
    let lines = |step: &Step| read.and_then(|read| ranges(read, step));
    let length: usize = steps().filter_map(lines).flatten().map(str::len).sum();
    let mut out = String::with_capacity(length.min(PART_BYTES_MAX) + HEAD_BYTES);
    head(&mut out, whole.and_then(|whole| whole.title.as_deref()), plan, subtask);
    out.push_str("\n## Steps\n");
    let mut phase: Option<&str> = None;
    for step in steps() {
        if step.phase.is_some() && step.phase.as_deref() != phase {
            phase = step.phase.as_deref();
            let _ = write!(out, "\nFrom \"{}\":\n", phase.unwrap_or_default());
        }
        match lines(step) {
            Some(texts) => texts.iter().for_each(|text| copy(&mut out, text)),
            None => {
                let _ = write!(out, "\n- {}\n", step.title);
            }
        }
        if out.len() > PART_BYTES_MAX - 2 * SHARED_BYTES_MAX {
            out.push_str("\n(The other steps are too long to repeat here; they stand in the parent's document.)\n");
            break;
        }
    }
    if let Some(Whole { read, sections, criteria, .. }) = whole {
        shared(&mut out, read, sections, OBJECTIVE_OF_WHOLE, |s| is_objective(read, s));
        let found = criteria.for_part(part);
        list(&mut out, CRITERIA_OF_PART, &found.own);
        list(&mut out, CRITERIA_OF_WHOLE, &found.common);
    }
    out
}

/// The lines of a step as they stand, one text for each range; nothing when they are not all in the document.
fn ranges<'a>(read: &Document<'a>, step: &Step) -> Option<Vec<&'a str>> {
    let one = [[step.line, step.end]];
    let ranges = if step.lines.is_empty() { &one[..] } else { &step.lines };
    let is_inside = |[first, last]: &[usize; 2]| 1 <= *first && first <= last && *last <= read.lines.len();
    ranges.iter().map(|range| is_inside(range).then(|| read.slice(range[0] - 1, range[1] - 1))).collect()
}

fn head(out: &mut String, title: Option<&str>, plan: &Plan, subtask: &Subtask) {
    let _ = writeln!(out, "# {}: {}\n", subtask.id, subtask.title);
    let parent = title.map_or_else(String::new, |t| format!(" ({t})"));
    let _ = writeln!(out, "**Parent:** {}{parent}", plan.task);
    // A part that waits for no other part may still wait for tasks that its text or its parent names.
    if !subtask.depends_on.is_empty() {
        let _ = writeln!(out, "**Depends on:** {}", subtask.depends_on.join(", "));
    }
    let writes: Vec<String> = subtask.writes.iter().map(|w| format!("`{w}`")).collect();
    let writes = if writes.is_empty() { "not stated".to_owned() } else { writes.join(", ") };
    let _ = writeln!(out, "**Writes:** {writes}");
    if !subtask.capabilities.is_empty() {
        let _ = writeln!(out, "**Needs:** {}", subtask.capabilities.join(", "));
    }
    if let Some(minutes) = subtask.estimate_minutes {
        let _ = writeln!(out, "**Estimated minutes:** {minutes}");
    }
}

/// Copies text as it stands, cut at the limit, and closes a fence that it leaves open.
fn copy(out: &mut String, text: &str) {
    let room = PART_BYTES_MAX.saturating_sub(2 * SHARED_BYTES_MAX).saturating_sub(out.len());
    out.push('\n');
    if push(out, text, room) < text.len() {
        out.push_str("\n(Cut here: the step goes on in the parent's document.)\n");
    }
}

/// Adds as much of a text as there is room for, with a fence closed that it leaves open, and a line end. Returns how much of it.
fn push(out: &mut String, text: &str, room: usize) -> usize {
    let text = cut(text, room);
    out.push_str(text);
    if let Some(fence) = open_fence(text) {
        out.push('\n');
        out.push_str(&fence);
    }
    out.push('\n');
    text.len()
}

fn cut(text: &str, room: usize) -> &str {
    let end = (0..=room.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    &text[..end]
}

/// The closing fence that is missing at the end of `text`.
fn open_fence(text: &str) -> Option<String> {
    let mut open: Option<String> = None;
    for line in text.lines() {
        let line = line.trim_start();
        let mark: String = line.chars().take_while(|c| *c == '`' || *c == '~').collect();
        if mark.len() < 3 {
            continue;
        }
        match &open {
            None => open = Some(mark),
            Some(o) if mark.starts_with(o.as_str()) && line.trim_end().len() == mark.len() => open = None,
            Some(_) => {}
        }
    }
    open
}

fn is_objective(read: &Document<'_>, section: &Section) -> bool {
    let title = read.text(section.line).to_lowercase();
    ["objective", "goal", "purpose"].iter().any(|w| title.trim().starts_with(w))
}

/// Writes criteria below a heading of their own.
fn list(out: &mut String, title: &str, criteria: &[&str]) {
    if criteria.is_empty() {
        return;
    }
    let _ = write!(out, "\n## {title}\n\n");
    let mut room = SHARED_BYTES_MAX / 2;
    for text in criteria {
        room -= push(out, text, room);
    }
}

/// Repeats sections of the parent below a heading of their own.
fn shared(out: &mut String, read: &Document<'_>, sections: &[Section], title: &str, is_wanted: impl Fn(&Section) -> bool) {
    let mut room = SHARED_BYTES_MAX - 256;
    let mut past = 0;
    let mut begun = false;
    for section in sections.iter().filter(|s| is_wanted(s)) {
        let first = (section.line + 1..section.end).find(|i| !matches!(read.lines[*i].kind, Kind::Blank | Kind::Rule));
        let last = (section.line + 1..section.end).rev().find(|i| !matches!(read.lines[*i].kind, Kind::Blank | Kind::Rule));
        let Some((first, last)) = first.zip(last).filter(|(first, _)| *first >= past && room > 0) else {
            continue;
        };
        past = last + 1;
        if !begun {
            let _ = write!(out, "\n## {title}\n");
            begun = true;
        }
        out.push('\n');
        room -= push(out, read.slice(first, last), room);
    }
}
