//! Superpowers and the plans of plan mode: `### Task N: Name` with `**Files:**`, and inner steps that are numbered from 1 in each task.
//! Source: obra/superpowers, `skills/writing-plans/SKILL.md`.

use crate::read::document::{Document, Kind};
use crate::read::draft::STEPS_MAX;
use crate::read::entry;
use crate::read::format::fields::files;
use crate::read::format::outline::{Manner, Outline};
use crate::read::label;
use crate::text::clip;

/// Lines behind "Files:" that may name files.
const FIELD_LINES_MAX: usize = 40;

/// The tasks of a plan of this kind.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let label = |line: usize| match document.lines[line].kind {
        Kind::Heading(_) => label::of_heading(clip(document.text(line))).filter(|label| label.kind == "task"),
        _ => None,
    };
    let level = (0..document.lines.len()).filter(|line| label(*line).is_some()).filter_map(|line| level_of(document, line)).min()?;
    let begins = |line: usize| level_of(document, line) == Some(level) && label(line).is_some();
    let all = entry::entries(document, 0, document.lines.len(), STEPS_MAX + 1, begins);
    let mut drafts = Vec::with_capacity(all.len());
    let mut with_files = 0;
    for one in all {
        let label = label(one.line)?;
        let mut draft = entry::draft(document, one, "task", &label.id, label.rest);
        draft.tick = None;
        draft.mark.numbers_inside = true;
        let field = (one.line + 1..=one.last).find(|line| is_files_field(document, *line));
        if let Some(field) = field {
            with_files += 1;
            let stop =
                (field + 1..=one.last.min(field + FIELD_LINES_MAX)).find(|line| ends_field(document, *line, field)).unwrap_or(one.last + 1);
            draft.mark.writes = files(document, field, stop - 1);
        }
        drafts.push(draft);
    }
    (drafts.len() >= 2 && with_files > 0).then_some(Outline { drafts, manner: Manner::Content })
}

fn level_of(document: &Document<'_>, line: usize) -> Option<u8> {
    if let Kind::Heading(level) = document.lines[line].kind { Some(level) } else { None }
}

/// "**Files:**", also with a path behind it.
fn is_files_field(document: &Document<'_>, line: usize) -> bool {
    matches!(document.lines[line].kind, Kind::Text | Kind::Item(_))
        && clip(document.text(line))
            .split_once(':')
            .is_some_and(|(name, _)| name.trim_matches(['*', ' ', '_']).eq_ignore_ascii_case("files"))
}

/// Behind the list comes a heading, a box, a paragraph, or another field.
fn ends_field(document: &Document<'_>, line: usize, field: usize) -> bool {
    match document.lines[line].kind {
        Kind::Blank => false,
        Kind::Item(_) => document.lines[line].tick.is_some() || clip(document.text(line)).to_lowercase().starts_with("read"),
        _ => line > field,
    }
}
