//! What is wrong with a given plan, each problem at its place.

/// Most problems that are reported.
pub(crate) const PROBLEMS_MAX: usize = 100;
/// What to do about two parts that may write one file at once.
pub(crate) const APART: &str = "make one depend on the other, or divide the files";

/// One thing that is wrong with a given plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `subtasks[1].depends_on[0]`, or `line 3, column 7` of text that is no JSON.
    pub place: String,
    /// What is wrong, one line.
    pub message: String,
    /// How to mend it, where that is not plain from the message.
    pub hint: Option<String>,
}

/// The problems found so far, at most [`PROBLEMS_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// In the order in which they were found.
    pub(crate) list: Vec<Problem>,
}

impl Problems {
    /// Adds one, if there is room.
    pub(crate) fn add(&mut self, place: impl Into<String>, message: impl Into<String>, hint: Option<&str>) {
        if self.list.len() < PROBLEMS_MAX {
            self.list.push(Problem { place: place.into(), message: message.into(), hint: hint.map(str::to_owned) });
        }
    }
}
