//! Facts in the shapes of tasks that come from other rows, read at once for all tasks of a page.

use oarlock_model::agent::Agent;
use oarlock_model::rules::liveness;
use oarlock_model::rules::resting::may_have_unmet_needs;
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{AgentName, Now, TaskId};
use std::collections::{BTreeMap, BTreeSet};

use crate::store::{StoreResult, TaskView, View, agents_by_name};
use crate::task::parts::{Finished, Parts};

/// Whether a task in this state can be stuck.
fn may_be_stuck(task: &Task) -> bool {
    matches!(task.state, TaskState::Blocked | TaskState::Waiting)
}

/// Whether the task's own state allows that it waits for others: a task that can be claimed, now or at its time, does not wait.
fn may_wait(task: &Task) -> bool {
    let is_past_that = task.state.is_finished() || matches!(task.state, TaskState::Ready | TaskState::Scheduled);
    !is_past_that && may_have_unmet_needs(task)
}

/// The one who joins the parts of a task sees their results.
pub(crate) fn may_join(task: &Task) -> bool {
    matches!(task.state, TaskState::Ready | TaskState::Claimed)
}

/// The facts about the tasks of a page that are stored elsewhere.
pub(crate) struct Related {
    stuck: BTreeSet<TaskId>,
    unmet_needs: BTreeMap<TaskId, Vec<TaskId>>,
    holders: BTreeMap<AgentName, Agent>,
    parts: Finished,
}

impl Related {
    /// Of a single task, whose result is read together with those of its parts.
    pub(crate) fn to_one(view: &dyn View, now: Now, task: &Task) -> StoreResult<Self> {
        let is_stuck = may_be_stuck(task) && view.is_stuck(&task.id)?;
        let stuck = is_stuck.then(|| task.id.clone()).into_iter().collect();
        let reads_parts = |task: &Task| may_join(task) || matches!(task.state, TaskState::Review | TaskState::Done);
        Self::read(view, now, std::slice::from_ref(task), stuck, reads_parts)
    }

    /// Of the tasks of a list.
    pub(crate) fn to_all(view: &dyn View, now: Now, tasks: &[Task]) -> StoreResult<Self> {
        let stuck = if tasks.iter().any(may_be_stuck) { view.stuck_tasks(usize::MAX)? } else { BTreeSet::new() };
        Self::to_listed(view, now, tasks, stuck)
    }

    /// The same, where it is known which of them are stuck.
    pub(crate) fn to_listed(view: &dyn View, now: Now, tasks: &[Task], stuck: BTreeSet<TaskId>) -> StoreResult<Self> {
        Self::read(view, now, tasks, stuck, may_join)
    }

    fn read(view: &dyn View, now: Now, tasks: &[Task], stuck: BTreeSet<TaskId>, reads_parts: impl Fn(&Task) -> bool) -> StoreResult<Self> {
        let ids = |is_asked: &dyn Fn(&Task) -> bool| -> Vec<&TaskId> {
            tasks.iter().filter(|task| is_asked(task)).map(|task| &task.id).collect()
        };
        let mut unmet_needs: BTreeMap<TaskId, Vec<TaskId>> = BTreeMap::new();
        let waiting = ids(&may_wait);
        if !waiting.is_empty() {
            for (task, need) in view.unmet_needs_of(&waiting)? {
                unmet_needs.entry(task).or_default().push(need);
            }
        }
        // Renewed at this very moment, no heartbeat can be later: those holders need not be read.
        let grants = tasks.iter().filter_map(Task::holder).filter(|grant| !liveness::is_renewed_now(grant, now));
        let names: BTreeSet<&AgentName> = grants.map(|grant| &grant.agent).collect();
        Ok(Self { stuck, unmet_needs, holders: agents_by_name(view, names)?, parts: Finished::of(view, &ids(&reads_parts))? })
    }

    /// Whether the task waits for a dead or cancelled one.
    pub(super) fn is_stuck(&self, task: &TaskId) -> bool {
        self.stuck.contains(task)
    }

    /// The unfinished needs of the task and of the tasks above it, each once.
    pub(super) fn take_unmet_needs(&mut self, task: &TaskId) -> Vec<TaskId> {
        self.unmet_needs.remove(task).unwrap_or_default()
    }

    /// How long a grant still holds, in milliseconds.
    pub(super) fn ttl_ms(&self, now: Now, grant: &Grant) -> i64 {
        liveness::grant_ttl_ms(grant, self.holders.get(&grant.agent), now)
    }

    /// The parts of the task, once all of them are finished; empty where it is not shown with them.
    pub(super) fn parts(&mut self, view: &dyn TaskView, task: &TaskId) -> StoreResult<Parts> {
        Ok(self.parts.joined(view, task)?.unwrap_or_default())
    }
}
