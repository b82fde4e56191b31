//! Nothing is lost: boxes and numbered items of a document's work that are in no step are named, and such a plan is not split.

use oarlock_model::text::visible_line;

use crate::read::document::{Document, Kind};
use crate::read::draft::Draft;
use crate::read::entry;
use crate::read::sections::{Class, Section};
use crate::text::titles::Role;
use crate::text::{clip, plain, titles};

/// Items that are named; of the rest only the number is.
const NAMED_MAX: usize = 20;
/// Lines below a box that are looked at for what it holds.
const BELOW_LINES_MAX: usize = 8;
/// Characters of an item that a warning shows.
const SHOWN_CHARS_MAX: usize = 60;

/// Words of sections that order, check or retell the work and hold none of it.
const NO_WORK: [&str; 25] = [
    "criteria",
    "checklist",
    "quality",
    "gate",
    "verif",
    "validat",
    "definition of done",
    "acceptance",
    "success",
    "milestone",
    "order",
    "overview",
    "summary",
    "strategy",
    "parallel",
    "dependenc",
    "self-review",
    "review",
    "requirement",
    "file list",
    "legend",
    "metric",
    "priorit",
    "created",
    "next ",
];

/// The lines of the work that are in none of the `drafts`, and a warning for each of the first.
pub(crate) fn find(document: &Document<'_>, sections: &[Section], drafts: &[Draft]) -> (usize, Vec<String>) {
    let mut taken = vec![false; document.lines.len()];
    drafts.iter().for_each(|draft| taken[draft.line..=draft.last].fill(true));
    let mut out = Vec::new();
    let mut count = 0;
    let mut at = 0;
    for line in 0..document.lines.len() {
        while sections.get(at).is_some_and(|section| section.line <= line) {
            at += 1;
        }
        let own = document.lines[line];
        let Kind::Item(number) = own.kind else { continue };
        let is_open_box = own.tick == Some(false);
        if taken[line] || holds_taken(document, line, &taken) || own.indent > 1 || !(is_open_box || number.is_some()) {
            continue;
        }
        let section = at.checked_sub(1).map(|at| &sections[at]).filter(|section| line < section.end);
        if !section.is_some_and(|section| holds_work(document, section, is_open_box)) {
            continue;
        }
        count += 1;
        if out.len() < NAMED_MAX {
            out.push(format!("line {}: \"{}\" is in no step", line + 1, visible_line(&plain(clip(document.text(line))), SHOWN_CHARS_MAX)));
        }
    }
    if count > NAMED_MAX {
        out.push(format!("{} more items are in no step", count - NAMED_MAX));
    }
    (count, out)
}

/// Whether a box is only the title of the steps below it: of the next box, by its number or its indentation.
fn holds_taken(document: &Document<'_>, line: usize, taken: &[bool]) -> bool {
    let mut below = (line + 1..document.lines.len()).take(BELOW_LINES_MAX);
    let next = below.find(|at| !matches!(document.lines[*at].kind, Kind::Blank | Kind::Meta));
    let Some(next) = next.filter(|next| taken[*next]) else { return false };
    let number = |line: usize| entry::number(clip(document.text(line))).map_or("", |(id, _)| id);
    document.lines[next].indent > document.lines[line].indent + 1 || entry::is_part(number(next), number(line))
}

/// Whether what stands in a section is work: a box nearly everywhere, a number only in a section that says how to work.
fn holds_work(document: &Document<'_>, section: &Section, is_box: bool) -> bool {
    let title = clip(document.text(section.line)).to_lowercase();
    if NO_WORK.iter().any(|word| title.contains(word)) || titles::role_of(&title) == Role::Verify {
        return false;
    }
    match section.class {
        Class::Plan | Class::Step => true,
        Class::Details | Class::Other => is_box,
        Class::Criteria | Class::Writes | Class::Reads | Class::Deliverable | Class::Talk => false,
    }
}
