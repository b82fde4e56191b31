//! OpenSpec: numbered sections `## 1. Group`, each with boxes `- [ ] 1.1 Task`. Every box is a task, and sections are ordered by dependency.
//! Source: Fission-AI/OpenSpec, `schemas/spec-driven/schema.yaml` and its template of tasks.

use crate::read::document::{Document, Heading, Kind};
use crate::read::draft::STEPS_MAX;
use crate::read::entry::{self, Outlined};
use crate::read::format::fields::{is_box, leaves, number_of};
use crate::read::format::outline::{Manner, Outline};
use crate::text::{clip, plain};

/// The tasks of an OpenSpec change.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let is_called = is_called_tasks(document);
    let numbered_group = |line: usize| group_number(document, line).is_some();
    let mut groups: Vec<&Heading> = document.headings.iter().filter(|h| (2..=3).contains(&h.level) && numbered_group(h.line)).collect();
    if groups.is_empty() && is_called {
        // Sections without numbers, in a document that is called a list of tasks.
        groups = document.headings.iter().filter(|h| h.level == 2).collect();
    }
    let first = *groups.first()?;
    groups.retain(|group| group.level == first.level);
    let mut all = Vec::new();
    let (mut numbered, mut outermost) = (0, 0);
    for group in &groups {
        let number = group_number(document, group.line);
        let lines = || (group.line + 1..group.end).filter(|line| is_box(document, *line));
        let outer = lines().map(|line| document.lines[line].indent).min().unwrap_or(0);
        let is_outer = |line: usize| document.lines[line].indent <= outer + 1;
        let is_own = |line: usize| {
            number_of(document, line).is_some_and(|(id, _)| number.is_some() && id.split('.').next() == number && id.contains('.'))
        };
        outermost += lines().filter(|line| is_outer(*line)).count();
        numbered += lines().filter(|line| is_own(*line) && is_outer(*line)).count();
        // Boxes without numbers below one with a number are its details.
        let begins = |line: usize| is_box(document, line) && (is_outer(line) || is_own(line) || !lines().any(is_own));
        all.extend(entry::entries(document, group.line + 1, group.end, STEPS_MAX + 1 - all.len().min(STEPS_MAX), begins));
    }
    // Numbers of boxes that begin with the number of their section are the mark of the format.
    let is_marked = numbered * 2 >= outermost || (is_called && groups.len() > 1);
    if all.len() < 2 || !is_marked {
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

/// Whether the title of a document says that it lists tasks and nothing else does: it has no other headings above its sections.
fn is_called_tasks(document: &Document<'_>) -> bool {
    let title =
        document.headings.first().filter(|heading| heading.level == 1).map(|heading| clip(document.text(heading.line)).to_lowercase());
    title.is_some_and(|title| title.split(|c: char| !c.is_alphanumeric()).any(|word| word == "tasks"))
}

/// The number of a section such as "## 2. Testing".
fn group_number<'a>(document: &Document<'a>, line: usize) -> Option<&'a str> {
    let (id, rest) = number_of(document, line)?;
    (matches!(document.lines[line].kind, Kind::Heading(_)) && !id.contains('.') && !rest.is_empty()).then_some(id)
}
