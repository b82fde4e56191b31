//! Why a document is not read at all. A document that can be read but not split is no error: its plan says so.

use thiserror::Error;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The document is too large.
    #[error("the document has {bytes} bytes; at most {limit} are read")]
    DocumentTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The document has too many lines.
    #[error("the document has more than {limit} lines")]
    TooManyLines {
        /// The limit.
        limit: usize,
    },
    /// The document has too many headings.
    #[error("the document has more than {limit} headings")]
    TooManyHeadings {
        /// The limit.
        limit: usize,
    },
    /// The document has too many steps.
    #[error("the document has more than {limit} steps; give each phase a document of its own")]
    TooManySteps {
        /// The limit.
        limit: usize,
    },
    /// The document is not text.
    #[error("line {line} of the document has a NUL character; a task document is plain text")]
    NulCharacter {
        /// Number of the line, from 1.
        line: usize,
    },
    /// The parent's identifier has not the form of one.
    #[error("\"{task}\" is no identifier: letters, digits, dot, dash and underscore, a letter or digit first, at most 64")]
    TaskInvalid {
        /// What was given, made safe to show.
        task: String,
    },
    /// The parent's identifier leaves no room for its parts.
    #[error("\"{task}\" is too long for the identifier of a task that is split: at most {limit} characters")]
    TaskTooLong {
        /// What was given.
        task: String,
        /// The limit, in characters.
        limit: usize,
    },
    /// Zero agents.
    #[error("at least one agent is needed")]
    NoAgents,
    /// The limit on parts is outside its range.
    #[error("the number of sub-tasks must be from 1 to {limit}")]
    SubtasksMaxInvalid {
        /// The upper end.
        limit: usize,
    },
}
