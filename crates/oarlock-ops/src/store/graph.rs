//! Parts and needs of tasks.

use oarlock_model::TaskId;
use oarlock_model::rules::urgency::{Around, Number, Waiter};
use oarlock_model::task::TaskState;
use std::collections::BTreeSet;

use super::{AtRest, ClosedPart, Near, StoreResult, TaskNode};

/// Reading what tasks are to each other: parts, needs, and what follows from them.
pub trait GraphView {
    /// The children of a task in the order of creation.
    fn children(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// The children that a task waits for: not done and not dropped, at most `limit`, in no certain order.
    fn open_children(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>>;
    /// The task and its parts at any depth, with their states, in the order of creation; nothing when there is no such task.
    fn tree(&self, id: &TaskId) -> StoreResult<Vec<(TaskId, TaskState)>>;
    /// The task and the parts at any depth that it waits for: not done and not dropped, nor below such a one. In the order of creation.
    fn open_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// The tasks that need this one.
    fn dependants(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// Where a task is: less work than reading all of it.
    fn node(&self, id: &TaskId) -> StoreResult<Option<TaskNode>>;
    /// The number of a task, by which [`oarlock_model::rules::urgency`] walks the graph.
    fn task_number(&self, id: &TaskId) -> StoreResult<Option<Number>>;
    /// The facts about the task with this number that its priority follows from, with its parts and what it needs, in no certain order.
    fn around(&self, task: Number) -> StoreResult<Option<Around>>;
    /// The same without its parts.
    fn above(&self, task: Number) -> StoreResult<Option<Around>>;
    /// Pairs of one of these tasks and a task that needs it, in any order.
    fn dependants_of(&self, tasks: &[Number]) -> StoreResult<Vec<(Number, Number)>>;
    /// Those of these tasks that there are, as far as the urgency of what they need follows from them, in no certain order.
    fn waiters(&self, tasks: &[Number]) -> StoreResult<Vec<Waiter>>;
    /// The parts of a task in the same way.
    fn waiting_parts(&self, task: Number) -> StoreResult<Vec<Waiter>>;
    /// The unfinished needs of this task and of the tasks above it, by id.
    fn unmet_needs(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// The same for many tasks: pairs of a task and what it waits for, by the id of that.
    fn unmet_needs_of(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, TaskId)>>;
    /// The parts of those of these tasks that wait for none of them any more, in the order of creation.
    fn closed_parts(&self, ids: &[&TaskId]) -> StoreResult<Vec<ClosedPart>>;
    /// The unfinished work before this task: its needs, those of the tasks above it, and its parts.
    fn waits_for(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// A task, its parts or its dependants, in the order of creation, with what decides where each rests once all of `done` are done. Only
    /// needs of their own count as unmet, not those of the tasks above them.
    fn at_rest(&self, near: Near<'_>, done: &[TaskId]) -> StoreResult<Vec<AtRest>>;
    /// The ready ones among a task and its parts at any depth, in the order of their place.
    fn ready_in_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// Unfinished tasks that wait, directly or not, for a dead or cancelled one.
    fn stuck_tasks(&self, limit: usize) -> StoreResult<BTreeSet<TaskId>>;
    /// The dead or cancelled tasks that this task waits for, directly or not, in the order of creation.
    fn dead_ends(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>>;
    /// Whether this task waits, directly or not, for a dead or cancelled one.
    fn is_stuck(&self, id: &TaskId) -> StoreResult<bool>;
}
