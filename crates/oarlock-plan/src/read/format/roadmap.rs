//! Product requirements: what is built stands in the section "Development Roadmap", as phases or as a list. Numbered features, flows of users
//! and the chain of dependencies are no steps. Source: eyaltoledano/claude-task-master, `assets/example_prd.txt`.

use crate::read::document::{Document, Heading};
use crate::read::format::outline::{Manner, Outline};
use crate::read::prose;
use crate::text::clip;

/// The steps of a document with a roadmap.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let is_title =
        |heading: &Heading| document.headings.first().is_some_and(|first| first.line == heading.line) && is_alone(document, heading);
    let roadmap = document.headings.iter().find(|heading| is_roadmap(document, heading) && !is_title(heading))?;
    let drafts = prose::between(document, roadmap.line + 1, roadmap.end);
    (drafts.len() > 1).then_some(Outline { drafts, manner: Manner::Content })
}

/// Whether a heading is the only one of its level, as the title of a document is.
fn is_alone(document: &Document<'_>, heading: &Heading) -> bool {
    document.headings.iter().filter(|other| other.level <= heading.level).count() == 1
}

fn is_roadmap(document: &Document<'_>, heading: &Heading) -> bool {
    let title = clip(document.text(heading.line)).to_lowercase();
    ["development roadmap", "implementation roadmap", "mvp roadmap"].iter().any(|name| title.contains(name))
}
