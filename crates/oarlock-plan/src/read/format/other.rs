//! Formats that are only recognised by a mark: Backlog.md, Cursor and RALF, and task-master, PRP and issues where their own readers find no
//! tasks. Their steps are read from a table of coded rows, else as prose.

use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, STEPS_MAX};
use crate::read::entry;
use crate::read::format::outline::{Format, Manner, Outline};
use crate::read::format::{backlog, changes, cursor, phased, roadmap, rows, signs, todo};
use crate::text::{clip, plain, words};

/// The format of a document that no reader took, and its steps where a table lists them.
pub(super) fn read(document: &Document<'_>) -> (Format, Option<Outline>) {
    let format = named(document);
    let outline = match format {
        Format::Plain => {
            of_no_format(document).or_else(|| signs::read(document)).or_else(|| roadmap::read(document)).or_else(|| todo::read(document))
        }
        _ => of_tables(document).or_else(|| changes::read(document)),
    };
    (format, outline)
}

/// The steps of a document by forms that no format has for itself: tables of steps, phases, and headings of files.
pub(super) fn of_no_format(document: &Document<'_>) -> Option<Outline> {
    of_tables(document).or_else(|| phased::read(document)).or_else(|| changes::read(document))
}

fn of_tables(document: &Document<'_>) -> Option<Outline> {
    table_rows(document).or_else(|| rows::read(document))
}

fn named(document: &Document<'_>) -> Format {
    let front = |key: &str| document.front_matter(key).is_some();
    let has = |mark: &str| (0..document.lines.len().min(400)).any(|line| document.raw(line).contains(mark));
    let title = document.headings.first().map_or("", |heading| document.text(heading.line));
    if backlog::is_task(document) {
        Format::Backlog
    } else if cursor::list_of_todos(document).is_some() {
        Format::Cursor
    } else if has("```yaml") && has("CREATE ") && title.contains("PRP") {
        Format::Prp
    } else if title.starts_with("TASK-")
        || title.starts_with("SUBTASK-")
        || (has("**Status:**") && has("## Objective") && has("**Priority:**"))
    {
        Format::Ralf
    } else if front("github") || title.starts_with("Epic:") || (has("- [ ] #") || has("Complete these issues first")) {
        Format::Issues
    } else if document
        .lines
        .iter()
        .position(|line| line.kind != Kind::Blank)
        .is_some_and(|line| document.raw(line).trim_start().starts_with('{'))
    {
        Format::TaskMaster
    } else {
        Format::Plain
    }
}

/// Rows of tables whose first column has codes such as A1 and B2, in a document that has no boxes.
fn table_rows(document: &Document<'_>) -> Option<Outline> {
    if document.lines.iter().any(|line| line.tick.is_some()) {
        return None;
    }
    let code = |line: usize| {
        let text = clip(document.text(line));
        let mut cells = text.strip_prefix('|')?.split('|');
        let id = cells.next()?.trim().trim_matches(['*', '`']);
        let title = cells.next()?.trim();
        let letter = id.chars().next().filter(char::is_ascii_alphabetic)?;
        let (code, rest) = entry::code(id, letter, 1)?;
        (document.lines[line].kind == Kind::Text && rest.is_empty() && title.chars().any(char::is_alphabetic)).then_some((code, title))
    };
    let mut rows = Vec::new();
    let mut is_step_table = false;
    for line in 0..document.lines.len() {
        let in_table = document.lines[line].kind == Kind::Text && document.text(line).starts_with('|');
        let begins = in_table && (line == 0 || !document.text(line - 1).starts_with('|'));
        if begins {
            let heads = words::tokens(&clip(document.text(line)).to_lowercase());
            is_step_table = heads.iter().any(|head| ["step", "task", "action", "todo", "work"].contains(&head.trim_end_matches('s')));
        }
        if in_table && is_step_table && rows.len() <= STEPS_MAX && code(line).is_some() {
            rows.push(line);
        }
    }
    if rows.len() < 3 {
        return None;
    }
    let mut drafts: Vec<Draft> = Vec::new();
    for line in rows {
        let (id, title) = code(line)?;
        if drafts.iter().any(|draft| draft.id.eq_ignore_ascii_case(id)) {
            continue;
        }
        drafts.push(Draft { line, last: line, title: plain(title), kind: "id".to_owned(), id: id.to_lowercase(), ..Draft::default() });
    }
    (drafts.len() >= 3).then_some(Outline { drafts, manner: Manner::Content })
}
