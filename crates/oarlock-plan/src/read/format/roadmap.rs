//! Product requirements: what is built stands in the section "Development Roadmap", as phases or as a list. Numbered features, flows of users
//! and the chain of dependencies are no steps. Source: eyaltoledano/claude-task-master, `assets/example_prd.txt`.

use crate::read::document::{Document, Heading, Kind};
use crate::read::draft::STEPS_MAX;
use crate::read::entry::{self, Entry};
use crate::read::format::outline::{Manner, Outline};
use crate::read::label;
use crate::read::prose;
use crate::rule;
use crate::text::{clip, plain};

/// The steps of a document with a roadmap.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let is_title =
        |heading: &Heading| document.headings.first().is_some_and(|first| first.line == heading.line) && is_alone(document, heading);
    let roadmap = document.headings.iter().find(|heading| is_roadmap(document, heading) && !is_title(heading))?;
    let drafts = prose::between(document, roadmap.line + 1, roadmap.end);
    if drafts.len() > 1 {
        return Some(Outline { drafts, manner: Manner::Content });
    }
    nested(document, roadmap)
}

/// The numbered items and boxes below bullets: "* Phase 1: Store:" with "1. Add the table" and so on.
fn nested(document: &Document<'_>, roadmap: &Heading) -> Option<Outline> {
    let is_bullet = |line: usize| matches!(document.lines[line].kind, Kind::Item(None)) && document.lines[line].tick.is_none();
    let begins = |line: usize| matches!(document.lines[line].kind, Kind::Item(_)) && !is_bullet(line);
    let all = entry::entries(document, roadmap.line + 1, roadmap.end, STEPS_MAX + 1, begins);
    if all.len() < 2 || !rule::is_on(rule::BULLETS) {
        return None;
    }
    let mut drafts = Vec::with_capacity(all.len());
    for one in all {
        let own = document.lines[one.line];
        let above = (roadmap.line + 1..one.line).rev().find(|line| is_bullet(*line) && document.lines[*line].indent < own.indent);
        let last = (one.line..=one.last)
            .take_while(|line| *line == one.line || !is_bullet(*line) || document.lines[*line].indent > own.indent)
            .last();
        let id = if let Kind::Item(Some(number)) = own.kind { number.to_string() } else { String::new() };
        let mut draft = entry::draft(document, Entry { last: last.unwrap_or(one.line), ..one }, "", &id, clip(document.text(one.line)));
        if let Some(above) = above {
            let text = clip(document.text(above));
            draft.mark.group = above + 1;
            draft.phase = Some(plain(text));
            draft.phase_label = label::of_heading(text).filter(|label| !label.kind.is_empty()).map(|label| (label.kind, label.id));
        }
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Content })
}

/// Whether a heading is the only one of its level, as the title of a document is.
fn is_alone(document: &Document<'_>, heading: &Heading) -> bool {
    document.headings.iter().filter(|other| other.level <= heading.level).count() == 1
}

fn is_roadmap(document: &Document<'_>, heading: &Heading) -> bool {
    let title = clip(document.text(heading.line)).to_lowercase();
    ["development roadmap", "implementation roadmap", "mvp roadmap"].iter().any(|name| title.contains(name))
}
