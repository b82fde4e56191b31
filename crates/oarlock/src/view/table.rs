//! Columns that line up.

use std::fmt::Write;

use super::{Paint, width};

/// How wide a column may get, in columns of a terminal.
const WIDTH_MAX: usize = 60;

/// A cell: its text, and how it is painted.
pub(crate) struct Cell {
    text: String,
    painted: String,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = cut(text.into());
        Self { painted: text.clone(), text }
    }

    pub(crate) fn painted(text: impl Into<String>, paint: impl Fn(&str) -> String) -> Self {
        let text = cut(text.into());
        Self { painted: paint(&text), text }
    }

    fn width(&self) -> usize {
        width::columns(&self.text)
    }
}

fn cut(text: String) -> String {
    width::cut(text.lines().next().unwrap_or(""), WIDTH_MAX)
}

/// Writes rows under their headings.
pub(crate) fn table(out: &mut String, headings: &[&str], rows: Vec<Vec<Cell>>, paint: Paint) {
    let head = headings.iter().map(|h| Cell::painted(*h, |text| paint.dim(text))).collect();
    let rows: Vec<Vec<Cell>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(Cell::width).max().unwrap_or(0);
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{}{}  ", cell.painted, " ".repeat(width - cell.width()));
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}
