//! The effect of a new or finished need on the parts of a task: parts wait for the needs of the tasks above them.

use std::collections::{BTreeMap, HashMap, HashSet};

use oarlock_model::rules::change::to_inform;
use oarlock_model::rules::resting::resting;
use oarlock_model::task::{Resting, TaskState};
use oarlock_model::{SessionId, TaskId, seeded};

use crate::OpError;
use crate::context::Deciding;
use crate::store::{AtRest, Near};

/// The effect of a new need on the parts of a task, at any depth.
#[derive(Default)]
pub(crate) struct Reached {
    /// Parts that could be claimed, now or later, and wait from now on.
    pub(crate) blocked: Vec<TaskId>,
    /// Parts that stay held, with the sessions to inform.
    pub(crate) notify: BTreeMap<TaskId, SessionId>,
}

/// The effect on its parts of a need of `root` that is not done.
pub(crate) fn reached(cx: &Deciding<'_>, root: &TaskId) -> Result<Reached, OpError> {
    let mut reached = Reached::default();
    let parts_of = |id: &TaskId| cx.view().at_rest(Near::PartsOf(id), &[]);
    let mut open = parts_of(root)?;
    // A damaged store can have a task below itself.
    let mut seen = HashSet::new();
    while let Some(AtRest { id, state, .. }) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        match state {
            TaskState::Ready | TaskState::Scheduled => reached.blocked.push(id),
            // None of these has parts that could be claimed.
            TaskState::Blocked | TaskState::Review | TaskState::Done => {}
            state => {
                if state == TaskState::Claimed
                    && let Some(session) = to_inform(&cx.task(&id)?, cx.session())
                {
                    reached.notify.insert(id.clone(), session.clone());
                }
                open.append(&mut parts_of(&id)?);
            }
        }
    }
    Ok(reached)
}

/// The blocked ones of `roots` and their parts that wait for nothing once `finishing` are done, with where they rest then.
pub(crate) fn freed(cx: &Deciding<'_>, roots: Near<'_>, finishing: &[TaskId]) -> Result<Vec<(TaskId, Resting)>, OpError> {
    let mut freed = Vec::new();
    let mut seen = HashSet::new();
    let mut above = Above { cx, finishing, known: HashMap::new() };
    let in_order = |near: Near<'_>| Ok::<_, OpError>(cx.view().at_rest(near, finishing)?.into_iter().rev());
    let mut open: Vec<AtRest> = in_order(roots)?.collect();
    while let Some(AtRest { id, parent, state, facts }) = open.pop() {
        if matches!(state, TaskState::Ready | TaskState::Scheduled | TaskState::Review | TaskState::Done) || !seen.insert(id.clone()) {
            continue;
        }
        // What it still waits for, all its parts wait for as well.
        if facts.unmet_needs || above.waits(parent)? {
            continue;
        }
        if state == TaskState::Blocked {
            freed.push((id, resting(facts, cx.now())));
        } else {
            open.extend(in_order(Near::PartsOf(&id))?);
            above.known.insert(id, false);
        }
    }
    Ok(freed)
}

/// Whether tasks that have parts wait for something, also for what the tasks above them need: many tasks have the same parent.
struct Above<'c, 'd> {
    cx: &'c Deciding<'d>,
    /// Their needs among these do not count.
    finishing: &'c [TaskId],
    known: HashMap<TaskId, bool>,
}

impl Above<'_, '_> {
    fn waits(&mut self, parent: Option<TaskId>) -> Result<bool, OpError> {
        let Some(parent) = parent.filter(|_| !seeded::is(seeded::NEEDS_ABOVE_FORGOTTEN)) else { return Ok(false) };
        if let Some(known) = self.known.get(&parent) {
            return Ok(*known);
        }
        let waits = self.cx.view().unmet_needs(&parent)?.iter().any(|need| !self.finishing.contains(need));
        self.known.insert(parent, waits);
        Ok(waits)
    }
}
