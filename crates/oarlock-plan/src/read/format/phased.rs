//! Plans in phases, of no format in particular: headings "Phase 2: …" with boxes or numbered items below them, or with headings that have
//! such lists. A heading whose list names no files is one step, and the list tells what it holds; else each item is one. Phases follow one
//! another, and what is in one of them is ordered by content.

use crate::read::document::{Document, Heading, Kind};
use crate::read::draft::{Draft, STEPS_MAX};
use crate::read::entry::{self, Entry};
use crate::read::format::fields::is_box;
use crate::read::format::outline::{Manner, Outline};
use crate::read::format::signs;
use crate::read::label;
use crate::read::sections::{self, Class};
use crate::rule;
use crate::text::titles;
use crate::text::{clip, plain};

/// Words of a bullet that names a piece of work and does not explain one.
const BULLET_WORDS_MAX: usize = 12;

/// The steps of a plan in phases.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let phases = phases(document);
    if phases.len() < 2 {
        return None;
    }
    let mut drafts = Vec::new();
    let mut with_lists = 0;
    for phase in &phases {
        let found = steps_of(document, phase);
        with_lists += usize::from(!found.is_empty());
        let label = label::of_heading(clip(document.text(phase.line)))?;
        let title = plain(clip(document.text(phase.line)));
        // A phase without a list is one step.
        let found = if found.is_empty() { vec![of_heading(document, phase.line, phase.end)] } else { found };
        for mut draft in found {
            draft.mark.group = phase.line + 1;
            draft.phase = Some(title.clone());
            draft.phase_label = Some((label.kind.clone(), label.id.clone()));
            drafts.push(draft);
        }
        if drafts.len() > STEPS_MAX {
            break;
        }
    }
    (with_lists * 2 > phases.len() && drafts.len() > phases.len()).then_some(Outline { drafts, manner: Manner::Content })
}

/// The headings of the phases: those of the outermost level that have such a label, but for conditions of their end.
fn phases<'a>(document: &'a Document<'_>) -> Vec<&'a Heading> {
    let is_phase = |heading: &&Heading| {
        let label = label::of_heading(clip(document.text(heading.line))).filter(|label| titles::PHASES.contains(&label.kind.as_str()));
        label.is_some_and(|label| sections::class_of(label.rest) != Class::Criteria)
    };
    // The title may have such a label too: "Phase 8 - Task tracking".
    let is_title = |heading: &&Heading| heading.level == 1 && document.headings.first().is_some_and(|first| first.line == heading.line);
    let level = document.headings.iter().filter(is_phase).filter(|heading| !is_title(heading)).map(|heading| heading.level).min();
    document.headings.iter().filter(is_phase).filter(|heading| Some(heading.level) == level).collect()
}

/// The steps below one phase.
fn steps_of(document: &Document<'_>, phase: &Heading) -> Vec<Draft> {
    let first = document.headings.partition_point(|heading| heading.line <= phase.line);
    let below: Vec<&Heading> = document.headings[first..].iter().take_while(|heading| heading.line < phase.end).collect();
    let Some(level) = below.iter().map(|heading| heading.level).min() else {
        return items(document, phase.line + 1, phase.end).into_iter().map(|item| of_item(document, item)).collect();
    };
    let below: Vec<&&Heading> = below.iter().filter(|heading| heading.level == level).collect();
    let opens = below.first().map_or(phase.end, |heading| heading.line);
    let mut out: Vec<Draft> = items(document, phase.line + 1, opens).into_iter().map(|item| of_item(document, item)).collect();
    for heading in below {
        let class = sections::class_of(clip(document.text(heading.line)));
        let list = items(document, heading.line + 1, heading.end);
        if matches!(class, Class::Criteria | Class::Reads | Class::Writes | Class::Deliverable) {
            continue;
        }
        if list.is_empty() {
            // A heading with a number or a file of its own is a step, too; others explain.
            let is_step = label::of_heading(clip(document.text(heading.line))).is_some() || !document.paths(heading.line, 1).is_empty();
            out.extend(is_step.then(|| of_heading(document, heading.line, heading.end)));
            continue;
        }
        let with_files = list.iter().filter(|item| (item.line..=item.last).any(|line| !document.paths(line, 1).is_empty())).count();
        let are_steps = list.len() > 1 && (with_files * 2 > list.len() || has_code(document, &list));
        if are_steps {
            out.extend(list.into_iter().map(|item| of_item(document, item)));
        } else {
            let mut draft = of_heading(document, heading.line, heading.end);
            let signs = list.iter().map(|item| sign(document, item.line)).collect::<Vec<_>>();
            draft.tick = (signs.iter().all(|sign| *sign == Some(true))).then_some(true);
            out.push(draft);
        }
    }
    out
}

