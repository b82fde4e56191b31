//! One edit of a TOML document, brought back into the text that the document was read from.
//!
//! `toml_edit` keeps comments and layout, but it does not print every document as it was: lines end in a line feed alone, the last line gets an end,
//! a byte order mark is lost, and a table whose dotted keys are written in several places is printed in one. An edited document is therefore
//! never written as a whole. Printed before and after the edit, it shows the text that the edit puts in or takes away, and only that text changes.

use std::ops::Range;

use toml_edit::{Document, DocumentMut};

use crate::edit::{EditError, newline_of};

/// A range of a text, in bytes, and the text that replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Splice {
    /// The bytes that go.
    pub(super) range: Range<usize>,
    /// The text that comes.
    pub(super) text: String,
}

impl Splice {
    /// Puts the splice into the text that it was made for.
    pub(super) fn apply(self, text: &mut String) {
        text.replace_range(self.range, &self.text);
    }

    /// The same removal without the empty lines and comment lines at its beginning: those were not Oarlock's.
    pub(super) fn but_comments(mut self, text: &str) -> Self {
        let is_foreign = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
        self.range.start += text[self.range.clone()].split_inclusive('\n').take_while(is_foreign).map(str::len).sum::<usize>();
        self
    }
}

/// The document of a text.
///
/// # Errors
/// Text that is not TOML, with the place.
pub(super) fn read(text: &str) -> Result<Document<String>, EditError> {
    Document::parse(text.to_owned())
        .map_err(|error| EditError::at(text, error.span().map_or(0, |span| span.start), error.message().to_owned()))
}

/// The change of the text that corresponds to an edit of its document; nothing when the edit changes nothing.
///
/// # Errors
/// Text that is not TOML. Text whose lines `toml_edit` would print in another order: it is not edited at all.
pub(super) fn splice(text: &str, edit: impl FnOnce(&mut DocumentMut)) -> Result<Option<Splice>, EditError> {
    let mut document = read(text)?.into_mut();
    let before = document.to_string();
    edit(&mut document);
    let after = document.to_string();
    if before == after {
        return Ok(None);
    }
    let moved =
        |at| EditError::at(text, at, "the keys of one table are written in several places, and editing would move them; put them together");
    let places = places(text, &before).map_err(moved)?;
    let (range, new) = difference(&before, &after);
    let is_behind_open_line = range.start == before.len() && !text.is_empty() && !text.ends_with('\n');
    let new = match new.strip_suffix('\n') {
        Some(new) if is_behind_open_line => format!("\n{new}"),
        _ => new.to_owned(),
    };
    let splice = Splice { range: places[range.start]..places[range.end], text: new.replace('\n', newline_of(text)) };
    // The new text must say what the edited document says.
    let mut spliced = text.to_owned();
    splice.clone().apply(&mut spliced);
    match (data(&spliced), data(&after)) {
        (Some(made), Some(meant)) if made == meant => Ok(Some(splice)),
        _ => Err(EditError::at(text, splice.range.start, "this part of the file cannot be edited without changing other parts")),
    }
}

/// Where each byte of a printed document, and its end, is in the text that it was read from.
///
/// # Errors
/// The place in the text from which on the document is printed differently.
fn places(text: &str, printed: &str) -> Result<Vec<usize>, usize> {
    let bytes = text.as_bytes();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut places = Vec::with_capacity(printed.len() + 1);
    places.push(at);
    for (index, byte) in printed.bytes().enumerate() {
        while byte != b'\r' && bytes.get(at) == Some(&b'\r') {
            at += 1;
        }
        match bytes.get(at) {
            Some(found) if *found == byte => at += 1,
            // The last line was not ended.
            None if byte == b'\n' && index + 1 == printed.len() => {}
            _ => return Err(at.min(text.len())),
        }
        places.push(at);
    }
    if at == text.len() { Ok(places) } else { Err(at) }
}

