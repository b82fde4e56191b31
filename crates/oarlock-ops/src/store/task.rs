//! Tasks and their holders.

use oarlock_model::landing::{BranchName, Landing};
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{AgentName, SessionId, TaskId};

use super::{Counts, StoreResult};

/// Which tasks to list; every absent part admits all.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// In one of these states; empty admits all.
    pub states: Vec<TaskState>,
    /// Children of this task.
    pub parent: Option<TaskId>,
    /// Held by this agent, or last granted to it when finished.
    pub agent: Option<AgentName>,
    /// With this text in id, title or body, whatever its case.
    pub search: Option<String>,
    /// Created after the task with this number.
    pub after_seq: u64,
    /// At most this many.
    pub limit: usize,
    /// No more once their texts have this many bytes; the first always comes.
    pub bytes_max: usize,
}

/// A submission on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedLanding {
    /// The task.
    pub task: TaskId,
    /// Its target branch; absent until a queue takes it.
    pub onto: Option<BranchName>,
    /// The submission.
    pub landing: Landing,
}

/// The outcome of the tasks of a target branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LandingCounts {
    /// Tasks that have landed.
    pub landed: u64,
    /// Tasks whose last submission was refused.
    pub refused: u64,
}

/// Reading tasks, and who holds them.
pub trait TaskView {
    /// The tasks that a session holds, oldest grant first; intents are not among them.
    fn claims_of(&self, session: &SessionId) -> StoreResult<Vec<TaskId>>;
    /// The same for many sessions, with the session of each.
    fn claims_of_all(&self, sessions: &[&SessionId]) -> StoreResult<Vec<(SessionId, TaskId)>>;
    /// The first tasks that a session holds or has an intent for, at most `limit`: what ends with the session.
    fn first_held_by(&self, session: &SessionId, limit: usize) -> StoreResult<Vec<TaskId>>;
    /// How many they are.
    fn claim_count(&self, session: &SessionId) -> StoreResult<usize>;
    /// The task with this id.
    fn task(&self, id: &TaskId) -> StoreResult<Option<Task>>;
    /// The tasks with these ids, in their order. No more once their texts have `bytes_max` bytes; the first always comes.
    fn tasks_with(&self, ids: &[&TaskId], bytes_max: usize) -> StoreResult<Vec<Task>>;
    /// The results of those of these tasks that have one, in no certain order.
    fn results_of(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, String)>>;
    /// The state of the task with this id: less work than reading all of it.
    fn task_state(&self, id: &TaskId) -> StoreResult<Option<TaskState>>;
    /// The grant that holds a task now: less work than reading all of it.
    fn running_grant(&self, id: &TaskId) -> StoreResult<Option<Grant>>;
    /// The grants of those of these tasks that are held, in no certain order.
    fn running_grants(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, Grant)>>;
    /// The number the next task gets.
    fn next_task_seq(&self) -> StoreResult<u64>;
    /// The tasks that were made from the document with this path, oldest first.
    fn tasks_of_file(&self, file: &str) -> StoreResult<Vec<TaskId>>;
    /// Tasks in the order of creation.
    fn tasks(&self, filter: &TaskFilter) -> StoreResult<Vec<Task>>;
    /// Whether the session was ever granted the task.
    fn was_granted(&self, task: &TaskId, session: &SessionId) -> StoreResult<bool>;
    /// How many tasks are in each state.
    fn counts(&self) -> StoreResult<Counts>;
    /// The submissions on their way to this target branch, and those that have none yet, oldest first, at most `limit`.
    fn queued_landings(&self, onto: &BranchName, limit: usize) -> StoreResult<Vec<QueuedLanding>>;
    /// The target branches of unfinished tasks, by name.
    fn landing_targets(&self) -> StoreResult<Vec<BranchName>>;
    /// How many tasks with this target have landed, and of how many the last submission was refused.
    fn landing_counts(&self, onto: &BranchName) -> StoreResult<LandingCounts>;
    /// Tasks that somebody outside of the store has, or had last without finishing them, in the order of creation, at most `limit`.
    fn outside_tasks(&self, limit: usize) -> StoreResult<Vec<Task>>;
}