/// Whether numbered items explain themselves at length: then each is a piece of work.
fn has_code(document: &Document<'_>, list: &[Entry]) -> bool {
    let is_long = |item: &&Entry| item.last > item.line + 1;
    list.iter().all(|item| matches!(document.lines[item.line].kind, Kind::Item(Some(_))))
        && list.iter().filter(is_long).count() * 2 > list.len()
}

/// The outermost boxes, numbered items, or items with a sign of their state, between two lines.
fn items(document: &Document<'_>, from: usize, to: usize) -> Vec<Entry> {
    let is_clear = |line: usize| {
        let numbered = matches!(document.lines[line].kind, Kind::Item(Some(_)));
        numbered || is_box(document, line) || (matches!(document.lines[line].kind, Kind::Item(None)) && sign(document, line).is_some())
    };
    // Bullets are steps where a phase has nothing else, if they begin with what is to be done.
    let bullets = (from..to).filter(|line| matches!(document.lines[*line].kind, Kind::Item(None)) && document.lines[*line].indent < 2);
    let (mut count, mut orders) = (0, 0);
    bullets.for_each(|line| {
        count += 1;
        orders += usize::from(titles::begins_with_deed(clip(document.text(line))));
    });
    let has_clear = (from..to).any(|line| document.lines[line].kind != Kind::Code && is_clear(line));
    // "**Component 2: Store**" between them is a step of another kind, and the bullets are its details.
    let is_labelled = |line: usize| {
        let bold = document.text(line).strip_prefix("**").filter(|_| document.lines[line].kind == Kind::Text);
        bold.is_some_and(|bold| label::of_heading(clip(bold)).is_some())
    };
    // A document whose phases have nothing but short bullets means these.
    let are_short = || {
        let bullets = (from..to).filter(|line| matches!(document.lines[*line].kind, Kind::Item(None)) && document.lines[*line].indent < 2);
        rule::is_on(rule::BULLETS)
            && count > 1
            && bullets.into_iter().all(|line| clip(document.text(line)).split_whitespace().count() <= BULLET_WORDS_MAX)
            && (from..to).all(|line| matches!(document.lines[line].kind, Kind::Item(_) | Kind::Blank | Kind::Rule))
    };
    let takes_bullets = !has_clear && !(from..to).any(is_labelled) && count > 0 && (orders * 3 >= count * 2 || are_short());
    let counts = |line: usize| is_clear(line) || (takes_bullets && matches!(document.lines[line].kind, Kind::Item(None)));
    let outer =
        (from..to).filter(|line| document.lines[*line].kind != Kind::Code && counts(*line)).map(|line| document.lines[line].indent).min();
    let begins = |line: usize| counts(line) && Some(document.lines[line].indent) <= outer.map(|outer| outer + 1);
    entry::entries(document, from, to, STEPS_MAX + 1, begins)
}

/// Whether an item is done, by its box or by the sign that it begins with.
fn sign(document: &Document<'_>, line: usize) -> Option<bool> {
    if let Some(tick) = document.lines[line].tick {
        return Some(tick);
    }
    let text = document.text(line);
    let begins = |signs: &[&str]| signs.iter().any(|sign| text.starts_with(sign));
    if begins(&signs::OPEN) {
        return Some(false);
    }
    begins(&signs::DONE).then_some(true)
}

fn of_item(document: &Document<'_>, item: Entry) -> Draft {
    let text = clip(document.text(item.line)).trim_start_matches(|c: char| !c.is_alphanumeric() && !"`[(*_\"'".contains(c));
    let label = label::of_heading(text.trim_start_matches('*')).filter(|label| !label.kind.is_empty() && !label.rest.is_empty());
    let own = match document.lines[item.line].kind {
        Kind::Item(Some(number)) => number.to_string(),
        _ => entry::number(text).map_or_else(String::new, |(id, _)| id.to_owned()),
    };
    let (kind, id, title) = match &label {
        Some(label) => (label.kind.as_str(), label.id.as_str(), label.rest),
        None => ("", own.as_str(), entry::number(text).map_or(text, |(_, rest)| rest)),
    };
    let mut draft = entry::draft(document, item, kind, id, title);
    draft.tick = sign(document, item.line);
    draft
}

fn of_heading(document: &Document<'_>, line: usize, end: usize) -> Draft {
    let text = clip(document.text(line));
    let label = label::of_heading(text).filter(|label| label.rest.chars().any(char::is_alphanumeric));
    let (kind, id, title) = label.as_ref().map_or(("", "", text), |label| (label.kind.as_str(), label.id.as_str(), label.rest));
    let last = crate::read::draft::last_line(document, line, end);
    let mut draft = entry::draft(document, Entry { line, last }, kind, id, title);
    draft.mark.numbers_inside = true;
    draft
}