/// The one range of a text in which another differs, and what the other has there. Whole lines where there is a choice.
fn difference<'a>(before: &str, after: &'a str) -> (Range<usize>, &'a str) {
    let shorter = before.len().min(after.len());
    let from_end = |n: &usize| before.as_bytes()[before.len() - 1 - n] == after.as_bytes()[after.len() - 1 - n];
    let mut suffix = (0..shorter).take_while(from_end).count();
    while !before.is_char_boundary(before.len() - suffix) || !after.is_char_boundary(after.len() - suffix) {
        suffix -= 1;
    }
    let from_start = |n: &usize| before.as_bytes()[*n] == after.as_bytes()[*n];
    let mut start = (0..shorter - suffix).take_while(from_start).count();
    while !before.is_char_boundary(start) || !after.is_char_boundary(start) {
        start -= 1;
    }
    let (old, new) = (start..before.len() - suffix, start..after.len() - suffix);
    // Text that was only added, or only removed, can be one of several ranges when what follows repeats how it begins.
    let (longer, window) = if old.is_empty() { (after, new.clone()) } else { (before, old.clone()) };
    if !old.is_empty() && !new.is_empty() {
        return (old, &after[new]);
    }
    let bytes = longer.as_bytes();
    let can_move = |by: &usize| *by == 0 || bytes.get(window.end + by - 1) == Some(&bytes[window.start + by - 1]);
    let is_whole_lines = |by: &usize| {
        let (start, end) = (window.start + by, window.end + by);
        (start == 0 || bytes[start - 1] == b'\n') && bytes[end - 1] == b'\n'
    };
    let by = (0..=suffix).take_while(can_move).find(is_whole_lines).unwrap_or(0);
    (old.start + by..old.end + by, &after[new.start + by..new.end + by])
}

/// All that a text says, without its layout.
fn data(text: &str) -> Option<serde_json::Value> {
    toml_edit::de::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str) -> Result<String, EditError> {
        let mut made = text.to_owned();
        let splice = splice(text, |document| document["t"]["new"] = toml_edit::value(1))?;
        splice.expect("a change").apply(&mut made);
        Ok(made)
    }

    fn removed(text: &str) -> Result<String, EditError> {
        let mut made = text.to_owned();
        let take = |document: &mut DocumentMut| {
            document["t"].as_table_like_mut().and_then(|table| table.remove("new"));
        };
        splice(text, take)?.expect("a change").apply(&mut made);
        Ok(made)
    }

    #[test]
    fn all_bytes_beside_the_edit_stay_as_they_were() {
        for (text, with) in [
            ("[t]\r\na = 1\nb = 2\r\n\r\n# c\n[u]\r\n", "[t]\r\na = 1\nb = 2\r\nnew = 1\r\n\r\n# c\n[u]\r\n"),
            ("[t]\na = \"\"\"x\r\ny\n\"\"\"\n", "[t]\na = \"\"\"x\r\ny\n\"\"\"\nnew = 1\n"),
            ("\u{feff}[t]\n\tnet  =  1 # é\n[u]", "\u{feff}[t]\n\tnet  =  1 # é\nnew = 1\n[u]"),
            ("[t]\n\"é\" = 1\n", "[t]\n\"é\" = 1\nnew = 1\n"),
            ("[u.v]\n[t.x]\na = 1\n[u]\n[t]\n# none\n", "[u.v]\n[t.x]\na = 1\n[u]\n[t]\nnew = 1\n# none\n"),
            ("t.a = 1 # one\n\n[[u]]\n[[u]]\n", "t.a = 1 # one\nt.new = 1\n\n[[u]]\n[[u]]\n"),
        ] {
            assert_eq!(added(text).as_deref(), Ok(with), "{text:?}");
            assert_eq!(removed(with).as_deref(), Ok(text), "{with:?}");
        }
        // The last line gets an end only when another follows.
        assert_eq!(added("[t]\r\na = 1").as_deref(), Ok("[t]\r\na = 1\r\nnew = 1"));
        assert_eq!(added("[t]").as_deref(), Ok("[t]\nnew = 1"));
    }

    #[test]
    fn a_difference_is_of_whole_characters_and_whole_lines() {
        assert_eq!(difference("aéb", "aèb"), (1..3, "è"));
        assert_eq!(difference("aé", "aèé"), (1..1, "è"));
        assert_eq!(difference("a\nb\nb\n", "a\nb\n"), (2..4, ""));
        assert_eq!(difference("x = 1\nx2 = 3\n", "x = 1\nx = 2\nx2 = 3\n"), (6..6, "x = 2\n"));
    }

    #[test]
    fn a_text_whose_lines_would_move_is_not_edited() {
        let text = "t.a = 1\nb = 2\nt.c = 3\n";
        let error = added(text).expect_err("the keys of t are printed together");
        assert_eq!((error.line, error.column), (2, 1), "{error}");
        assert!(splice(text, |_| ()).expect("TOML").is_none());
    }
}
