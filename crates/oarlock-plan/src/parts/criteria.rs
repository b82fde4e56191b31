//! Acceptance criteria and the parts that they concern: those that name a part's file or its work are its own, those that name no
//! part's are for all.

use std::collections::HashSet;

use crate::plan::{Plan, Subtask};
use crate::read::document::{Document, Kind};
use crate::read::name;
use crate::read::sections::{Class, Section};
use crate::text::words::naming_stems;
use crate::text::{clip, name_of};

/// Most criteria that are looked at.
const CRITERIA_MAX: usize = 300;
/// A file that both name counts as so many words.
const FILE_WEIGHT: usize = 8;
/// Fewer words in common may be chance.
const SCORE_MIN: usize = 2;

/// The criteria of one part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    /// Those that speak of it.
    pub(crate) own: Vec<&'a str>,
    /// Those that speak of no part in particular.
    pub(crate) common: Vec<&'a str>,
}

/// What tells of a part: words of its steps, names of its files.
struct Known {
    stems: HashSet<String>,
    files: Vec<String>,
}

impl Known {
    fn of(plan: &Plan, part: &Subtask, about: &[String]) -> Self {
        let titles = plan.steps.iter().filter(|step| part.steps.contains(&step.n)).map(|step| step.title.as_str());
        let files: Vec<String> = part.writes.iter().map(|path| file_name(path).to_owned()).collect();
        let stems = titles.chain(files.iter().map(String::as_str)).flat_map(naming_stems).filter(|stem| !about.contains(stem)).collect();
        Self { stems, files }
    }

    fn score(&self, stems: &[String], files: &[String]) -> usize {
        let named = files.iter().filter(|file| self.files.contains(file)).count();
        named * FILE_WEIGHT + stems.iter().filter(|stem| self.stems.contains(*stem)).count()
    }
}

/// The criteria of a document, sorted by the parts of a plan that they concern.
#[derive(Debug, Default)]
pub(crate) struct Criteria<'a> {
    /// Each with the places of its parts in the plan; none where it speaks of no part in particular.
    list: Vec<(&'a str, Vec<usize>)>,
}

impl<'a> Criteria<'a> {
    /// Sorts the criteria of `document` by the parts of `plan`.
    pub(crate) fn of(document: &Document<'a>, sections: &[Section], plan: &Plan) -> Self {
        let criteria = criteria(document, sections);
        if criteria.is_empty() {
            return Self::default();
        }
        let about = name::title_of(document).map(|title| naming_stems(&title)).unwrap_or_default();
        let known: Vec<Known> = plan.subtasks.iter().map(|part| Known::of(plan, part, &about)).collect();
        let sorted = |(first, last): (usize, usize)| {
            let stems: Vec<String> = (first..=last).flat_map(|i| naming_stems(clip(document.text(i)))).collect();
            let paths = (first..=last).flat_map(|i| document.paths(i, 8));
            let files: Vec<String> = paths.map(|path| file_name(path.pattern.as_str()).to_owned()).collect();
            let scores: Vec<usize> = known.iter().map(|known| known.score(&stems, &files)).collect();
            let best = scores.iter().copied().max().filter(|best| *best >= SCORE_MIN);
            let parts = (0..scores.len()).filter(|part| Some(scores[*part]) == best).collect();
            (document.slice(first, last), parts)
        };
        Self { list: criteria.into_iter().map(sorted).collect() }
    }

    /// Those for the part with this place in the plan.
    pub(crate) fn for_part(&self, part: usize) -> Found<'a> {
        let mut found = Found::default();
        for (text, parts) in &self.list {
            if parts.is_empty() {
                found.common.push(text);
            } else if parts.contains(&part) {
                found.own.push(text);
            }
        }
        found
    }
}

fn file_name(path: &str) -> &str {
    name_of(path.trim_end_matches("/**"))
}

/// First and last line of each criterion: an item with what is nested in it, or a line of text.
fn criteria(document: &Document<'_>, sections: &[Section]) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    let mut past = 0;
    for section in sections.iter().filter(|s| s.class == Class::Criteria && s.own_class) {
        let mut base = None;
        for i in (section.line + 1).max(past)..section.end {
            let line = document.lines[i];
            match line.kind {
                Kind::Blank | Kind::Rule | Kind::Meta | Kind::Heading(_) => base = None,
                Kind::Item(_) | Kind::Text | Kind::Code if base.is_some_and(|base| line.indent > base) || line.kind == Kind::Code => {
                    if let Some(last) = out.last_mut().filter(|(_, last)| last + 1 == i) {
                        last.1 = i;
                    }
                }
                Kind::Item(_) | Kind::Text | Kind::Code if out.len() < CRITERIA_MAX => {
                    base = Some(line.indent);
                    out.push((i, i));
                }
                Kind::Item(_) | Kind::Text | Kind::Code => {}
            }
        }
        past = past.max(section.end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::options::Options;
    use crate::read::sections;
    use crate::task_text::split;

    #[test]
    fn criteria_go_to_the_parts_they_speak_of() {
        let source = "# Tides\n\n## Approach\n1. Create the station parser in `parse.rs`\n2. Create the chart renderer in `draw.rs`\n\n\
                      ## Acceptance criteria\n- [ ] `parse.rs` refuses\n  damaged lines\n- [ ] The chart renderer draws a year\n- [ ] No warnings\n";
        let plan = split(source, &Options::new("T")).expect("a plan");
        let document = Document::read(source).expect("small");
        let sections = sections::sections(&document);
        let criteria = Criteria::of(&document, &sections, &plan);
        let found: Vec<Found<'_>> = (0..plan.subtasks.len()).map(|part| criteria.for_part(part)).collect();
        let common = vec!["- [ ] No warnings"];
        assert_eq!(found[0], Found { own: vec!["- [ ] `parse.rs` refuses\n  damaged lines"], common: common.clone() });
        assert_eq!(found[1], Found { own: vec!["- [ ] The chart renderer draws a year"], common });
    }
}
