//! Why no work can go on in a worktree.

use std::fmt;

use crate::program::GitFailed;

/// Whom a refusal concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// The task: this attempt fails, and the agent can work on another task.
    Task,
    /// The task, whose id no attempt can make a branch of: it fails for good, and the agent can work on another task.
    Name,
    /// The agent's worktree, or the repository: no task can be worked on in it.
    Worktree,
}

/// Why no work can go on in a worktree: what happened, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The fault, with paths and branches.
    pub message: String,
    /// The next step.
    pub hint: String,
    /// Whom it concerns.
    pub concern: Concern,
}

impl Refusal {
    /// A refusal that concerns the task alone.
    pub(crate) fn of_task(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), concern: Concern::Task }
    }

    /// A refusal that concerns every task of this worktree.
    pub(crate) fn of_worktree(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), concern: Concern::Worktree }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// Git failed where nothing else is known about it.
impl From<GitFailed> for Refusal {
    fn from(failed: GitFailed) -> Self {
        Self::of_worktree(format!("git failed: {failed}"), "fix the problem that git names, then start again; no work is lost")
    }
}
