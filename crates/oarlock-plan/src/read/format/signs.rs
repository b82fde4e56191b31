//! Plans whose headings show by a sign how far each piece of work is: "F3 Love capsules ⬜". Each such heading is a step, whatever it is called.

use crate::read::document::{Document, Heading};
use crate::read::draft::{STEPS_MAX, last_line};
use crate::read::entry::{self, Entry};
use crate::read::format::outline::{Manner, Outline};
use crate::read::label;
use crate::rule;
use crate::text::clip;

/// Signs of what is not done.
pub(super) const OPEN: [&str; 13] = ["🔄", "🚧", "⏳", "⌛", "⬜", "🔲", "📋", "☐", "❌", "⏸", "🔵", "🟡", "🔴"];
/// Signs of what is done.
pub(super) const DONE: [&str; 4] = ["✅", "☑", "✔", "✓"];
/// Fewer headings are no plan.
const HEADINGS_MIN: usize = 3;

/// The steps of such a plan.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    if !rule::is_on(rule::SIGNS) {
        return None;
    }
    let is_open = |heading: &&Heading| state(clip(document.text(heading.line))) == Some(false);
    let level = document.headings.iter().find(is_open)?.level;
    let steps: Vec<&Heading> =
        document.headings.iter().filter(|heading| heading.level == level && state(clip(document.text(heading.line))).is_some()).collect();
    if steps.iter().filter(|heading| is_open(heading)).count() < HEADINGS_MIN || steps.len() > STEPS_MAX {
        return None;
    }
    let mut drafts = Vec::with_capacity(steps.len());
    for heading in steps {
        let text = clip(document.text(heading.line));
        let bare = text.trim_end_matches(|c: char| !c.is_alphanumeric() && !"`)]*".contains(c));
        let label = label::of_heading(bare).filter(|label| !label.rest.is_empty());
        let (kind, id, title) = label.as_ref().map_or(("", "", bare), |label| (label.kind.as_str(), label.id.as_str(), label.rest));
        let one = Entry { line: heading.line, last: last_line(document, heading.line, heading.end) };
        let says_next = || (one.line..=one.last).any(|line| clip(document.text(line)).to_lowercase().contains("next:"));
        let mut draft = entry::draft(document, one, kind, id, title);
        draft.tick = Some(state(text) == Some(true) && !says_next());
        draft.mark.numbers_inside = true;
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Content })
}

/// How far a heading says that its work is: by the sign that it begins with, or that stands near its end.
fn state(text: &str) -> Option<bool> {
    let has = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
    if has(&OPEN) {
        return Some(false);
    }
    has(&DONE).then_some(true)
}
