//! The minutes that a document states for a step: in brackets on its first line, or in a field right below it.

use crate::read::document::Document;
use crate::read::draft::Draft;
use crate::text::clip;
use crate::text::durations::{minutes_in, minutes_of_field};

/// The minutes that the document states for a step: its own, else the sum of those of its items when each states some.
pub(crate) fn of_draft(document: &Document<'_>, draft: &Draft) -> Option<u64> {
    let of_items = || draft.items.iter().map(|item| stated(document, item.line, item.last)).sum::<Option<u64>>();
    stated(document, draft.line, draft.last).or_else(|| if draft.items.is_empty() { None } else { of_items() })
}

/// Minutes in brackets on the first line of a step that ends at `last`, or in a field right below it.
pub(crate) fn stated(document: &Document<'_>, line: usize, last: usize) -> Option<u64> {
    let text = clip(document.text(line));
    let in_brackets = text.split('(').skip(1).find_map(|part| {
        let inner = part.split(')').next().unwrap_or("").trim_start_matches(['~', ' ', '≈']);
        inner.starts_with(|c: char| c.is_ascii_digit() || c == 'e' || c == 'E').then(|| minutes_in(inner)).flatten()
    });
    in_brackets.or_else(|| {
        (line..(last + 1).min(line + 4)).find_map(|i| {
            let text = clip(document.text(i)).to_lowercase();
            let (name, value) = text.split_once(':')?;
            let name = name.trim_matches(['*', ' ', '-']);
            let field = ["estimate", "estimated", "effort", "duration", "time", "estimated time", "estimated effort", "estimated minutes"];
            (i > line && field.contains(&name)).then(|| minutes_of_field(value.trim_matches(['*', ' ']))).flatten()
        })
    })
}
