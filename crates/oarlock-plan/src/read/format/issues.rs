//! Collections of issues: headings `Issue #n: Title`, each with labels, criteria and what it depends on. Boxes in an issue are its criteria, and
//! milestones at the end put the same issues in order. Source: GitHub's documentation of issues; automazeio/ccpm for epics.

use crate::read::document::{Document, Kind};
use crate::read::draft::STEPS_MAX;
use crate::read::entry;
use crate::read::format::fields::is_box;
use crate::read::format::outline::{Manner, Outline};
use crate::read::label;
use crate::read::sections::{self, Class};
use crate::text::clip;

/// The issues of a collection, or the tasks of an epic.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    collection(document).or_else(|| epic(document)).or_else(|| created(document)).or_else(|| checklist(document))
}

/// The boxes of a list of issues, `- [ ] #12 Title`: each is an issue of its own.
fn checklist(document: &Document<'_>) -> Option<Outline> {
    // Backlog.md numbers its criteria in the same way.
    let is_criterion = |line: usize| {
        let above = document.headings.partition_point(|heading| heading.line < line).checked_sub(1);
        above.is_some_and(|at| sections::class_of(clip(document.text(document.headings[at].line))) == Class::Criteria)
    };
    let begins = |line: usize| is_box(document, line) && listed_issue(clip(document.text(line))).is_some() && !is_criterion(line);
    let all = entry::entries(document, 0, document.lines.len(), STEPS_MAX + 1, begins);
    let boxes = (0..document.lines.len()).filter(|line| is_box(document, *line) && document.lines[*line].indent < 2).count();
    // Other boxes are criteria, unless they are most of what there is.
    if all.len() < 2 || all.len() * 2 < boxes {
        return None;
    }
    let mut drafts = Vec::with_capacity(all.len());
    for one in all {
        let (id, rest) = listed_issue(clip(document.text(one.line)))?;
        // "#12 **T4**: Title" has a code too, by which sentences name it.
        let letter = rest.chars().find(|c| *c != '*').filter(char::is_ascii_alphabetic);
        let coded = letter.and_then(|letter| entry::code(rest, letter, 1)).filter(|(_, title)| !title.is_empty());
        let title = coded.map_or(rest, |(_, title)| title);
        let mut draft = entry::draft(document, one, "id", id, title);
        draft.mark.numbers_inside = true;
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Apart })
}

/// The number of an issue that a box begins with, as `#12`, `owner/name#12` or a link to it, and the text behind it.
fn listed_issue(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(['*', '[', ' ']);
    let word_end = text.find([' ', ')', ']']).unwrap_or(text.len());
    let at = text[..word_end].rfind("/issues/").map(|at| at + "/issues/".len()).or_else(|| text[..word_end].find('#').map(|at| at + 1))?;
    let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let end = at + digits;
    let before = &text[..at - 1];
    let is_reference = before.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:#".contains(c));
    let rest = text[end..].trim_start_matches(|c: char| ")]:-–— *".contains(c));
    // "[#12](https://…) Title".
    let rest = rest
        .strip_prefix("(http")
        .and_then(|link| link.split_once(')'))
        .map_or(rest, |(_, rest)| rest.trim_start_matches([':', '-', '–', '—', ' ']));
    ((1..=8).contains(&digits) && is_reference).then(|| (&text[at..end], rest))
}

/// The list of task files of an epic, `- [ ] 001.md - Title (parallel: true)`, where nothing else lists its tasks.
fn created(document: &Document<'_>) -> Option<Outline> {
    let begins = |line: usize| is_box(document, line) && task_file(clip(document.text(line))).is_some();
    let all = entry::entries(document, 0, document.lines.len(), STEPS_MAX + 1, begins);
    if all.len() < 2 {
        return None;
    }
    let mut drafts = Vec::with_capacity(all.len());
    for one in all {
        let (id, title) = task_file(clip(document.text(one.line)))?;
        let says = |mark: &str| (one.line..=one.last).any(|line| clip(document.text(line)).to_lowercase().contains(mark));
        let mut draft = entry::draft(document, one, "task", id, title);
        draft.mark.beside = says("parallel: true");
        draft.mark.group = 1;
        draft.mark.numbers_inside = true;
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Marked })
}

/// "001.md - Title" and "[001.md](001.md) Title": the number and the title.
fn task_file(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(['*', '[', '`', ' ']);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text[digits..].strip_prefix(".md")?;
    let rest = rest.trim_start_matches(['`', ']']);
    let rest = rest.strip_prefix('(').and_then(|link| link.split_once(')')).map_or(rest, |(_, rest)| rest);
    (1..=6).contains(&digits).then(|| (&text[..digits], rest.trim_start_matches(['*', ':', '-', '–', '—', ' ', '`'])))
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
