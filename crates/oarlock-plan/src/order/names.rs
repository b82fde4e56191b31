//! What steps and groups of steps are called: codes, numbers, labels of headings, so that a sentence can name them.

use std::collections::HashMap;

use crate::read::document::Document;
use crate::read::entry::{self, Outlined};
use crate::step_info::gather::StepInfo;
use crate::step_info::ordering::{self, Piece};
use crate::step_info::references::RANGE_MAX;
use crate::text::{clip, titles};

/// Words at the beginning of a step among which its marks stand.
const MARKED_WORDS_MAX: usize = 6;
/// Groups of steps: headings beyond them are not looked at.
const GROUPS_MAX: usize = 2_000;

/// A group of steps below a heading.
pub(crate) struct Group {
    /// Its lines.
    line: usize,
    end: usize,
    /// Its steps.
    pub(crate) members: Vec<usize>,
}

/// Steps by all that they are called.
pub(crate) struct Names<'a> {
    steps: &'a [StepInfo],
    by_name: HashMap<(String, String), Vec<usize>>,
    /// Groups by the words and numbers of their labels.
    by_label: HashMap<(String, String), Vec<usize>>,
    /// The headings that some of the steps are below, but not all.
    pub(crate) groups: Vec<Group>,
}

impl<'a> Names<'a> {
    /// Of `steps`, and of the headings that they are below.
    pub(crate) fn new(document: &Document<'_>, steps: &'a [StepInfo]) -> Self {
        let mut by_name: HashMap<(String, String), Vec<usize>> = HashMap::new();
        let mut add = |kind: &str, id: &str, at: usize| {
            let members = by_name.entry((kind.to_owned(), id.to_lowercase())).or_default();
            if members.last() != Some(&at) {
                members.push(at);
            }
        };
        for (at, step) in steps.iter().enumerate() {
            let draft = &step.draft;
            if !draft.id.is_empty() {
                add(&draft.kind, &draft.id, at);
                add("", &draft.id, at);
            }
            let text = clip(document.text(draft.line));
            for code in codes(text) {
                add("", &code, at);
            }
            let marks = text.split_whitespace().take(MARKED_WORDS_MAX).filter(|word| word.starts_with('['));
            if let Some(number) = marks.filter_map(titles::story_number).next() {
                add("", &format!("us{number}"), at);
            }
            if let Some(rest) = text.trim_start_matches(['*', '[', ' ']).strip_prefix('#') {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                if digits > 0 {
                    add("issue", &rest[..digits], at);
                }
            }
        }
        let outlined = Outlined::of(document);
        let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, step) in steps.iter().enumerate() {
            for heading in outlined.above(step.draft.line) {
                groups.entry(heading).or_default().push(at);
            }
        }
        let mut groups: Vec<(usize, Vec<usize>)> = groups.into_iter().collect();
        groups.sort_unstable();
        groups.retain(|(_, members)| members.len() < steps.len());
        groups.truncate(GROUPS_MAX);
        let mut by_label: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (heading, members) in &groups {
            let text = outlined.text(*heading);
            let title = text.split_once(':').map_or(text, |(_, title)| title).trim().to_lowercase();
            let named = ordering::named_groups().filter(|word| title.starts_with(word)).map(|word| ("heading".to_owned(), word.to_owned()));
            for label in labels(text).into_iter().chain(named) {
                by_label.entry(label).or_default().extend(members);
            }
        }
        for members in by_label.values_mut() {
            members.sort_unstable();
            members.dedup();
        }
        let group =
            |(heading, members): (usize, Vec<usize>)| Group { line: outlined.line(heading), end: document.headings[heading].end, members };
        let groups = groups.into_iter().map(group).collect();
        Self { steps, by_name, by_label, groups }
    }

    /// The steps of the innermost heading that a line is below.
    pub(crate) fn group_of_line(&self, line: usize) -> Vec<usize> {
        let group = self.groups.iter().rev().find(|group| group.line < line && line < group.end);
        group.map(|group| group.members.clone()).unwrap_or_default()
    }

    fn of_label(&self, kind: &str, id: &str) -> Vec<usize> {
        self.by_label.get(&(kind.to_owned(), id.to_owned())).cloned().unwrap_or_default()
    }

    /// The steps that a name stands for. A bare number that several lists have names nothing.
    pub(crate) fn of(&self, kind: &str, id: &str) -> Vec<usize> {
        if kind == "heading" {
            return self.of_label(kind, id);
        }
        if kind.is_empty() {
            if let Some(found) = self.by_name.get(&(String::new(), id.to_owned())) {
                let is_plain = id.bytes().all(|b| b.is_ascii_digit());
                return if is_plain && found.len() > 1 { Vec::new() } else { found.clone() };
            }
            // "US2" is user story 2.
            return id.strip_prefix("us").map(|number| self.of_label("story", number)).unwrap_or_default();
        }
        if let Some(found) = self.by_name.get(&(kind.to_owned(), id.to_owned())) {
            return found.clone();
        }
        let group = self.of_label(kind, id);
        if !group.is_empty() {
            return group;
        }
        if ["task", "step", "item", "issue"].contains(&kind) {
            return self.by_name.get(&(String::new(), id.to_owned())).cloned().unwrap_or_default();
        }
        Vec::new()
    }

    /// All from one name to another: groups by their numbers, steps in the order of the document.
    pub(crate) fn between(&self, kind: &str, low: &str, high: &str) -> Vec<Vec<usize>> {
        let numbers = low
            .trim_start_matches(|c: char| c.is_ascii_alphabetic())
            .parse::<u32>()
            .ok()
            .zip(high.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse::<u32>().ok());
        let (low_steps, high_steps) = (self.of(kind, low), self.of(kind, high));
        if low_steps.len() > 1 || high_steps.len() > 1 {
            let letters: String = low.chars().take_while(char::is_ascii_alphabetic).collect();
            let (first, last) = numbers.unwrap_or((0, 0));
            return (first..=last.min(first.saturating_add(RANGE_MAX))).map(|n| self.of(kind, &format!("{letters}{n}"))).collect();
        }
        match (low_steps.first(), high_steps.first()) {
            (Some(first), Some(last)) if first <= last => (*first..=*last).map(|at| vec![at]).collect(),
            _ => vec![low_steps, high_steps],
        }
    }

    /// All of a kind, from the view of the steps that wait for them.
    pub(crate) fn all(&self, kind: &str, subject: &[usize]) -> Vec<usize> {
        if kind == "story" {
            return (0..self.steps.len()).filter(|at| self.steps[*at].draft.mark.story && !subject.contains(at)).collect();
        }
        let first = subject.iter().min().copied().unwrap_or(0);
        (0..first).collect()
    }
}

