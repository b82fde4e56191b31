//! OpenSpec: numbered sections `## 1. Group`, each with boxes `- [ ] 1.1 Task`. Every box is a task, and sections are ordered by dependency.
//! Source: Fission-AI/OpenSpec, `schemas/spec-driven/schema.yaml` and its template of tasks.

use crate::read::document::{Document, Kind};
use crate::read::draft::STEPS_MAX;
use crate::read::entry::{self, Outlined};
use crate::read::format::fields::{is_box, leaves, number_of};
use crate::read::format::outline::{Manner, Outline};
use crate::text::{clip, plain};

/// The tasks of an OpenSpec change.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let groups: Vec<_> =
        document.headings.iter().filter(|h| (2..=3).contains(&h.level) && group_number(document, h.line).is_some()).collect();
    let first = groups.first()?;
    let groups: Vec<_> = groups.iter().filter(|group| group.level == first.level).collect();
    let mut all = Vec::new();
    let mut numbered = 0;
    for group in &groups {
        let number = group_number(document, group.line)?;
        let boxes =
            entry::entries(document, group.line + 1, group.end, STEPS_MAX + 1 - all.len().min(STEPS_MAX), |line| is_box(document, line));
        let is_own =
            |line: usize| number_of(document, line).is_some_and(|(id, _)| id.split('.').next() == Some(number) && id.contains('.'));
        numbered += boxes.iter().filter(|entry| is_own(entry.line)).count();
        all.extend(boxes);
    }
    // Numbers of boxes that begin with the number of their section are the mark of the format.
    if all.len() < 2 || numbered * 2 < all.len() {
        return None;
    }
    let indent = |line: usize| document.lines[line].indent;
    let steps = leaves(document, &all, |whole, part| indent(part.line) > indent(whole.line) + 1);
    let outlined = Outlined::of(document);
    let mut drafts = Vec::with_capacity(steps.len());
    for step in steps {
        let (id, title) = number_of(document, step.line).unwrap_or(("", clip(document.text(step.line))));
        let mut draft = entry::draft(document, step, "", id, title);
        let above = outlined.above(step.line);
        let group = above.iter().copied().find(|heading| document.headings[*heading].level == first.level);
        draft.mark.group = group.map_or(0, |heading| outlined.line(heading) + 1);
        draft.mark.part = above.first().map_or(0, |heading| outlined.line(*heading) + 1);
        draft.phase = group.map(|heading| plain(outlined.text(heading)));
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Sequence })
}

/// The number of a section such as "## 2. Testing".
fn group_number<'a>(document: &Document<'a>, line: usize) -> Option<&'a str> {
    let (id, rest) = number_of(document, line)?;
    (matches!(document.lines[line].kind, Kind::Heading(_)) && !id.contains('.') && !rest.is_empty()).then_some(id)
}
