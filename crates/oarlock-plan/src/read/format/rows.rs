//! Tables that are the plan: a column of numbers that rise from 1 and a column that says what to do, in a document whose headings do not say
//! it at greater length. Rows such as "A1" are read elsewhere.

use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, STEPS_MAX};
use crate::read::format::outline::{Manner, Outline};
use crate::read::label;
use crate::read::sections::{self, Class};
use crate::text::{clip, plain};

/// Fewer rows are no plan.
const ROWS_MIN: usize = 3;
/// Tables that are looked at.
const TABLES_MAX: usize = 100;
/// Cells of a row that are looked at.
const CELLS_MAX: usize = 16;
/// Names of the column that numbers the rows.
const NUMBERS: [&str; 8] = ["#", "no", "no.", "nr", "step", "task", "order", "id"];
/// Words of the column that says what to do.
const WORK: [&str; 8] = ["task", "step", "action", "description", "work", "change", "what", "item"];

/// The rows of the first such table that no list of bodies repeats.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    // Looked for first, because most documents have none and sections cost more.
    let begins = |line: usize| is_row(document, line) && (line == 0 || !is_row(document, line - 1));
    let tables: Vec<usize> =
        (0..document.lines.len()).filter(|line| begins(*line) && is_numbered(document, *line)).take(TABLES_MAX).collect();
    if tables.is_empty() || has_bodies(document) {
        return None;
    }
    let sections = sections::sections(document);
    let is_plan = |line: usize| {
        let at = sections.partition_point(|section| section.line <= line);
        at.checked_sub(1).is_some_and(|at| matches!(sections[at].class, Class::Plan | Class::Details | Class::Other))
    };
    let found =
        tables.into_iter().filter(|line| is_plan(*line)).find_map(|line| Some((line, table(document, line, document.lines.len())?)));
    let (line, drafts) = found?;
    let above = sections.partition_point(|section| section.line <= line).checked_sub(1).map(|at| clip(document.text(sections[at].line)));
    // A row says too little to show what it uses: where the table is called an order, it is one.
    let is_order = above.is_some_and(|title| ["sequence", "order"].iter().any(|word| title.to_lowercase().contains(word)));
    Some(Outline { drafts, manner: if is_order { Manner::Chain } else { Manner::Content } })
}

/// Whether headings say what the steps are, with text of their own. Headings of files tell what is done to each file, in any order.
fn has_bodies(document: &Document<'_>) -> bool {
    let is_step = |line: usize| {
        let label = label::of_heading(clip(document.text(line)));
        label.is_some_and(|label| !label.kind.is_empty() && label.kind != "file") && document.paths(line, 1).is_empty()
    };
    document.headings.iter().filter(|heading| is_step(heading.line)).count() > 1
}

fn is_row(document: &Document<'_>, line: usize) -> bool {
    document.lines[line].kind == Kind::Text && document.text(line).starts_with('|')
}

/// Whether a table has a column of numbers, by its head.
fn is_numbered(document: &Document<'_>, line: usize) -> bool {
    cells(document, line).iter().any(|head| NUMBERS.contains(&head.to_lowercase().as_str()))
}

fn cells<'a>(document: &Document<'a>, line: usize) -> Vec<&'a str> {
    let inner = clip(document.text(line)).trim().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').take(CELLS_MAX).map(|cell| cell.trim().trim_matches('*').trim()).collect()
}

fn table(document: &Document<'_>, line: usize, to: usize) -> Option<Vec<Draft>> {
    let heads: Vec<String> = cells(document, line).into_iter().map(str::to_lowercase).collect();
    let number = heads.iter().position(|head| NUMBERS.contains(&head.as_str()))?;
    let is_work = |head: &String| head.split_whitespace().any(|word| WORK.contains(&word.trim_end_matches('s')));
    let work = heads.iter().enumerate().position(|(at, head)| at != number && is_work(head))?;
    let kind = Some(heads[number].as_str()).filter(|head| label::is_label_word(head)).unwrap_or_default();
    let mut out = Vec::new();
    for row in (line + 1..to).take_while(|row| is_row(document, *row)) {
        let cells = cells(document, row);
        let (Some(id), Some(title)) = (cells.get(number), cells.get(work)) else { continue };
        if out.is_empty() && id.chars().all(|c| "-: ".contains(c)) {
            continue;
        }
        // The numbers rise by one: a table of sizes or times has numbers too.
        if *id != (out.len() + 1).to_string() || !title.chars().any(char::is_alphabetic) || out.len() > STEPS_MAX {
            return None;
        }
        out.push(Draft { line: row, last: row, title: plain(title), kind: kind.to_owned(), id: (*id).to_owned(), ..Draft::default() });
    }
    (out.len() >= ROWS_MIN).then_some(out)
}
