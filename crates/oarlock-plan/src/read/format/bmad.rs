//! BMAD stories: steps are only below `## Tasks / Subtasks`, as boxes with boxes below them or as headings. They are worked on in the order in
//! which they are written. Source: bmad-code-org/BMAD-METHOD, `bmad-create-story/template.md` and `bmad-dev-story/SKILL.md`.

use crate::read::document::{Document, Kind};
use crate::read::draft::STEPS_MAX;
use crate::read::entry;
use crate::read::format::fields::is_box;
use crate::read::format::outline::{Manner, Outline};
use crate::read::label;
use crate::text::{clip, plain};

/// The tasks of a story.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let is_list = |line: usize| {
        let title = clip(document.text(line)).to_lowercase();
        title.contains("subtasks") && title.replace("subtasks", "").contains("tasks")
    };
    let section = document.headings.iter().find(|heading| is_list(heading.line))?;
    let heads: Vec<u8> = document
        .headings
        .iter()
        .filter(|h| section.line < h.line && h.line < section.end && task_label(document, h.line))
        .map(|h| h.level)
        .collect();
    let level = heads.iter().min().copied().filter(|_| heads.len() > 1);
    let base = (section.line + 1..section.end).filter(|line| is_box(document, *line)).map(|line| document.lines[line].indent).min();
    let begins = |line: usize| match (level, document.lines[line].kind) {
        (Some(level), Kind::Heading(own)) => own == level && task_label(document, line),
        (None, Kind::Item(_)) => is_box(document, line) && Some(document.lines[line].indent) <= base.map(|base| base + 1),
        _ => false,
    };
    let all = entry::entries(document, section.line + 1, section.end, STEPS_MAX + 1, begins);
    if all.len() < 2 {
        return None;
    }
    let mut drafts = Vec::with_capacity(all.len());
    for one in all {
        let text = clip(document.text(one.line)).trim_start_matches(['*', ' ']);
        let label = label::of_heading(text).filter(|label| !label.rest.is_empty());
        let (kind, id, title) = label.as_ref().map_or(("", "", text), |label| (label.kind.as_str(), label.id.as_str(), label.rest));
        let mut draft = entry::draft(document, one, kind, id, title);
        if level.is_some() {
            draft.tick = None;
        }
        draft.mark.group = section.line + 1;
        // "### Consumer 2: …" below the section.
        let above =
            document.headings.partition_point(|heading| heading.line < one.line).checked_sub(1).map(|at| document.headings[at].line);
        let above = above.filter(|line| *line > section.line && level.is_none()).unwrap_or(section.line);
        draft.mark.part = above + 1;
        draft.phase = (above != section.line).then(|| plain(clip(document.text(above))));
        draft.mark.numbers_inside = true;
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Sequence })
}

fn task_label(document: &Document<'_>, line: usize) -> bool {
    label::of_heading(clip(document.text(line))).is_some_and(|label| label.kind == "task")
}
