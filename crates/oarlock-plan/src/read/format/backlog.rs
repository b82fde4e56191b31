//! Backlog.md: the steps are in the section "Implementation Plan", as a numbered list or as a table; boxes are acceptance criteria and the
//! definition of done, which are outcomes. Source: MrLesk/Backlog.md, `src/guidelines/agent-guidelines.md`.

use crate::read::document::{Document, Heading, Kind};
use crate::read::format::outline::{Manner, Outline};
use crate::read::format::rows;
use crate::read::prose;
use crate::text::clip;

/// Lines in which the marks of the format are looked for.
const MARKED_LINES_MAX: usize = 400;

/// Whether a document is a task of Backlog.md.
pub(super) fn is_task(document: &Document<'_>) -> bool {
    let is_front = |line: &usize| document.lines[*line].kind == Kind::Meta;
    // The value may be a list below its key.
    let has_field = |key: &str| {
        (0..document.lines.len())
            .take_while(is_front)
            .any(|line| document.raw(line).strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))
    };
    has_field("assignee") && has_field("id") && has_field("status")
        || (0..document.lines.len().min(MARKED_LINES_MAX)).any(|line| document.raw(line).contains("<!-- AC:BEGIN"))
}

/// The steps of the plan of a task. Without a plan a task is read as prose.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    if !is_task(document) {
        return None;
    }
    let plan = document.headings.iter().find(|heading| is_plan(document, heading));
    let drafts = plan.map(|plan| prose::between(document, plan.line + 1, plan.end)).filter(|drafts| drafts.len() > 1);
    drafts.map(|drafts| Outline { drafts, manner: Manner::Content }).or_else(|| rows::read(document))
}

fn is_plan(document: &Document<'_>, heading: &Heading) -> bool {
    let title = clip(document.text(heading.line)).to_lowercase();
    ["implementation plan", "implementation steps"].iter().any(|name| title.contains(name))
}
