//! Lists of things to do: boxes below headings that sort them by file, by area or by priority, which binds nothing. Every open box is a step, but
//! for those of sections that are conditions of a release, a record of what is done, or wishes for later.

use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, STEPS_MAX};
use crate::read::entry::{self, Outlined};
use crate::read::format::fields::is_box;
use crate::read::format::outline::{Manner, Outline};
use crate::read::sections::{self, Class};
use crate::text::{clip, plain, words};

/// Fewer boxes are no list.
const BOXES_MIN: usize = 3;
/// The steps of a document that is called a list of things to do.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let title = document.headings.first().map(|heading| clip(document.text(heading.line)).to_lowercase())?;
    let is_called = words::tokens(&title).iter().any(|word| ["todo", "todos"].contains(&word.as_str()))
        || title.contains("to-do")
        || title.contains("to do");
    if is_called { boxes(document) } else { None }
}

/// All outermost boxes of the work.
pub(crate) fn boxes(document: &Document<'_>) -> Option<Outline> {
    let outlined = Outlined::of(document);
    let lower = |heading: usize| outlined.text(heading).to_lowercase();
    let is_out = |line: usize| {
        outlined.above(line).into_iter().any(|heading| {
            let title = lower(heading);
            // A heading that sorts by priority may be about documents or tests, and its boxes are work.
            let sorts = title.starts_with("priority") || title.starts_with('p') && title[1..].starts_with(|c: char| c.is_ascii_digit());
            let is_no_work = sections::holds_no_work(&title) && (!sorts || GATES.iter().any(|word| title.contains(word)));
            is_no_work || sections::is_not_now(&title) || sections::class_of(outlined.text(heading)) == Class::Criteria
        })
    };
    let outer = (0..document.lines.len()).filter(|line| is_box(document, *line)).map(|line| document.lines[line].indent).min()?;
    let begins = |line: usize| is_box(document, line) && document.lines[line].indent <= outer + 1;
    let all = entry::entries(document, 0, document.lines.len(), STEPS_MAX + 1, begins);
    let mut drafts: Vec<Draft> = Vec::new();
    for one in all.into_iter().filter(|one| !is_out(one.line)) {
        let mut draft = entry::draft(document, one, "", "", clip(document.text(one.line)));
        if let Some(heading) = outlined.above(one.line).first() {
            draft.phase = Some(plain(outlined.text(*heading)));
        }
        drafts.push(draft);
    }
    let is_open = |draft: &Draft| matches!(document.lines[draft.line].kind, Kind::Item(_)) && draft.tick == Some(false);
    (drafts.iter().filter(|draft| is_open(draft)).count() >= BOXES_MIN).then_some(Outline { drafts, manner: Manner::Content })
}

/// Conditions of a release, in whatever order of priority.
const GATES: [&str; 5] = ["gate", "criteria", "definition of done", "acceptance", "success"];
