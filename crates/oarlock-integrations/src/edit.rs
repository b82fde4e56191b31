//! Editing a file that belongs to somebody else: text is only ever inserted, so that taking it out again gives back the bytes that
//! were there.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Text that was inserted, and where: a byte offset in the text as it was at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insertion {
    /// The byte offset.
    pub at: usize,
    /// The inserted text.
    pub text: String,
}

/// A text with insertions, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edited {
    /// The text with them.
    pub text: String,
    /// The inserted texts, oldest first.
    pub insertions: Vec<Insertion>,
}

impl Edited {
    /// A text that nothing was inserted into yet.
    pub fn of(text: &str) -> Self {
        Self { text: text.to_owned(), insertions: Vec::new() }
    }

    /// Inserts `text` at a byte offset, which must be on a character's boundary.
    pub fn insert(&mut self, at: usize, text: String) {
        self.text.insert_str(at, &text);
        self.insertions.push(Insertion { at, text });
    }
}

/// Takes insertions out again. Where the text was changed in the meantime each is looked for elsewhere; nothing when one is not there
/// any more as it was, or could be one of several.
pub fn undo(text: &str, insertions: &[Insertion]) -> Option<String> {
    let mut text = text.to_owned();
    for insertion in insertions.iter().rev() {
        let stands = |at: usize| text.get(at..).is_some_and(|rest| rest.starts_with(&insertion.text));
        let at = if stands(insertion.at) {
            insertion.at
        } else {
            let mut found = text.match_indices(&insertion.text);
            match (found.next(), found.next()) {
                (Some((at, _)), None) => at,
                _ => return None,
            }
        };
        text.replace_range(at..at + insertion.text.len(), "");
    }
    Some(text)
}

/// How the lines of a text end.
pub fn newline_of(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Why a file cannot be edited: the fault and its line, from 1; zero where no place is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditError {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The problem.
    pub message: String,
}

impl EditError {
    /// An error at a byte offset of a text.
    pub fn at(text: &str, at: usize, message: impl Into<String>) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        Self { line, column, message: message.into() }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for EditError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_where_it_moved_to() {
        let mut edited = Edited::of("one\nthree\n");
        edited.insert(4, "two\n".into());
        assert_eq!(edited.text, "one\ntwo\nthree\n");
        assert_eq!(undo("zero\none\ntwo\nthree\n", &edited.insertions).as_deref(), Some("zero\none\nthree\n"));
        assert_eq!(undo("one\nTWO\nthree\n", &edited.insertions), None);
        assert_eq!(undo("zero\ntwo\none\ntwo\n", &edited.insertions), None, "either could be it");
    }

    #[test]
    fn lines_end_as_the_first_one_does() {
        assert_eq!((newline_of("a\r\nb\n"), newline_of("a\nb\r\n"), newline_of("a")), ("\r\n", "\n", "\n"));
    }
}
