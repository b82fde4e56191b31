//! What readers of formats share: lists of files behind a field, and boxes that are leaves.

use oarlock_model::pattern::Pattern;

use crate::read::document::{Document, Kind};
use crate::read::entry::{self, Entry};
use crate::text::clip;

/// Files of one field that are taken.
const FILES_MAX: usize = 40;

/// Whether a line is a box: a list item that can be ticked.
pub(super) fn is_box(document: &Document<'_>, line: usize) -> bool {
    matches!(document.lines[line].kind, Kind::Item(_)) && document.lines[line].tick.is_some()
}

/// The first paths of the lines from `first` to `last`, one a line, or several where they are joined by commas.
pub(super) fn files(document: &Document<'_>, first: usize, last: usize) -> Vec<Pattern> {
    let mut out: Vec<Pattern> = Vec::new();
    for line in first..=last.min(document.lines.len().saturating_sub(1)) {
        let text = clip(document.text(line));
        let found = document.paths(line, FILES_MAX);
        let mut end = None;
        for path in found {
            // Behind a dash comes what is done to the file.
            let between = end.map(|end: usize| text.get(end..path.start).unwrap_or(""));
            let joined = between.is_none_or(|between| ["", ",", "and", "&", "+", "/"].contains(&between.trim().trim_matches('`')));
            if !joined || out.len() >= FILES_MAX {
                break;
            }
            end = Some(path.end);
            if !out.contains(&path.pattern) {
                out.push(path.pattern);
            }
        }
    }
    out
}

/// The boxes below `begins`-lines that have no boxes of their own below them. A box with plain lines of its own before its first inner box,
/// or with a file in its text, is work itself.
pub(super) fn leaves(document: &Document<'_>, all: &[Entry], is_child: impl Fn(&Entry, &Entry) -> bool) -> Vec<Entry> {
    let mut out = Vec::with_capacity(all.len());
    for (at, entry) in all.iter().enumerate() {
        let has_child = all.get(at + 1).is_some_and(|next| is_child(entry, next));
        let has_own_lines = (entry.line + 1..=entry.last).any(|i| !matches!(document.lines[i].kind, Kind::Blank | Kind::Rule | Kind::Meta));
        let names_file = || !document.paths(entry.line, 1).is_empty();
        if !has_child || has_own_lines || names_file() {
            out.push(*entry);
        }
    }
    out
}

/// The number of a box or a numbered heading, and the text behind it.
pub(super) fn number_of<'a>(document: &Document<'a>, line: usize) -> Option<(&'a str, &'a str)> {
    entry::number(clip(document.text(line)))
}
