//! What reaches the parts of a task when it gets a need, or when one is done: parts wait for what the tasks above them need.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::rules::change::to_inform;
use oarlock_model::rules::resting::resting;
use oarlock_model::task::{Resting, TaskState};
use oarlock_model::{SessionId, TaskId};

use crate::OpError;
use crate::context::Deciding;

/// What a new need does to the parts of a task, at any depth.
#[derive(Default)]
pub(crate) struct Reached {
    /// Parts that could be claimed, now or later, and wait from now on.
    pub(crate) blocked: Vec<TaskId>,
    /// Parts that stay held, with the sessions to inform.
    pub(crate) notify: BTreeMap<TaskId, SessionId>,
}

/// What a need of `root` that is not done does to its parts.
pub(crate) fn reached(cx: &Deciding<'_>, root: &TaskId) -> Result<Reached, OpError> {
    let mut reached = Reached::default();
    let mut open = cx.view().children(root)?;
    // A damaged store can have a task below itself.
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        match cx.view().task_state(&id)? {
            Some(TaskState::Ready | TaskState::Scheduled) => reached.blocked.push(id),
            // None of these has parts that could be claimed.
            None | Some(TaskState::Blocked | TaskState::Review | TaskState::Done) => {}
            Some(state) => {
                if state == TaskState::Claimed
                    && let Some(session) = to_inform(&cx.task(&id)?, cx.session())
                {
                    reached.notify.insert(id.clone(), session.clone());
                }
                open.append(&mut cx.view().children(&id)?);
            }
        }
    }
    Ok(reached)
}

/// The blocked ones of `roots` and their parts that wait for nothing once `finishing` are done, with where they rest then.
pub(crate) fn freed(cx: &Deciding<'_>, mut roots: Vec<TaskId>, finishing: &[TaskId]) -> Result<Vec<(TaskId, Resting)>, OpError> {
    let mut freed = Vec::new();
    let mut seen = BTreeSet::new();
    roots.reverse();
    while let Some(id) = roots.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let Some((state, facts)) = cx.view().rest_without_needs(&id)? else { continue };
        if matches!(state, TaskState::Ready | TaskState::Scheduled | TaskState::Review | TaskState::Done) {
            continue;
        }
        // What it still waits for, all its parts wait for as well.
        if cx.view().unmet_needs(&id)?.iter().any(|need| !finishing.contains(need)) {
            continue;
        }
        if state == TaskState::Blocked {
            freed.push((id, resting(facts, cx.now())));
        } else {
            roots.extend(cx.view().children(&id)?.into_iter().rev());
        }
    }
    Ok(freed)
}
