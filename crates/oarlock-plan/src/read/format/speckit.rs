//! GitHub spec-kit: `- [ ] T001 [P] [US1] Description with a path`, in phases. `[P]` lets a task run beside its neighbours, and a task
//! without it runs in order. Source: github/spec-kit, `templates/tasks-template.md` and `templates/commands/implement.md`.

use crate::read::document::{Document, Kind};
use crate::read::draft::STEPS_MAX;
use crate::read::entry::{self, Outlined};
use crate::read::format::fields::is_box;
use crate::read::format::outline::{Manner, Outline};
use crate::read::label;
use crate::text::clip;
use crate::text::titles;

/// Digits of a code: `T001`.
const DIGITS: usize = 2;
/// The `X`s that a template of spec-kit has instead of a number.
const DIGITS_OF_TEMPLATE: usize = 3;

/// The tasks of a spec-kit document.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let text = |line: usize| clip(document.text(line));
    let begins = |line: usize| {
        let is_heading = matches!(document.lines[line].kind, Kind::Heading(level) if level > 1);
        (is_box(document, line) || is_heading) && code_of(text(line)).is_some()
    };
    let all = entry::entries(document, 0, document.lines.len(), STEPS_MAX + 1, begins);
    if all.len() < 2 {
        return None;
    }
    let outlined = Outlined::of(document);
    let is_phase = |heading: usize| label::of_heading(outlined.text(heading)).is_some_and(|label| label.kind == "phase");
    let mut has_marks = false;
    let mut drafts = Vec::with_capacity(all.len());
    for one in all {
        let (code, rest) = code_of(text(one.line))?;
        let (marks, title) = bracketed(rest);
        let mut draft = entry::draft(document, one, "id", &code.to_lowercase(), title);
        draft.mark.beside = marks.iter().any(|mark| mark.eq_ignore_ascii_case("p")) || ends_in_mark(rest);
        let of_story = marks.iter().any(|mark| titles::story_number(mark).is_some());
        let above: Vec<usize> = outlined.above(one.line).into_iter().filter(|heading| outlined.line(*heading) != one.line).collect();
        let phase = above
            .iter()
            .copied()
            .find(|heading| is_phase(*heading))
            .or_else(|| above.iter().rev().copied().find(|heading| document.headings[*heading].level > 1));
        has_marks |= draft.mark.beside || of_story || phase.is_some_and(is_phase);
        draft.mark.part = above.first().map_or(0, |heading| outlined.line(*heading) + 1);
        if let Some(phase) = phase {
            draft.mark.group = outlined.line(phase) + 1;
            draft.mark.story = of_story || titles::is_story(outlined.text(phase));
            draft.phase = Some(crate::text::plain(outlined.text(phase)));
            draft.phase_label =
                label::of_heading(outlined.text(phase)).filter(|label| !label.kind.is_empty()).map(|label| (label.kind, label.id));
        }
        drafts.push(draft);
    }
    // Codes alone are a plain list.
    has_marks.then_some(Outline { drafts, manner: Manner::Marked })
}

/// The code of a task and the text behind it. A template writes three times an X for the number.
fn code_of(text: &str) -> Option<(&str, &str)> {
    let blank = || {
        let behind = text.strip_prefix('T')?.strip_prefix(&"X".repeat(DIGITS_OF_TEMPLATE))?;
        behind.starts_with(' ').then(|| text.split_at(text.len() - behind.len()))
    };
    entry::code(text, 't', DIGITS).or_else(blank)
}

/// The marks in brackets that a text begins with, and the text behind them.
fn bracketed(text: &str) -> (Vec<&str>, &str) {
    let mut marks = Vec::new();
    let mut rest = text;
    while let Some((mark, behind)) = rest.trim_start_matches(['*', ' ']).strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        if mark.len() > 12 || behind.starts_with('(') {
            break;
        }
        marks.push(mark.trim());
        rest = behind;
    }
    (marks, rest.trim_start_matches(['*', ' ', ':']))
}

/// "Create the model [P]".
fn ends_in_mark(text: &str) -> bool {
    text.trim_end_matches(['*', ' ']).ends_with("[P]")
}
