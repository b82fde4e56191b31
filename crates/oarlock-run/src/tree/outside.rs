//! The outside needs of a tree of tasks: whether they can still be done, and whether somebody is there who does them.

use std::collections::BTreeSet;

use oarlock_model::agent::Agent;
use oarlock_model::rules::claim::is_able;
use oarlock_model::rules::fence;
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{AgentName, TaskId, seeded};
use oarlock_ops::owners::Owners;
use oarlock_ops::presence::is_there;
use oarlock_ops::store::{StoreResult, View};

/// Most tasks behind one need that are looked at.
const TASKS_MAX: usize = 10_000;

/// Whether needs from outside will be met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Prospect {
    /// Somebody works on them, or can.
    UnderWay,
    /// One can no longer be done: which, and its state.
    Never(TaskId, &'static str),
    /// Nobody is there who could do these.
    Idle(Vec<TaskId>),
}

/// The active agents that are not of the pool.
#[derive(Debug)]
pub(super) struct Others(Vec<Agent>);

impl Others {
    pub(super) fn there(view: &dyn View, owners: &dyn Owners, pool: &[AgentName]) -> StoreResult<Self> {
        Ok(Self(view.agents()?.into_iter().filter(|agent| !pool.contains(&agent.name) && is_there(owners, agent, view.now())).collect()))
    }

    fn can(&self, task: &Task) -> bool {
        self.0.iter().any(|agent| is_able(&task.spec, agent))
    }
}

/// Whether these needs will be met.
pub(super) fn prospect(view: &dyn View, others: &Others, needs: impl IntoIterator<Item = TaskId>) -> StoreResult<Prospect> {
    let (mut idle, mut is_under_way) = (Vec::new(), false);
    for need in needs {
        let Some(state) = view.task_state(&need)? else { continue };
        let dead_end = match state {
            TaskState::Dead => Some("dead"),
            TaskState::Cancelled => Some("cancelled"),
            _ if view.is_stuck(&need)? => Some("stuck behind a task that is dead or cancelled"),
            _ => None,
        };
        match dead_end {
            Some(_) if seeded::is(seeded::OUTSIDE_DEAD_AWAITED) => is_under_way = true,
            Some(state) => return Ok(Prospect::Never(need, state)),
            None if is_moving(view, others, &need)? => is_under_way = true,
            None => idle.push(need),
        }
    }
    Ok(if idle.is_empty() && is_under_way { Prospect::UnderWay } else { Prospect::Idle(idle) })
}

/// Whether anything that the task waits for, or the task itself, is held or can be taken by somebody else.
fn is_moving(view: &dyn View, others: &Others, id: &TaskId) -> StoreResult<bool> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![id.clone()]);
    while let Some(id) = open.pop() {
        if seen.len() == TASKS_MAX || !seen.insert(id.clone()) {
            continue;
        }
        let Some(task) = view.task(&id)? else { continue };
        let is_moving = match task.state {
            TaskState::Claimed => is_held(view, &task)? || others.can(&task),
            TaskState::Ready | TaskState::Scheduled => others.can(&task),
            TaskState::Blocked => {
                open.extend(view.unmet_needs(&id)?);
                false
            }
            TaskState::Waiting => {
                open.extend(view.open_children(&id, TASKS_MAX)?);
                false
            }
            // A person decides, or it is over.
            TaskState::Review | TaskState::Done | TaskState::Dead | TaskState::Cancelled => false,
        };
        if is_moving {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether its lease has not ended. A holder outside of the store has none that could.
fn is_held(view: &dyn View, task: &Task) -> StoreResult<bool> {
    let Some(grant) = task.holder() else { return Ok(true) };
    let holder = view.agent(&grant.agent)?;
    Ok(fence::holder_facts(grant, holder.as_ref(), view.now()).ttl_ms > 0)
}
