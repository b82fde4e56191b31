//! Twin sections: neighbouring sections of a list of work whose titles differ in one name only, such as "2. Update GraphManager" and "3. Update
//! PodManager". They do the same to two things, so that neither waits for the other, unless one speaks of the other's name.

use crate::step_info::gather::StepInfo;
use crate::step_info::identifiers;
use crate::text::words;

/// More sections are not compared with each other's names.
const SECTIONS_MAX: usize = 200;

/// A section: its steps, and the words of its title.
struct Section {
    steps: std::ops::Range<usize>,
    /// As they stand, without numbers.
    words: Vec<String>,
}

/// For each step the number of its section, and that of the first section of the row of twins that this one is in.
pub(crate) fn of(steps: &[StepInfo]) -> (Vec<usize>, Vec<Option<usize>>) {
    let (mut section_of, mut twins_of) = none(steps.len());
    let sections = sections(steps);
    if sections.len() < 2 || sections.len() > SECTIONS_MAX {
        return (section_of, twins_of);
    }
    let mut row: Vec<usize> = Vec::new();
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for (at, section) in sections.iter().enumerate() {
        section_of[section.steps.clone()].fill(at);
        let joins = row.iter().all(|other| own_words(&sections[*other].words, &section.words).is_some()) && !row.is_empty();
        if !joins {
            rows.push(std::mem::take(&mut row));
        }
        row.push(at);
    }
    rows.push(row);
    for row in rows.into_iter().filter(|row| row.len() > 1) {
        let apart = row.iter().all(|one| row.iter().all(|two| one == two || !speaks_of(steps, &sections[*one], &sections[*two])));
        if apart {
            row.iter().for_each(|at| twins_of[sections[*at].steps.clone()].fill(Some(row[0])));
        }
    }
    (section_of, twins_of)
}

/// The same where there are no such sections.
pub(crate) fn none(count: usize) -> (Vec<usize>, Vec<Option<usize>>) {
    (vec![0; count], vec![None; count])
}

fn sections(steps: &[StepInfo]) -> Vec<Section> {
    let mut out: Vec<Section> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let begins = at == 0 || steps[at - 1].draft.phase != step.draft.phase || steps[at - 1].draft.mark.group != step.draft.mark.group;
        match out.last_mut() {
            Some(last) if !begins => last.steps.end = at + 1,
            _ => out.push(Section { steps: at..at + 1, words: title_words(step) }),
        }
    }
    out
}

/// The words of a section's title without its number.
fn title_words(step: &StepInfo) -> Vec<String> {
    let title = words::without_parentheses(step.draft.phase.as_deref().unwrap_or(""));
    let word = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    title.split_whitespace().map(word).filter(|word| word.contains(char::is_alphabetic)).collect()
}

/// The one word in which each of two titles differs from the other, if these are names of code.
fn own_words<'a>(one: &'a [String], two: &'a [String]) -> Option<(&'a str, &'a str)> {
    if one.len() < 2 || one.len() != two.len() {
        return None;
    }
    let mut differ = one.iter().zip(two).filter(|(a, b)| a != b);
    let (a, b) = differ.next().filter(|(a, b)| identifiers::is_name(a) && identifiers::is_name(b))?;
    differ.next().is_none().then_some((a, b))
}

/// Whether a step of the second section has the name of the first in its title.
fn speaks_of(steps: &[StepInfo], one: &Section, two: &Section) -> bool {
    let Some((name, _)) = own_words(&one.words, &two.words) else { return true };
    steps[two.steps.clone()].iter().any(|step| step.draft.title.contains(name))
}
