//! Columns that line up: laid out by comfy-table, painted afterwards, so that colours have no width.

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, ContentLineStyle, Row, Table, TableStyle};
use oarlock_picture::width;
use std::fmt::Write;

use super::Paint;

/// How wide a column may get, in columns of a terminal.
const WIDTH_MAX: usize = 60;

/// The separator of the cells of a line until they are painted. No cell has it: see [`super::safe`].
const SEPARATOR: char = '\u{1f}';

/// Nothing but the separator.
const STYLE: TableStyle =
    NOTHING.header_lines(ContentLineStyle::none().junction(SEPARATOR)).content_lines(ContentLineStyle::none().junction(SEPARATOR));

/// A cell: its text, and how it is painted.
pub(crate) struct Cell {
    text: String,
    look: Look,
}

/// How a cell is painted.
enum Look {
    Plain,
    Heading,
    Bold,
    /// As something in this state.
    State(String),
}

impl Cell {
    /// A plain cell with the first line of a text.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self::looking(text.as_ref(), Look::Plain)
    }

    /// A cell with what its row is found by.
    pub(crate) fn bold(text: impl AsRef<str>) -> Self {
        Self::looking(text.as_ref(), Look::Bold)
    }

    /// A cell with the name of a state.
    pub(crate) fn state(state: impl AsRef<str>) -> Self {
        Self::in_state(state.as_ref(), state.as_ref())
    }

    /// A cell in the colour of a state.
    pub(crate) fn in_state(state: &str, text: &str) -> Self {
        Self::looking(text, Look::State(state.to_owned()))
    }

    fn looking(text: &str, look: Look) -> Self {
        Self { text: width::cut(text.lines().next().unwrap_or(""), WIDTH_MAX), look }
    }

    /// The cell's text, or what a narrow terminal has left of it, in its colours.
    fn painted(&self, shown: &str, paint: Paint) -> String {
        match &self.look {
            Look::Plain => shown.to_owned(),
            Look::Heading => paint.dim(shown),
            Look::Bold => paint.bold(shown),
            Look::State(state) => paint.as_state(state, shown),
        }
    }
}

/// Writes rows under their headings. On a terminal that is too narrow for them, all columns but the first, which names the row, are cut.
pub(crate) fn table(out: &mut String, headings: &[&str], rows: Vec<Vec<Cell>>, paint: Paint) {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(columns) = paint.columns {
        table.set_width(columns);
    }
    let head = headings.iter().map(|heading| Cell::looking(heading, Look::Heading)).collect();
    let rows: Vec<Vec<Cell>> = std::iter::once(head).chain(rows).collect();
    for row in &rows {
        let mut texts = Row::from(row.iter().map(|cell| &cell.text));
        texts.max_height(1);
        table.add_row(texts);
    }
    for (n, column) in table.column_iter_mut().enumerate() {
        // A space and the separator stand between two columns.
        column.set_padding((0, 1));
        if n == 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    for (line, row) in table.lines().zip(&rows) {
        let mut painted = String::new();
        for (shown, cell) in line.split(SEPARATOR).zip(row) {
            let text = shown.trim_end();
            let _ = write!(painted, "{}{} ", cell.painted(text, paint), &shown[text.len()..]);
        }
        let _ = writeln!(out, "{}", painted.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(columns: Option<u16>, colour: bool) -> Vec<String> {
        let mut out = String::new();
        let row = |id: &str, state: &str, title: &str| vec![Cell::bold(id), Cell::state(state), Cell::new(title)];
        let rows = vec![
            row("T-1", "ready", "Write the reader of plans, and its tests"),
            row("T-200", "claimed", "日本語の計画を読む仕事, 👨\u{200d}👩\u{200d}👧"),
        ];
        table(&mut out, &["TASK", "STATE", "TITLE"], rows, Paint { colour, columns });
        out.lines().map(str::to_owned).collect()
    }

    #[test]
    fn columns_line_up_by_what_a_terminal_shows() {
        let plain = [
            "TASK   STATE    TITLE",
            "T-1    ready    Write the reader of plans, and its tests",
            "T-200  claimed  日本語の計画を読む仕事, 👨\u{200d}👩\u{200d}👧",
        ];
        assert_eq!(lines(None, false), plain);
        assert_eq!(lines(Some(200), false), plain);
        let painted = lines(None, true);
        assert_eq!(painted[1], "\u{1b}[1mT-1\u{1b}[0m    \u{1b}[32mready\u{1b}[0m    Write the reader of plans, and its tests");
    }

    #[test]
    fn a_narrow_terminal_cuts_all_but_the_name_of_the_row() {
        for columns in [30, 20, 12] {
            let lines = lines(Some(columns), false);
            assert_eq!(lines.len(), 3, "a row is a line: {lines:?}");
            assert!(lines.iter().all(|line| width::columns(line) <= usize::from(columns)), "{columns}: {lines:?}");
            assert!(lines[1].starts_with("T-1 ") && lines[2].starts_with("T-200 ") && lines[2].ends_with('…'), "{lines:?}");
        }
    }
}