/// The labels in a heading: "Phase 3: User Story 1 (US1)" has three.
fn labels(text: &str) -> Vec<(String, String)> {
    let name = |piece: Piece| match piece {
        Piece::Name(kind, id) if kind != "heading" => Some((kind, id)),
        _ => None,
    };
    let mut out: Vec<(String, String)> = ordering::pieces(text).into_iter().filter_map(name).take(4).collect();
    let story = out
        .iter()
        .find_map(|(kind, id)| id.strip_prefix("us").filter(|_| kind.is_empty()))
        .map(|number| ("story".to_owned(), number.to_owned()));
    out.extend(story);
    out
}

/// The codes that a step's first line begins with, in lower case: "#362 **T4**: …" has one of its own and an issue's.
fn codes(text: &str) -> Vec<String> {
    let text = text.trim_start_matches(['|', '#', '*', '[', ' ', '`']);
    let mut out = Vec::new();
    for word in text.split_whitespace().take(3) {
        let word = word.trim_matches(['*', '[', ']', ':', '`', '.', ')', '(', '#']);
        let Some(letter) = word.chars().next().filter(char::is_ascii_alphabetic) else { continue };
        let coded = entry::code(word, letter, 1).is_some_and(|(_, rest)| rest.is_empty());
        // "1.2" is the number of a task wherever it begins the line.
        let numbered = out.is_empty() && word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
        let is_story = word.to_ascii_lowercase().starts_with("us");
        if (coded || numbered) && !is_story {
            out.push(word.to_lowercase());
        }
    }
    out
}
