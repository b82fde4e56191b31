//! The effects of a finished task: dependants become ready, a parent goes on (semantics 10).

use oarlock_model::event::{LandingQueued, TaskDone, TaskReadied, TaskSubmitted, TaskUpdated};
use oarlock_model::landing::{BranchName, Landing, ObjectId};
use oarlock_model::rules::resting::{RestingFacts, resting};
use oarlock_model::task::{Gate, Resting, Task, TaskState};
use oarlock_model::{TaskId, Token, seeded};

use crate::OpError;
use crate::context::Deciding;
use crate::store::Near;
use crate::task::{inherit, parts, rest, urgency};

/// The outcome of a task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) token: Option<Token>,
    pub(crate) result: Option<String>,
    pub(crate) artifacts: Vec<String>,
    /// The commit to land, for a task with the gate `merge`. Without one, nothing of it is to land: its parts did, or it was finished outside of
    /// the store, and a person judges it.
    pub(crate) submitted: Option<Submitted>,
}

/// The commit that a task submits.
#[derive(Clone, Debug)]
pub(crate) struct Submitted {
    pub(crate) branch: Option<BranchName>,
    pub(crate) commit: ObjectId,
}

/// Finishes a task, or submits it for review when it has a gate; `task` becomes what it is then. Returns the tasks
/// that can be claimed because of it.
pub(crate) fn finish(cx: &mut Deciding<'_>, task: &mut Task, outcome: Outcome) -> Result<Vec<TaskId>, OpError> {
    let Outcome { token, result, artifacts, submitted } = &outcome;
    let is_submitted = is_gated(task) && task.state != TaskState::Review;
    if is_submitted {
        let unmet_needs = rest::unmet_needs(cx.view(), task)?;
        cx.emit(TaskSubmitted { id: task.id.clone(), token: *token, result: result.clone(), artifacts: artifacts.clone(), unmet_needs })?;
        if let Some(Submitted { branch, commit }) = submitted.clone() {
            let submission = cx.next_token().0;
            let landing = Landing::queued(branch.clone(), commit.clone(), submission, cx.now().store);
            task.landing = Some(landing.after(task.landing.as_ref()));
            cx.emit(LandingQueued { id: task.id.clone(), branch, commit, submission: None })?;
        }
    }
    let unblocked = if is_submitted { Vec::new() } else { complete(cx, task, &outcome)? };
    task.finish(if is_submitted { TaskState::Review } else { TaskState::Done }, result.as_ref(), artifacts);
    task.updated_at = cx.now().wall;
    Ok(unblocked)
}

/// Whether the task waits in review when its work is done. Parts that landed leave nothing of their parent to land.
fn is_gated(task: &Task) -> bool {
    match task.spec.gate {
        Some(Gate::Merge) => task.state != TaskState::Waiting,
        Some(Gate::Human) => true,
        None => false,
    }
}

fn complete(cx: &mut Deciding<'_>, task: &Task, outcome: &Outcome) -> Result<Vec<TaskId>, OpError> {
    let freed = freed_dependants(cx, &task.id, &[])?;
    let parent = waiting_parent(cx, task)?;
    let unblocked = unblocked_by(cx, task, &freed, parent.as_ref())?;
    let unmet_needs = rest::unmet_needs(cx.view(), task)?;
    cx.emit(TaskDone {
        id: task.id.clone(),
        token: outcome.token,
        result: outcome.result.clone(),
        artifacts: outcome.artifacts.clone(),
        unblocked: unblocked.clone(),
        unmet_needs: unmet_needs.clone(),
    })?;
    // It waits for them no more.
    urgency::refresh(cx, unmet_needs)?;
    for (id, place) in freed {
        move_to(cx, id, place)?;
    }
    if let Some(parent) = parent {
        children_done(cx, parent)?;
    }
    Ok(unblocked)
}

