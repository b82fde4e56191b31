//! The places where two branches would conflict, as events and notices name them. Git finds them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Lines of a file, counted from 1, both included; as JSON `[first, last]`. Where `last` is before `first` there are none: something was removed
/// before the line `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "(u32, u32)", into = "(u32, u32)")]
#[schemars(with = "(u32, u32)")]
pub struct LineRange {
    /// The first line.
    pub first: u32,
    /// The last line.
    pub last: u32,
}

impl From<(u32, u32)> for LineRange {
    fn from((first, last): (u32, u32)) -> Self {
        Self { first, last }
    }
}

impl From<LineRange> for (u32, u32) {
    fn from(range: LineRange) -> Self {
        (range.first, range.last)
    }
}

impl fmt::Display for LineRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = self;
        if last < first {
            write!(f, "before {first}")
        } else if first == last {
            write!(f, "{first}")
        } else {
            write!(f, "{first}-{last}")
        }
    }
}

/// A place in a file that two tasks change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConflictHunk {
    /// The lines before both changes.
    pub base: LineRange,
    /// The lines of the first task.
    pub ours: LineRange,
    /// The lines of the second task.
    pub theirs: LineRange,
}

/// A file in which two tasks conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConflictFile {
    /// Its path.
    pub path: String,
    /// The places; none for a file without lines to compare: binary, deleted or renamed on one side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hunks: Vec<ConflictHunk>,
}
