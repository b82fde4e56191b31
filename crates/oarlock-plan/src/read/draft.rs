//! What a reader of plans hands on: the steps as they stand in the document, and where they were found.

use oarlock_model::pattern::Pattern;

use crate::read::document::{Document, Kind};

/// Most steps of a document; more is not a plan any more.
pub(crate) const STEPS_MAX: usize = 2_000;

/// A step as it stands in the document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    /// Index of its first line.
    pub(crate) line: usize,
    /// Index of its last line.
    pub(crate) last: usize,
    /// One line without markup.
    pub(crate) title: String,
    /// Word of its label ("phase"), or empty.
    pub(crate) kind: String,
    /// Number or letter of its label, or the number of its list item.
    pub(crate) id: String,
    /// Whether it stands in a list of things to look at.
    pub(crate) looks: bool,
    /// Ticked, open, or no check box.
    pub(crate) tick: Option<bool>,
    /// Title of the phase that it belongs to.
    pub(crate) phase: Option<String>,
    /// Label of that phase.
    pub(crate) phase_label: Option<(String, String)>,
    /// What it consists of.
    pub(crate) items: Vec<Draft>,
    /// What its format says of it.
    pub(crate) mark: Mark,
}

/// What the markers of a format say of a step. Prose has none of them, but for headings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its phase, section or parent: the index of that line, plus one. Steps of different groups have different numbers.
    pub(crate) group: usize,
    /// The innermost heading that it is below, in the same way.
    pub(crate) part: usize,
    /// Whether it is marked as one that may run beside its neighbours: `[P]`, `(P)`.
    pub(crate) beside: bool,
    /// Whether its group is a user story, which no other story waits for.
    pub(crate) story: bool,
    /// Whether labels such as "Step 2" inside it number its own pieces.
    pub(crate) numbers_inside: bool,
    /// Whether it has headings of its own below it, in prose too.
    pub(crate) holds_headings: bool,
    /// Files that the format has a field for, and that it writes.
    pub(crate) writes: Vec<Pattern>,
    /// Whether these are all files that it writes, whatever its text speaks of.
    pub(crate) writes_are_all: bool,
    /// Labels of the steps that the format has a field for, and that it waits for; in lower case.
    pub(crate) needs: Vec<String>,
    /// Whether it is an item of the work outside of the list that the others are in: nothing tells what it waits for, so it keeps its place.
    pub(crate) keeps_place: bool,
}

/// Fields of an entry in front matter that hold no text.
const FIELDS_WITHOUT_TEXT: [&str; 4] = ["id:", "status:", "dependencies:", "priority:"];
/// Headings below a phase that make it a list of steps.
const HEADINGS_MIN: usize = 2;

impl Draft {
    /// Notes whether it has headings of its own.
    pub(crate) fn look_for_headings(&mut self, document: &Document<'_>) {
        let below = document.headings.partition_point(|heading| heading.line <= self.line);
        let behind = document.headings.partition_point(|heading| heading.line <= self.last);
        self.mark.holds_headings = behind - below >= HEADINGS_MIN;
    }

    /// Whether a line of it says what it is about: prose, and for a step that stands in front matter or in a fence its lines there.
    pub(crate) fn says(&self, document: &Document<'_>, line: usize) -> bool {
        match document.lines[line].kind {
            Kind::Text | Kind::Item(_) | Kind::Heading(_) => true,
            Kind::Meta if document.lines[self.line].kind == Kind::Meta => {
                let text = document.text(line).trim_start_matches("- ");
                !FIELDS_WITHOUT_TEXT.iter().any(|field| text.starts_with(field))
            }
            // A step that is written in a fence is said there.
            Kind::Code if document.lines[self.line].kind == Kind::Code => !document.text(line).starts_with("```"),
            Kind::Meta | Kind::Code | Kind::Blank | Kind::Rule => false,
        }
    }

    /// Whether it is done: its own box, or where it has none, all the boxes below it, if there are any.
    pub(crate) fn is_done(&self, document: &Document<'_>) -> bool {
        let mut boxes = (self.line..=self.last).filter_map(|line| document.lines[line].tick).peekable();
        self.tick.unwrap_or_else(|| boxes.peek().is_some() && boxes.all(|tick| tick))
    }
}

/// Where the steps were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In a section that says how to work.
    Plan,
    /// Only in the acceptance criteria.
    Criteria,
    /// Only in the list of files to change.
    Files,
}

/// The last line before `stop` that is neither blank nor a rule.
pub(crate) fn last_line(document: &Document<'_>, line: usize, stop: usize) -> usize {
    (line..stop).rev().find(|i| !matches!(document.lines[*i].kind, Kind::Blank | Kind::Rule)).unwrap_or(line)
}
