//! How a task is in the store, for the files to show.

use oarlock_model::AgentName;
use oarlock_model::task::TaskState;

/// How a task is in the store, for the files to show.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DisplayedState {
    /// Nobody has it.
    Open,
    /// An agent has it since then, in milliseconds since 1970.
    Claimed(AgentName, i64),
    /// Its parts are worked on, and not the task itself.
    Split,
    /// It is done.
    Done,
    /// It was called off.
    Cancelled,
    /// It failed too often.
    Failed,
}

impl DisplayedState {
    /// How a task is that has ended in the store; nothing for all others.
    pub(crate) fn of_end(state: TaskState) -> Option<Self> {
        match state {
            TaskState::Done => Some(Self::Done),
            TaskState::Cancelled => Some(Self::Cancelled),
            TaskState::Dead => Some(Self::Failed),
            _ => None,
        }
    }
}
