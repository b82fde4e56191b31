//! What reaches the parts of a task when it gets a need, or when one is done: parts wait for what the tasks above them need.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::rules::change::to_inform;
use oarlock_model::rules::resting::{RestingFacts, resting};
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
    let mut open = cx.view().parts_at_rest(root)?;
    // A damaged store can have a task below itself.
    let mut seen = BTreeSet::new();
    while let Some((id, state, _)) = open.pop() {
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
                open.append(&mut cx.view().parts_at_rest(&id)?);
            }
        }
    }
    Ok(reached)
}

/// The blocked ones of `roots` and their parts that wait for nothing once `finishing` are done, with where they rest then.
pub(crate) fn freed(cx: &Deciding<'_>, roots: Vec<TaskId>, finishing: &[TaskId]) -> Result<Vec<(TaskId, Resting)>, OpError> {
    let mut freed = Vec::new();
    let mut seen = BTreeSet::new();
    // A part whose parent waits for nothing comes with all that is to be known of it.
    let mut open: Vec<(TaskId, Option<(TaskState, RestingFacts)>)> = roots.into_iter().rev().map(|id| (id, None)).collect();
    while let Some((id, known)) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let found = match known {
            Some(found) => Some(found),
            None => cx.view().rest_without_needs(&id)?.map(|(state, facts)| (state, RestingFacts { unmet_needs: true, ..facts })),
        };
        let Some((state, facts)) = found else { continue };
        if matches!(state, TaskState::Ready | TaskState::Scheduled | TaskState::Review | TaskState::Done) {
            continue;
        }
        // What it still waits for, all its parts wait for as well.
        if facts.unmet_needs && cx.view().unmet_needs(&id)?.iter().any(|need| !finishing.contains(need)) {
            continue;
        }
        if state == TaskState::Blocked {
            freed.push((id, resting(RestingFacts { unmet_needs: false, ..facts }, cx.now())));
        } else {
            open.extend(cx.view().parts_at_rest(&id)?.into_iter().rev().map(|(part, state, facts)| (part, Some((state, facts)))));
        }
    }
    Ok(freed)
}