/// The tasks that can be claimed once `task` is done, also because parents finish with it. The event has them,
/// so that the same call again gets the same reply.
fn unblocked_by(cx: &Deciding<'_>, task: &Task, freed: &[(TaskId, Resting)], parent: Option<&Task>) -> Result<Vec<TaskId>, OpError> {
    let ready = |freed: &[(TaskId, Resting)]| freed.iter().filter(|(_, place)| is_ready(*place)).map(|(id, _)| id.clone()).collect();
    let mut unblocked: Vec<TaskId> = ready(freed);
    let mut finishing = vec![task.id.clone()];
    let mut parent = parent.cloned();
    while let Some(above) = parent {
        if !above.auto_finish {
            let unmet = cx.view().unmet_needs(&above.id)?.iter().any(|need| !finishing.contains(need));
            if is_ready(resting(RestingFacts::of(&above, false, unmet), cx.now())) {
                unblocked.push(above.id);
            }
            break;
        }
        if is_gated(&above) {
            break;
        }
        parent = waiting_parent(cx, &above)?;
        unblocked.append(&mut ready(&freed_dependants(cx, &above.id, &finishing)?));
        finishing.push(above.id);
    }
    Ok(unblocked)
}

/// Blocked tasks that wait for nothing once `done` and all of `finishing` are done, parts of dependants included, with where they rest then.
fn freed_dependants(cx: &Deciding<'_>, done: &TaskId, finishing: &[TaskId]) -> Result<Vec<(TaskId, Resting)>, OpError> {
    if seeded::is(seeded::DEPENDANTS_FORGOTTEN) {
        return Ok(Vec::new());
    }
    let finishing: Vec<TaskId> = finishing.iter().chain([done]).cloned().collect();
    inherit::freed(cx, Near::DependantsOf(done), &finishing)
}

fn is_ready(place: Resting) -> bool {
    place.state() == TaskState::Ready
}

pub(crate) fn move_to(cx: &mut Deciding<'_>, id: TaskId, place: Resting) -> Result<(), OpError> {
    if is_ready(place) { cx.emit(TaskReadied { id }) } else { cx.emit(TaskUpdated::derived(id, None, Some(place))) }
}

/// The parent, when it waits and `task` is its last child that is not done.
fn waiting_parent(cx: &Deciding<'_>, task: &Task) -> Result<Option<Task>, OpError> {
    let Some(parent) = &task.spec.parent else { return Ok(None) };
    if cx.view().task_state(parent)? != Some(TaskState::Waiting) {
        return Ok(None);
    }
    // Two are enough to know whether there is another one.
    let is_last = cx.view().open_children(parent, 2)?.iter().all(|open| *open == task.id);
    if is_last { Ok(Some(cx.task(parent)?)) } else { Ok(None) }
}

/// A task that waited for a part and does so no more goes on, if that was its last one.
pub(crate) fn goes_on(cx: &mut Deciding<'_>, parent: &TaskId) -> Result<(), OpError> {
    let waits = cx.view().task_state(parent)? == Some(TaskState::Waiting);
    if !waits || !cx.view().open_children(parent, 1)?.is_empty() || seeded::is(seeded::DROPPED_PART_BLOCKS) {
        return Ok(());
    }
    let task = cx.task(parent)?;
    let mut parts = cx.view().children(parent)?.into_iter();
    // Where no part is done, nothing has come of it that would make it done.
    let is_any_done =
        parts.try_fold(false, |found, part| Ok::<_, OpError>(found || cx.view().task_state(&part)? == Some(TaskState::Done)))?;
    if is_any_done {
        return children_done(cx, task);
    }
    let place = rest::resting_place(cx.view(), &task)?;
    move_to(cx, task.id, place)
}

/// The last child of a waiting parent is done: it is done too, or can be claimed for integration.
fn children_done(cx: &mut Deciding<'_>, mut parent: Task) -> Result<(), OpError> {
    if parent.auto_finish {
        // Work that was handed over before the split stays the task's own result; those of the parts are shown beside it.
        let joined = || Ok::<_, OpError>(parts::finished(cx.view(), &parent.id)?.and_then(|parts| parts.results));
        let result = if parent.result.is_some() { None } else { joined()? };
        return finish(cx, &mut parent, Outcome { result, ..Outcome::default() }).map(drop);
    }
    let place = rest::resting_place(cx.view(), &parent)?;
    move_to(cx, parent.id, place)
}
