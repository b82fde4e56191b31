//! What a reader of plans hands on: the steps as they stand in the document, and where they were found.

use crate::read::document::{Document, Kind};

/// Most steps of a document; more is not a plan any more.
pub(crate) const STEPS_MAX: usize = 2_000;

/// A step as it stands in the document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    /// Index of its first line.
    pub(crate) line: usize,
    /// Index of its last line.
    pub(crate) last: usize,
    /// One line without markup.
    pub(crate) title: String,
    /// Word of its label ("phase"), or empty.
    pub(crate) kind: String,
    /// Number or letter of its label, or the number of its list item.
    pub(crate) id: String,
    /// Whether it stands in a list of things to look at.
    pub(crate) looks: bool,
    /// Ticked, open, or no check box.
    pub(crate) tick: Option<bool>,
    /// Title of the phase that it belongs to.
    pub(crate) phase: Option<String>,
    /// Label of that phase.
    pub(crate) phase_label: Option<(String, String)>,
    /// What it consists of.
    pub(crate) items: Vec<Draft>,
}

/// Where the steps were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In a section that says how to work.
    Plan,
    /// Only in the acceptance criteria.
    Criteria,
    /// Only in the list of files to change.
    Files,
}

/// The last line before `stop` that is neither blank nor a rule.
pub(crate) fn last_line(document: &Document<'_>, line: usize, stop: usize) -> usize {
    (line..stop).rev().find(|i| !matches!(document.lines[*i].kind, Kind::Blank | Kind::Rule)).unwrap_or(line)
}
