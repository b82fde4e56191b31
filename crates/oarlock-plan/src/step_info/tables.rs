//! Tables that say what each step needs: a row for a step, a column for its dependencies.

use crate::read::document::{Document, Kind};
use crate::read::label;
use crate::step_info::references::{self, Statements, Target};
use crate::text::words;
use crate::text::{clip, plain};

/// Most rows that are read.
const ROWS_MAX: usize = 500;
/// Cells of a row that are looked at.
const CELLS_MAX: usize = 16;

/// What a table says of one step.
#[derive(Debug)]
pub(crate) struct Row {
    /// The step, by the ways the row names it: the first that fits counts.
    pub(crate) names: Vec<Target>,
    /// What it needs.
    pub(crate) statements: Statements,
    /// The same as a sentence of names, which may be those of groups: "US3 depends on US1 + US2".
    pub(crate) sentence: String,
}

/// The rows of all tables of `document` that have a column for dependencies.
pub(crate) fn rows(document: &Document<'_>) -> Vec<Row> {
    let mut out = Vec::new();
    let mut column = None;
    for i in 0..document.lines.len() {
        let text = document.text(i);
        if document.lines[i].kind != Kind::Text || !text.starts_with('|') {
            column = None;
            continue;
        }
        if out.len() == ROWS_MAX {
            break;
        }
        let cells = cells(clip(text));
        let is_head = document.lines.get(i + 1).is_some_and(|next| next.kind == Kind::Text) && is_underline(clip(document.text(i + 1)));
        if is_head {
            column = cells
                .iter()
                .position(|cell| references::is_field_name(&cell.to_lowercase()))
                .filter(|_| cells.iter().any(|cell| lists_steps(cell)));
        } else if let Some(column) = column
            && !is_underline(clip(text))
            && let Some(needs) = cells.get(column)
        {
            let names: Vec<Target> = cells
                .iter()
                .enumerate()
                .filter(|(k, cell)| *k != column && !cell.is_empty())
                .flat_map(|(_, cell)| names_of(cell))
                .collect();
            let subject = cells.iter().enumerate().find(|(k, cell)| *k != column && cell.contains(|c: char| c.is_alphanumeric()));
            let subject = subject.map_or("", |(_, cell)| cell.as_str());
            let sentence = format!("{} depends on {}", words::without_parentheses(subject), words::without_parentheses(needs));
            out.push(Row { names, statements: references::of_field(&needs.to_lowercase()), sentence });
        }
    }
    out
}

/// Whether a column of this name holds steps: a table of crates has dependencies too.
fn lists_steps(cell: &str) -> bool {
    let name = cell.to_lowercase();
    name == "#"
        || name.split_whitespace().any(|word| {
            ["step", "task", "phase", "id", "item", "component", "milestone", "part", "work", "story", "group", "issue", "feature", "epic"]
                .contains(&word)
        })
}

/// The cells of a line such as `| a | b |`, markup off.
fn cells(text: &str) -> Vec<String> {
    let inner = text.trim().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').take(CELLS_MAX).map(|cell| plain(cell.trim())).collect()
}

fn is_underline(text: &str) -> bool {
    text.starts_with('|') && text.contains("--") && text.chars().all(|c| "|-: ".contains(c))
}

/// "1. Extend the queue" by its label and by its title, "2" by its number.
fn names_of(cell: &str) -> Vec<Target> {
    let number = cell.trim_start_matches('#');
    if !number.is_empty() && number.len() <= 4 && number.bytes().all(|b| b.is_ascii_digit()) {
        return vec![Target::Labelled(String::new(), number.to_owned())];
    }
    let label = label::of_heading(cell).map(|l| Target::Labelled(l.kind, l.id));
    // One letter and cells such as "15 min" name nothing.
    let named = (cell.chars().filter(|c| c.is_alphabetic()).count() > 3).then(|| Target::Named(cell.to_lowercase()));
    label.into_iter().chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step_info::references::Statement;

    #[test]
    fn rows_say_what_steps_need() {
        let source = "| Step | Time | Dependencies |\n|------|---:|---|\n| 1. Read it | 5 min | None |\n| 2 | 5 min | Step 1 |\n| **Total** | 10 | |\n\n| A | B |\n|---|---|\n| 1 | 2 |\n";
        let rows = rows(&Document::read(source).expect("small"));
        let step = |n: &str| Target::Labelled("step".to_owned(), n.to_owned());
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].names[0], Target::Labelled(String::new(), "1".to_owned()));
        assert!(rows[0].statements.declared && rows[0].statements.list.is_empty());
        assert_eq!(rows[1].statements.list, [Statement::Needs(step("1"))]);
        assert!(!rows[2].statements.declared, "an empty cell says nothing");
    }

    #[test]
    fn odd_tables_are_no_tables() {
        for source in ["|", "|||\n|--|", "| depends on |", "| depends on |\n|--|\n|", "|-|-|\n|-|-|\n|-|-|"] {
            let _ = rows(&Document::read(source).expect("small"));
        }
    }
}
