//! Small reads of tasks, for places where reading all of them would be too much.

use oarlock_model::TaskId;
use oarlock_model::rules::resting::RestingFacts;
use oarlock_model::task::TaskState;

/// Which tasks to read, by one that is known.
#[derive(Clone, Copy, Debug)]
pub enum Near<'a> {
    /// This one.
    Task(&'a TaskId),
    /// Its parts.
    PartsOf(&'a TaskId),
    /// The tasks that need it.
    DependantsOf(&'a TaskId),
}

/// A task, as far as it takes to say where it rests.
#[derive(Clone, Debug)]
pub struct AtRest {
    /// The task.
    pub id: TaskId,
    /// The task that it is a part of.
    pub parent: Option<TaskId>,
    /// Its state.
    pub state: TaskState,
    /// The facts that decide where it rests, apart from the needs of the tasks above it.
    pub facts: RestingFacts,
}

/// The relations of a task to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskNode {
    /// Its state.
    pub state: TaskState,
    /// Its priority.
    pub priority: u8,
    /// The task that it is a part of.
    pub parent: Option<TaskId>,
}

/// A part of a task that waits for none of its parts any more, without its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedPart {
    /// The task that it is a part of.
    pub parent: TaskId,
    /// The part.
    pub id: TaskId,
    /// Its title.
    pub title: String,
    /// Whether it is done; else it was dropped.
    pub is_done: bool,
    /// Bytes of its result.
    pub result_bytes: usize,
}
