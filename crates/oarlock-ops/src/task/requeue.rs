//! `requeue`: brings a dead or cancelled task back.

use clap::Args;
use oarlock_model::TaskId;
use oarlock_model::event::{Fact, TaskRequeued};
use oarlock_model::rules::change::Change;
use oarlock_model::rules::resting::{RestingFacts, resting};
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{Rejection, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::portions::Progress;
use crate::request::{Mutation, Request};
use crate::shapes::TaskShape;
use crate::task::add::{self, TaskReply};
use crate::task::{edges, urgency};

/// Bring a dead or cancelled task back with all its attempts. Parts that were cancelled with it stay cancelled and are listed, unless you
/// bring them back too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Requeue {
    /// The task
    pub id: TaskId,
    /// Also requeue the parts that were cancelled with it
    #[arg(long)]
    #[serde(default)]
    pub parts: bool,
}

/// The reply of [`Requeue`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequeueReply {
    /// The task.
    pub task: TaskShape,
    /// Parts that came back with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requeued: Vec<TaskId>,
    /// Parts that were cancelled with it and stay so: it waits for them until they come back or are dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub still_cancelled: Vec<TaskId>,
}

impl Request for Requeue {
    const VERB: &'static str = "requeue";
    const ABOUT: &'static str = "Bring a dead or cancelled task back";
    const EXAMPLE: &'static [&'static str] = &["T-1"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = RequeueReply;
}

impl Mutation for Requeue {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Graph, Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<RequeueReply, OpError> {
        cx.caller().authority.check_operator(Self::VERB)?;
        let progress = cx.take_progress();
        let tree = cx.view().tree(&self.id)?;
        if progress.is_begun || tree.len() > limits::PORTION_ROWS_MAX {
            return self.in_portions(cx, progress, &tree);
        }
        let task = cx.task(&self.id)?;
        let parts = cancelled_with(cx, &task.id)?;
        let comes_back = task.state.is_dead_end();
        // A task that came back alone can have its parts back later.
        if !comes_back && (task.state.is_finished() || !self.parts || parts.is_empty()) {
            let why = (self.parts && !task.state.is_finished()).then(|| "no part was cancelled with it".to_owned());
            return Err(Rejection::StateConflict { verb: "requeue", task: task.id, state: task.state, why }.into());
        }
        if comes_back {
            bring_back_root(cx, &task)?;
        }
        let (requeued, still_cancelled) = if self.parts { (parts, Vec::new()) } else { (Vec::new(), parts) };
        requeued.iter().try_for_each(|part| bring_back(cx, part))?;
        let TaskReply { task } = TaskReply::of(cx, &task.id)?;
        Ok(RequeueReply { task, requeued, still_cancelled })
    }
}

impl Requeue {
    /// A task with thousands of parts: it comes back first, and then its parts come back, or are found, a portion after another. Cut off
    /// between portions, some parts stay cancelled, and come back with `--parts` later.
    fn in_portions(&self, cx: &mut Deciding<'_>, mut progress: Progress, tree: &[(TaskId, TaskState)]) -> Result<RequeueReply, OpError> {
        let task = cx.task(&self.id)?;
        let comes_back = task.state.is_dead_end();
        let conflict = |why: Option<String>| Rejection::StateConflict { verb: "requeue", task: self.id.clone(), state: task.state, why };
        if comes_back {
            bring_back_root(cx, &task)?;
        } else if !progress.is_begun && (task.state.is_finished() || !self.parts) {
            return Err(conflict(None).into());
        }
        let end = tree.len().min(progress.looked + limits::PORTION_ROWS_MAX);
        let mut found: BTreeSet<TaskId> = progress.tasks.iter().cloned().collect();
        while progress.looked < end && cx.room() > 0 {
            let (id, state) = &tree[progress.looked];
            progress.looked += 1;
            if *state == TaskState::Cancelled && *id != self.id && self.came_along(cx, id, &found)? {
                if self.parts {
                    bring_back(cx, id)?;
                }
                found.insert(id.clone());
                progress.tasks.push(id.clone());
            }
        }
        if progress.looked < tree.len() {
            return Err(cx.go_on_later(progress));
        }
        if progress.tasks.is_empty() && self.parts && !comes_back && cx.view().last_event_of(self.id.as_str(), "task_requeued")?.is_none() {
            return Err(conflict(Some("no part was cancelled with it".to_owned())).into());
        }
        let (requeued, still_cancelled) = if self.parts { (progress.tasks, Vec::new()) } else { (Vec::new(), progress.tasks) };
        let TaskReply { task } = TaskReply::of(cx, &self.id)?;
        Ok(RequeueReply { task, requeued, still_cancelled })
    }

