//! What follows when a task is done: dependants become ready, a parent goes on (semantics 10).

use oarlock_model::event::{SpecChange, TaskDone, TaskReadied, TaskSubmitted, TaskUpdated};
use oarlock_model::task::{Resting, Task, TaskState};
use oarlock_model::{TaskId, Token, limits};

use crate::OpError;
use crate::context::Deciding;
use crate::store::StoreResult;
use crate::task::rest;

/// What came of a task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) token: Option<Token>,
    pub(crate) result: Option<String>,
    pub(crate) artifacts: Vec<String>,
}

/// Finishes a task, or submits it for review when it has a gate. Returns the tasks that can be
/// claimed because of it.
pub(crate) fn finish(cx: &mut Deciding<'_>, task: &Task, outcome: Outcome) -> Result<Vec<TaskId>, OpError> {
    let Outcome { token, result, artifacts } = outcome;
    if task.spec.gate.is_some() && task.state != TaskState::Review {
        cx.emit(TaskSubmitted { id: task.id.clone(), token, result, artifacts })?;
        return Ok(Vec::new());
    }
    complete(cx, task, Outcome { token, result, artifacts })
}

fn complete(cx: &mut Deciding<'_>, task: &Task, outcome: Outcome) -> Result<Vec<TaskId>, OpError> {
    let unblocked = unblocked_by(cx, task)?;
    let freed = freed_dependants(cx, task)?;
    let parent = waiting_parent(cx, task)?;
    cx.emit(TaskDone {
        id: task.id.clone(),
        token: outcome.token,
        result: outcome.result,
        artifacts: outcome.artifacts,
        unblocked: unblocked.clone(),
    })?;
    for (id, place) in freed {
        move_to(cx, id, place)?;
    }
    if let Some(parent) = parent {
        children_done(cx, &parent)?;
    }
    Ok(unblocked)
}

/// What can be claimed once `task` is done, also because parents finish with it. It stands in the event,
/// so that the same call again gets the same reply.
fn unblocked_by(cx: &Deciding<'_>, task: &Task) -> Result<Vec<TaskId>, OpError> {
    let mut finishing = vec![task.id.clone()];
    let mut unblocked = Vec::new();
    let mut parent = waiting_parent(cx, task)?;
    loop {
        let last = &finishing[finishing.len() - 1];
        for id in cx.view().dependants(last)? {
            if cx.view().task_state(&id)? == Some(TaskState::Blocked) && is_ready(place_after(cx, &id, &finishing)?) {
                unblocked.push(id);
            }
        }
        match parent {
            Some(above) if above.auto_finish && above.spec.gate.is_none() => {
                parent = waiting_parent(cx, &above)?;
                finishing.push(above.id);
            }
            Some(above) if !above.auto_finish && is_ready(place_after(cx, &above.id, &finishing)?) => {
                unblocked.push(above.id);
                return Ok(unblocked);
            }
            _ => return Ok(unblocked),
        }
    }
}

/// Where a task rests once its parts and all of `finishing` are done.
fn place_after(cx: &Deciding<'_>, id: &TaskId, finishing: &[TaskId]) -> Result<Resting, OpError> {
    let unmet = cx.view().unmet_needs(id)?.iter().any(|need| !finishing.contains(need));
    let facts = oarlock_model::rules::resting::RestingFacts::of(&cx.task(id)?, false, unmet);
    Ok(oarlock_model::rules::resting::resting(facts, cx.now()))
}

/// Blocked tasks whose last unmet need is `task`, with where they rest once it is done.
fn freed_dependants(cx: &Deciding<'_>, task: &Task) -> Result<Vec<(TaskId, Resting)>, OpError> {
    let mut freed = Vec::new();
    for id in cx.view().dependants(&task.id)? {
        if cx.view().task_state(&id)? != Some(TaskState::Blocked) {
            continue;
        }
        if cx.view().unmet_needs(&id)?.iter().all(|need| *need == task.id) {
            let dependant = cx.task(&id)?;
            let facts = oarlock_model::rules::resting::RestingFacts::of(&dependant, cx.view().has_open_children(&id)?, false);
            freed.push((id, oarlock_model::rules::resting::resting(facts, cx.now())));
        }
    }
    Ok(freed)
}

fn is_ready(place: Resting) -> bool {
    place.state() == TaskState::Ready
}

fn move_to(cx: &mut Deciding<'_>, id: TaskId, place: Resting) -> Result<(), OpError> {
    if is_ready(place) {
        cx.emit(TaskReadied { id })
    } else {
        cx.emit(TaskUpdated { id, change: SpecChange::default(), resting: Some(place) })
    }
}

/// The parent, when it waits and `task` is its last child that is not done.
fn waiting_parent(cx: &Deciding<'_>, task: &Task) -> Result<Option<Task>, OpError> {
    let Some(parent) = &task.spec.parent else { return Ok(None) };
    if cx.view().task_state(parent)? != Some(TaskState::Waiting) {
        return Ok(None);
    }
    for child in cx.view().children(parent)? {
        if child != task.id && cx.view().task_state(&child)? != Some(TaskState::Done) {
            return Ok(None);
        }
    }
    Ok(Some(cx.task(parent)?))
}

/// The last child of a waiting parent is done: it is done too, or can be claimed for integration.
fn children_done(cx: &mut Deciding<'_>, parent: &Task) -> Result<(), OpError> {
    if parent.auto_finish {
        let result = joined_results(cx, &parent.id)?;
        return finish(cx, parent, Outcome { result, ..Outcome::default() }).map(drop);
    }
    let place = rest::resting_place(cx.view(), parent)?;
    move_to(cx, parent.id.clone(), place)
}

/// The results of the children in the order of the document they were split from, each under its
/// title; cut at the limit of a result.
pub(crate) fn joined_results(cx: &Deciding<'_>, parent: &TaskId) -> StoreResult<Option<String>> {
    let mut joined = String::new();
    for id in cx.view().children(parent)? {
        let Some(child) = cx.view().task(&id)? else { continue };
        let Some(result) = child.result.as_deref().map(str::trim).filter(|result| !result.is_empty()) else { continue };
        let part = format!("## {} ({id})\n\n{result}\n\n", child.spec.title);
        if joined.len() + part.len() > limits::BODY_BYTES_MAX {
            joined.push_str("(further results are too long to be joined; see the parts)\n");
            break;
        }
        joined.push_str(&part);
    }
    Ok((!joined.is_empty()).then(|| joined.trim_end().to_owned()))
}
