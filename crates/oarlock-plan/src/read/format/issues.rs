//! Collections of issues: headings `Issue #n: Title`, each with labels, criteria and what it depends on. Boxes in an issue are its criteria, and
//! milestones at the end put the same issues in order. Source: GitHub's documentation of issues; automazeio/ccpm for epics.

use crate::read::document::{Document, Kind};
use crate::read::draft::STEPS_MAX;
use crate::read::entry;
use crate::read::format::fields::is_box;
use crate::read::format::outline::{Manner, Outline};
use crate::read::label;
use crate::text::clip;

/// The issues of a collection, or the tasks of an epic.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    collection(document).or_else(|| epic(document))
}

/// The boxes "Task N: Title" of an epic. The list of the issues that were made of them repeats the same tasks.
fn epic(document: &Document<'_>) -> Option<Outline> {
    let is_epic = document.headings.first().is_some_and(|h| clip(document.text(h.line)).to_lowercase().starts_with("epic"));
    let label = |line: usize| label::of_heading(clip(document.text(line)).trim_start_matches('*')).filter(|label| label.kind == "task");
    let all = entry::entries(document, 0, document.lines.len(), STEPS_MAX + 1, |line| is_box(document, line) && label(line).is_some());
    if !is_epic || all.len() < 2 {
        return None;
    }
    let mut drafts = Vec::with_capacity(all.len());
    for one in all {
        let label = label(one.line)?;
        let mut draft = entry::draft(document, one, "task", &label.id, label.rest);
        draft.mark.numbers_inside = true;
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Content })
}

fn collection(document: &Document<'_>) -> Option<Outline> {
    let level = document.headings.iter().filter(|heading| issue(document, heading.line).is_some()).map(|heading| heading.level).min()?;
    let begins = |line: usize| document.lines[line].kind == Kind::Heading(level) && issue(document, line).is_some();
    let all = entry::entries(document, 0, document.lines.len(), STEPS_MAX + 1, begins);
    if all.len() < 2 {
        return None;
    }
    let mut drafts = Vec::with_capacity(all.len());
    for one in all {
        let (id, title) = issue(document, one.line)?;
        let mut draft = entry::draft(document, one, "issue", id, title);
        draft.mark.numbers_inside = true;
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Content })
}

/// The number of "Issue #3: Title" and "Issue 3 - Title", and the title.
fn issue<'a>(document: &Document<'a>, line: usize) -> Option<(&'a str, &'a str)> {
    let text = clip(document.text(line)).trim_start_matches(|c: char| !c.is_alphanumeric());
    let rest = text.get(..5).filter(|word| word.eq_ignore_ascii_case("issue")).map(|_| text[5..].trim_start_matches([' ', '#']))?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && digits <= 8 && !rest[digits..].starts_with(char::is_alphanumeric))
        .then(|| (&rest[..digits], rest[digits..].trim_start_matches([':', '.', '-', '–', '—', ' ', ')'])))
}
