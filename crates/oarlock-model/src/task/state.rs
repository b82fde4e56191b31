//! The states of a task, by name alone: errors speak of them too, so that they know nothing of errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The nine states of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It waits for tasks it needs.
    Blocked,
    /// It can be claimed.
    Ready,
    /// It can be claimed later: a back-off or a not-before.
    Scheduled,
    /// A session holds it.
    Claimed,
    /// It waits for its children.
    Waiting,
    /// It is done and waits for approval.
    Review,
    /// It is done.
    Done,
    /// It failed or was lost too often: a dead letter.
    Dead,
    /// It was called off.
    Cancelled,
}

impl TaskState {
    /// All states, in the order of their stored numbers.
    pub const ALL: [TaskState; 9] = [
        TaskState::Blocked,
        TaskState::Ready,
        TaskState::Scheduled,
        TaskState::Claimed,
        TaskState::Waiting,
        TaskState::Review,
        TaskState::Done,
        TaskState::Dead,
        TaskState::Cancelled,
    ];

    /// The state in a sentence: "it is claimed", "it is in review".
    pub fn in_sentence(self) -> &'static str {
        if self == TaskState::Review { "in review" } else { self.as_str() }
    }

    /// The state's word in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskState::Blocked => "blocked",
            TaskState::Ready => "ready",
            TaskState::Scheduled => "scheduled",
            TaskState::Claimed => "claimed",
            TaskState::Waiting => "waiting",
            TaskState::Review => "review",
            TaskState::Done => "done",
            TaskState::Dead => "dead",
            TaskState::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen to it by itself. A dead letter is finished: only `requeue` brings it back.
    pub fn is_finished(self) -> bool {
        matches!(self, TaskState::Done | TaskState::Dead | TaskState::Cancelled)
    }

    /// Whether what needs it can never go on unless somebody acts.
    pub fn is_dead_end(self) -> bool {
        matches!(self, TaskState::Dead | TaskState::Cancelled)
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
