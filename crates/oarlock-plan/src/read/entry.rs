//! Coded lines and boxes with all that is nested below them: what the plans of explicit formats are made of.

use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, last_line};
use crate::text::{clip, plain};

/// A line that begins a unit of work, with the lines below that belong to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Index of its first line.
    pub(crate) line: usize,
    /// Index of its last line.
    pub(crate) last: usize,
}

/// The entries between two lines: each begins where `begins` says so, and goes on up to the next one, a heading, a rule, or a paragraph
/// that is not indented further.
pub(crate) fn entries(document: &Document<'_>, from: usize, to: usize, limit: usize, begins: impl Fn(usize) -> bool) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    let mut line = from;
    while line < to && out.len() < limit {
        if document.lines[line].kind == Kind::Code || !begins(line) {
            line += 1;
            continue;
        }
        let stop = stop_of(document, line, to, &begins);
        out.push(Entry { line, last: last_line(document, line, stop) });
        line = stop;
    }
    out
}

fn stop_of(document: &Document<'_>, line: usize, to: usize, begins: &impl Fn(usize) -> bool) -> usize {
    let own = document.lines[line];
    let heading = if let Kind::Heading(level) = own.kind { Some(level) } else { None };
    let ends = |i: &usize| {
        let below = document.lines[*i];
        match below.kind {
            Kind::Code | Kind::Blank => false,
            Kind::Heading(level) => heading.is_none_or(|own| level <= own) || begins(*i),
            _ if begins(*i) => true,
            Kind::Rule => heading.is_none(),
            // A paragraph, or a list without boxes, behind a blank line.
            Kind::Text | Kind::Item(_) => heading.is_none() && below.indent <= own.indent && document.lines[*i - 1].kind == Kind::Blank,
            Kind::Meta => false,
        }
    };
    (line + 1..to).find(ends).unwrap_or(to)
}

/// The step of an entry: `kind` and `id` are its label, `title` the text behind it.
pub(crate) fn draft(document: &Document<'_>, entry: Entry, kind: &str, id: &str, title: &str) -> Draft {
    let title = plain(title);
    let title = if title.is_empty() { plain(clip(document.text(entry.line))) } else { title };
    Draft {
        line: entry.line,
        last: entry.last,
        title: if title.is_empty() { format!("Step {id}") } else { title },
        kind: kind.to_owned(),
        id: id.to_owned(),
        tick: document.lines[entry.line].tick,
        ..Draft::default()
    }
}

/// The number that a text begins with, such as "2." or "2.1", and the text behind it.
pub(crate) fn number(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(['*', ' ', '~']);
    let length = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let id = text[..length].trim_end_matches('.');
    let counts = !id.is_empty() && id.len() <= 12 && id.starts_with(|c: char| c.is_ascii_digit()) && !id.contains("..");
    let rest = &text[length..];
    let ends = rest.is_empty() || rest.starts_with([' ', ':', ')', '*', '\t', '(']);
    (counts && ends).then(|| (id, rest.trim_start_matches([':', ')', '*', ' ', '\t'])))
}

/// Whether one number is a part of the other: "2.1" of "2", and "1.1" of "1.0".
pub(crate) fn is_part(number: &str, whole: &str) -> bool {
    let whole = whole.strip_suffix(".0").unwrap_or(whole);
    number != whole && number.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'))
}

/// The code that a text begins with, such as "T001" or "T006a" (`letter` in either case), and the text behind it.
pub(crate) fn code(text: &str, letter: char, digits: usize) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(['*', ' ', '`', '~']);
    let inner = text.strip_prefix([letter.to_ascii_uppercase(), letter.to_ascii_lowercase()])?;
    let count = inner.bytes().take_while(u8::is_ascii_digit).count();
    if count < digits || count > 6 {
        return None;
    }
    let tail = &inner[count..];
    let lettered = usize::from(tail.starts_with(|c: char| c.is_ascii_lowercase()) && !tail[1..].starts_with(char::is_alphanumeric));
    let length = 1 + count + lettered;
    let rest = &text[length..];
    (!rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        .then(|| (&text[..length], rest.trim_start_matches(['*', ':', '.', ' ', '`', '-', '–', '—'])))
}

/// The headings of a document, each with the one that it is below.
pub(crate) struct Outlined<'a> {
    document: &'a Document<'a>,
    parents: Vec<Option<usize>>,
}

impl<'a> Outlined<'a> {
    /// Of `document`, in one pass.
    pub(crate) fn of(document: &'a Document<'a>) -> Self {
        let mut open: Vec<usize> = Vec::new();
        let mut parents = Vec::with_capacity(document.headings.len());
        for (at, heading) in document.headings.iter().enumerate() {
            while open.last().is_some_and(|above| document.headings[*above].level >= heading.level) {
                open.pop();
            }
            parents.push(open.last().copied());
            open.push(at);
        }
        Self { document, parents }
    }

    /// The headings that a line is below, or is, as indices in the list of headings: the innermost first.
    pub(crate) fn above(&self, line: usize) -> Vec<usize> {
        let before = self.document.headings.partition_point(|h| h.line <= line);
        std::iter::successors(before.checked_sub(1), |at| self.parents[*at]).take(6).collect()
    }

    /// The text of a heading.
    pub(crate) fn text(&self, heading: usize) -> &'a str {
        clip(self.document.text(self.document.headings[heading].line))
    }

    /// The index of its line.
    pub(crate) fn line(&self, heading: usize) -> usize {
        self.document.headings[heading].line
    }
}
