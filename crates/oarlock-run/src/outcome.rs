//! The outcome of one attempt, in one word.

use serde::Serialize;

/// The outcome of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The task is done.
    Done,
    /// It is done and waits for approval.
    Submitted,
    /// The attempt failed.
    Failed,
    /// The program gave it back.
    Released,
    /// The program cut it into parts, for which it waits now.
    Split,
    /// It was cancelled meanwhile.
    Cancelled,
    /// Somebody else has it now.
    Lost,
}

impl Outcome {
    /// Its word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Submitted => "submitted",
            Self::Failed => "failed",
            Self::Released => "released",
            Self::Split => "split",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }
}
