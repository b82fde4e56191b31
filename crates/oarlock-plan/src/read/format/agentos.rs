//! Agent OS: `#### Task Group N: Name` with `**Dependencies:**`, and boxes `1.1` below a container `1.0`. A group begins when the groups that it
//! names are done. Source: buildermethods/agent-os, `agents/tasks-list-creator.md`.

use crate::read::document::{Document, Kind};
use crate::read::draft::STEPS_MAX;
use crate::read::entry::{self, Outlined, is_part};
use crate::read::format::fields::{is_box, leaves, number_of};
use crate::read::format::outline::{Manner, Outline};
use crate::text::{clip, plain};

/// The tasks of a list of task groups.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let is_group = |line: usize| {
        matches!(document.lines[line].kind, Kind::Heading(_))
            && clip(document.text(line)).trim_start_matches(['*', ' ']).to_lowercase().starts_with("task group ")
    };
    let groups: Vec<_> = document.headings.iter().filter(|heading| is_group(heading.line)).collect();
    if groups.len() < 2 {
        return None;
    }
    let outlined = Outlined::of(document);
    let mut drafts = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for group in groups {
        // A later heading of the same number sums up what was done.
        let number = label(document, group.line);
        if told.contains(&number) {
            continue;
        }
        told.push(number);
        let all = entry::entries(document, group.line + 1, group.end, STEPS_MAX + 1, |line| {
            is_box(document, line) && number_of(document, line).is_some()
        });
        let id = |line: usize| number_of(document, line).map_or("", |(id, _)| id);
        let mut steps = leaves(document, &all, |whole, part| is_part(id(part.line), id(whole.line)));
        // "1.0 Complete the layer" holds 1.1 and so on, whatever file it names.
        steps.retain(|step| {
            !(id(step.line).ends_with(".0") && all.iter().any(|other| other.line != step.line && is_part(id(other.line), id(step.line))))
        });
        if steps.is_empty() {
            // A group without boxes is one task.
            steps = entry::entries(document, group.line, group.end, 1, |line| line == group.line);
        }
        for step in steps {
            let (id, title) = number_of(document, step.line).unwrap_or(("", clip(document.text(step.line))));
            let mut draft = entry::draft(document, step, "", id, title);
            draft.mark.group = group.line + 1;
            draft.mark.part = outlined.above(step.line).first().map_or(0, |heading| outlined.line(*heading) + 1);
            draft.phase = Some(plain(clip(document.text(group.line))));
            drafts.push(draft);
        }
    }
    (drafts.len() >= 2).then_some(Outline { drafts, manner: Manner::Chain })
}

/// The word and the number that the heading of a group begins with.
fn label(document: &Document<'_>, line: usize) -> String {
    let text = clip(document.text(line)).trim_start_matches(['*', ' ']).to_lowercase();
    text.split_whitespace().take(3).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).collect::<Vec<_>>().join(" ")
}
