//! Plans by files: headings below "Files to create" and "Files to change", each with the file that it is about and text on what to do to it.
//! A list of files without text only tells what the steps of a plan write.

use crate::read::document::{Document, Heading, Kind};
use crate::read::draft::{STEPS_MAX, last_line};
use crate::read::entry::{self, Entry};
use crate::read::format::fields::files;
use crate::read::format::outline::{Manner, Outline};
use crate::read::label;
use crate::read::sections::{self, Class, Section};
use crate::text::clip;

/// The steps of such a plan, where no other headings number its steps.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    // Sections cost more than a look at the titles.
    if !document.headings.iter().any(|heading| clip(document.text(heading.line)).to_lowercase().contains("file")) {
        return None;
    }
    let sections = sections::sections(document);
    let lists: Vec<&Section> = sections.iter().filter(|section| section.class == Class::Writes && section.own_class).collect();
    let is_listed = |heading: &Heading| lists.iter().any(|list| list.line < heading.line && heading.end <= list.end);
    let is_step = |heading: &&Heading| is_listed(heading) && !document.paths(heading.line, 1).is_empty() && has_text(document, heading);
    let headings: Vec<&Heading> = document.headings.iter().filter(is_step).take(STEPS_MAX + 1).collect();
    let level = headings.first()?.level;
    let is_labelled = |heading: &&Heading| {
        !is_listed(heading) && label::of_heading(clip(document.text(heading.line))).is_some_and(|label| !label.kind.is_empty())
    };
    if headings.len() < 2
        || headings.iter().any(|heading| heading.level != level)
        || document.headings.iter().filter(is_labelled).count() > 1
    {
        return None;
    }
    let mut drafts = Vec::with_capacity(headings.len());
    for heading in headings {
        let text = clip(document.text(heading.line));
        let label = label::of_heading(text).filter(|label| !label.rest.is_empty());
        let (id, title) = label.as_ref().map_or(("", text), |label| (label.id.as_str(), label.rest));
        let entry = Entry { line: heading.line, last: last_line(document, heading.line, heading.end) };
        let mut draft = entry::draft(document, entry, "", id, title);
        draft.mark.writes = files(document, heading.line, heading.line);
        draft.mark.writes_are_all = true;
        draft.mark.numbers_inside = true;
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Content })
}

/// Whether something stands below a heading.
fn has_text(document: &Document<'_>, heading: &Heading) -> bool {
    (heading.line + 1..heading.end).any(|line| !matches!(document.lines[line].kind, Kind::Blank | Kind::Rule))
}