    /// Whether a cancelled part was cancelled with the task that it is a part of, and so on up to the task that comes back.
    fn came_along(&self, cx: &Deciding<'_>, id: &TaskId, found: &BTreeSet<TaskId>) -> Result<bool, OpError> {
        let Some(parent) = cx.view().node(id)?.and_then(|node| node.parent) else { return Ok(false) };
        let goes_on = |state| !matches!(state, TaskState::Cancelled | TaskState::Done);
        if parent != self.id && !found.contains(&parent) && !cx.view().task_state(&parent)?.is_some_and(goes_on) {
            return Ok(false);
        }
        was_cancelled_with(cx, id, &parent)
    }
}

/// Whether the cancellation of `parent` took this part along.
fn was_cancelled_with(cx: &Deciding<'_>, id: &TaskId, parent: &TaskId) -> Result<bool, OpError> {
    let last = cx.view().last_event_of(id.as_str(), "task_cancelled")?.map(|event| event.fact);
    Ok(matches!(last, Some(Fact::TaskCancelled(fact)) if fact.with_parent.as_ref() == Some(parent)))
}

/// Brings the task back that was asked for, unless the one above it is over.
fn bring_back_root(cx: &mut Deciding<'_>, task: &Task) -> Result<(), OpError> {
    if let Some(parent) = &task.spec.parent
        && let Some(state @ (TaskState::Done | TaskState::Cancelled)) = cx.view().task_state(parent)?
    {
        let why = Some(format!("its parent {parent} is {state}"));
        return Err(Rejection::StateConflict { verb: "requeue", task: task.id.clone(), state: task.state, why }.into());
    }
    bring_back(cx, &task.id)
}

/// The parts, at any depth, that the cancellation of the task took along, each after its parent.
fn cancelled_with(cx: &Deciding<'_>, root: &TaskId) -> Result<Vec<TaskId>, OpError> {
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    // A damaged store can have a task below itself.
    let mut seen = BTreeSet::from([root.clone()]);
    while let Some(parent) = open.pop() {
        for child in cx.view().children(&parent)? {
            if !seen.insert(child.clone()) {
                continue;
            }
            match cx.view().task_state(&child)? {
                None | Some(TaskState::Done) => continue,
                Some(TaskState::Cancelled) => {
                    if !was_cancelled_with(cx, &child, &parent)? {
                        continue;
                    }
                    found.push(child.clone());
                }
                Some(_) => {}
            }
            open.push(child);
        }
    }
    Ok(found)
}

fn bring_back(cx: &mut Deciding<'_>, id: &TaskId) -> Result<(), OpError> {
    let task = cx.task(id)?;
    let open_children = !cx.view().open_children(id, 1)?.is_empty();
    let unmet_needs = cx.view().unmet_needs(id)?;
    let facts = RestingFacts { ready_at: None, retry_at: None, ..RestingFacts::of(&task, open_children, !unmet_needs.is_empty()) };
    if let Some(parent) = task.spec.parent.as_ref().filter(|_| task.dropped) {
        cx.check_change(&cx.task(parent)?, Change::Parts)?;
    }
    cx.emit(TaskRequeued { id: id.clone(), resting: resting(facts, cx.now()) })?;
    if let Some(parent) = task.spec.parent.as_ref().filter(|_| task.dropped) {
        // Its parent went on without it and waits for it again; meanwhile either may have got needs.
        add::adopt(cx, parent, id)?;
        edges::refuse_cycle(cx, id, &unmet_needs.iter().cloned().collect(), Some(parent))?;
    }
    urgency::refresh(cx, [id.clone()])?;
    match urgency::most_urgent_in(cx.view(), id)? {
        Some(priority) => urgency::lift(cx, unmet_needs, priority),
        None => Ok(()),
    }
}
