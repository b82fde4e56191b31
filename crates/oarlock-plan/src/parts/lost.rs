//! Nothing is lost: boxes and numbered items of a document's work that are in no step are named, and such a plan is not split.

use std::collections::HashSet;

use oarlock_model::text::visible_line;

use crate::read::document::{Document, Kind};
use crate::read::draft::Draft;
use crate::read::entry;
use crate::read::paths::{self, Found};
use crate::read::prose;
use crate::read::sections::{self, Class, Section};
use crate::text::titles::Role;
use crate::text::{clip, plain, titles};

/// Items that are named; of the rest only the number is.
const NAMED_MAX: usize = 20;
/// Fewer rows with files are an example.
const ROWS_MIN: usize = 3;
/// More rows with files are not looked at.
const ROWS_MAX: usize = 2_000;
/// Paths of one line that are looked at.
const LINE_PATHS_MAX: usize = 16;
/// Lines below a box that are looked at for what it holds.
const BELOW_LINES_MAX: usize = 8;
/// Characters of an item that a warning shows.
const SHOWN_CHARS_MAX: usize = 60;

/// What of the work is in no step.
pub(crate) struct Lost {
    /// Boxes and numbered items, by their lines.
    pub(crate) items: Vec<usize>,
    /// Rows of tables that name a file which no step speaks of.
    rows: Vec<usize>,
}

impl Lost {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.items.len() + self.rows.len()
    }

    /// A warning for each of the first.
    pub(crate) fn warnings(&self, document: &Document<'_>) -> Vec<String> {
        let shown = |line: &usize| visible_line(&plain(clip(document.text(*line))), SHOWN_CHARS_MAX);
        let all = self.items.iter().chain(&self.rows);
        let mut out: Vec<String> =
            all.take(NAMED_MAX).map(|line| format!("line {}: \"{}\" is in no step", line + 1, shown(line))).collect();
        if self.count() > NAMED_MAX {
            out.push(format!("{} more items are in no step", self.count() - NAMED_MAX));
        }
        out
    }
}

/// The lines of the work that are in none of the `drafts`.
pub(crate) fn find(document: &Document<'_>, sections: &[Section], drafts: &[Draft]) -> Lost {
    let mut taken = vec![false; document.lines.len()];
    drafts.iter().for_each(|draft| taken[draft.line..=draft.last].fill(true));
    let mut items = Vec::new();
    let mut at = 0;
    // What stands above the list of steps of its own section is an overview of them.
    let holds_drafts = |section: &Section| drafts.iter().any(|draft| section.line < draft.line && draft.line < section.end);
    let lists: Vec<&Section> = sections.iter().filter(|section| prose::names_steps(document, section) && holds_drafts(section)).collect();
    let is_overview = |line: usize, section: &Section| lists.iter().any(|list| line < list.line && list.line < section.end);
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
        if section.is_some_and(|section| holds_work(document, section, is_open_box) && !is_overview(line, section)) {
            items.push(line);
        }
    }
    Lost { items, rows: rows_of_files(document, sections, &taken) }
}

/// Adds the items that are in no step as steps of their own, which keep their place.
pub(crate) fn add(document: &Document<'_>, items: &[usize], drafts: &mut Vec<Draft>) {
    let mut taken = vec![false; document.lines.len()];
    drafts.iter().for_each(|draft| taken[draft.line..=draft.last].fill(true));
    for (at, line) in items.iter().copied().enumerate() {
        let next = items.get(at + 1).copied().unwrap_or(document.lines.len());
        let stop = (line + 1..next).find(|below| taken[*below]).unwrap_or(next);
        let found = entry::entries(document, line, stop, 1, |begun| begun == line);
        drafts.extend(found.into_iter().map(|one| {
            let mut draft = entry::draft(document, one, "", "", clip(document.text(line)));
            draft.mark.keeps_place = true;
            draft
        }));
    }
    drafts.sort_by_key(|draft| draft.line);
}

/// The rows of tables that list a file each which no step speaks of, in sections that may hold work.
fn rows_of_files(document: &Document<'_>, sections: &[Section], taken: &[bool]) -> Vec<usize> {
    let is_row = |line: usize| document.lines[line].kind == Kind::Text && document.text(line).starts_with('|');
    let file = |line: usize| {
        let cell = clip(document.text(line)).trim_start_matches('|').split('|').next().unwrap_or_default();
        let found = paths::find(cell, 2);
        let is_alone =
            |found: &Found| !cell[..found.start].contains(char::is_alphanumeric) && !cell[found.end..].contains(char::is_alphanumeric);
        if found.len() == 1 && is_alone(&found[0]) { found.into_iter().next().map(|found| found.pattern) } else { None }
    };
    let is_work = |line: usize| {
        let at = sections.partition_point(|section| section.line <= line).checked_sub(1);
        at.is_some_and(|at| {
            let title = clip(document.text(sections[at].line)).to_lowercase();
            sections[at].class == Class::Other
                && sections[at].level > 1
                && !sections::holds_no_work(&title)
                && !sections::is_not_now(&title)
        })
    };
    let rows: Vec<usize> = (0..document.lines.len())
        .filter(|line| is_row(*line) && !taken[*line] && file(*line).is_some() && is_work(*line))
        .take(ROWS_MAX)
        .collect();
    if rows.len() < ROWS_MIN {
        return Vec::new();
    }
    let spoken_of: HashSet<_> = (0..document.lines.len())
        .filter(|line| taken[*line])
        .flat_map(|line| document.paths(line, LINE_PATHS_MAX))
        .map(|found| found.pattern.as_str().rsplit('/').next().unwrap_or_default().to_owned())
        .collect();
    let is_free = |line: &usize| file(*line).is_some_and(|file| !spoken_of.contains(file.as_str().rsplit('/').next().unwrap_or_default()));
    let free: Vec<usize> = rows.into_iter().filter(is_free).collect();
    if free.len() < ROWS_MIN { Vec::new() } else { free }
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
    if sections::holds_no_work(&title) || sections::is_not_now(&title) || titles::role_of(&title) == Role::Verify {
        return false;
    }
    match section.class {
        Class::Plan | Class::Step => true,
        Class::Details | Class::Other => is_box,
        Class::Criteria | Class::Writes | Class::Reads | Class::Deliverable | Class::Talk => false,
    }
}
