//! `depend`: adds or removes edges between tasks.

use clap::Args;
use oarlock_model::event::{DependencyAdded, DependencyRemoved, TaskReadied};
use oarlock_model::rules::graph;
use oarlock_model::rules::held::Change;
use oarlock_model::rules::resting::{RestingFacts, resting};
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::OpError;
use crate::call::Caller;
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Identity, Mutation, Request};
use crate::task::add::TaskReply;
use crate::task::values;

/// Makes a task need others, or no longer need them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Depend {
    /// The task that needs others
    pub id: TaskId,
    /// What it needs, comma separated
    #[arg(long, value_name = "IDS", value_delimiter = ',', required = true)]
    pub on: Vec<TaskId>,
    /// Take these dependencies away instead
    #[arg(long)]
    #[serde(default)]
    pub remove: bool,
}

impl Request for Depend {
    const VERB: &'static str = "depend";
    const ABOUT: &'static str = "Make a task need others, or no longer need them";
    const EXAMPLE: &'static [&'static str] = &["T-2", "--on", "T-1"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;

    fn check(&self) -> Result<(), Rejection> {
        if self.on.is_empty() {
            return Err(Rejection::invalid("--on names no task", "name at least one task"));
        }
        values::check_list("dependencies", self.on.len())
    }
}

impl Mutation for Depend {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Graph, Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        let on: BTreeSet<TaskId> = self.on.iter().cloned().collect();
        if self.remove {
            refuse_absent(&cx.task(&self.id)?, &on)?;
            remove(cx, &self.id, on)?
        } else {
            add(cx, &self.id, on)?
        }
        TaskReply::of(cx, &self.id)
    }
}

/// Adds edges; a task that could be claimed and now needs something unfinished is blocked.
pub(crate) fn add(cx: &mut Deciding<'_>, id: &TaskId, on: BTreeSet<TaskId>) -> Result<(), OpError> {
    let task = cx.task(id)?;
    if task.state.is_finished() || task.state == TaskState::Review {
        return Err(Rejection::StateConflict { verb: "add a dependency to", task: id.clone(), state: task.state, why: None }.into());
    }
    let on: BTreeSet<TaskId> = on.difference(&task.needs).cloned().collect();
    for need in &on {
        if cx.view().task_state(need)?.is_none() {
            return Err(Rejection::not_found("task", need).into());
        }
    }
    values::check_list("dependencies", task.needs.len() + on.len())?;
    if on.is_empty() {
        return Ok(());
    }
    refuse_cycle(cx, id, &on)?;
    let mut unmet = false;
    for need in &on {
        unmet |= cx.view().task_state(need)? != Some(TaskState::Done);
    }
    let mut notify = BTreeMap::new();
    if unmet && let Some(session) = cx.check_held(&task, Change::Needs)? {
        notify.insert(id.clone(), session);
    }
    let moves = unmet && matches!(task.state, TaskState::Ready | TaskState::Scheduled);
    let place = moves.then(|| resting(RestingFacts::of(&task, false, true), cx.now()));
    cx.emit(DependencyAdded { id: id.clone(), on, resting: place, notify })
}

/// Refuses edges `id -> on` that would close a cycle. A task is finished after what it needs and after
/// its parts: both kinds of edges count.
pub(crate) fn refuse_cycle(cx: &Deciding<'_>, id: &TaskId, on: &BTreeSet<TaskId>) -> Result<(), OpError> {
    let closed = graph::cycle::<OpError>(id, on, |from| {
        let mut before: Vec<TaskId> = cx.view().task(from)?.map(|task| task.needs.into_iter().collect()).unwrap_or_default();
        before.extend(cx.view().children(from)?);
        Ok(before)
    })?;
    match closed {
        Some(cycle) => Err(graph::cycle_refused(&cycle).into()),
        None => Ok(()),
    }
}

/// Refuses to remove edges that are not there, and says which are.
fn refuse_absent(task: &Task, on: &BTreeSet<TaskId>) -> Result<(), Rejection> {
    let absent: Vec<&TaskId> = on.difference(&task.needs).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let names = |ids: &mut dyn Iterator<Item = &TaskId>| ids.map(TaskId::as_str).collect::<Vec<_>>().join(", ");
    let needs = names(&mut task.needs.iter());
    Err(Rejection::Invalid {
        message: format!("{} does not need {}", task.id, names(&mut absent.iter().copied())),
        hint: if needs.is_empty() { format!("{} needs no task", task.id) } else { format!("{} needs {needs}", task.id) },
        details: serde_json::json!({ "absent": absent, "needs": task.needs }),
    })
}

/// Removes edges; edges that are not there are none to remove.
pub(crate) fn remove(cx: &mut Deciding<'_>, id: &TaskId, on: BTreeSet<TaskId>) -> Result<(), OpError> {
    let task = cx.task(id)?;
    let on: BTreeSet<TaskId> = on.intersection(&task.needs).cloned().collect();
    if on.is_empty() {
        return Ok(());
    }
    let still_unmet = cx.view().unmet_needs(id)?.iter().any(|need| !on.contains(need));
    let place = (task.state == TaskState::Blocked && !still_unmet).then(|| resting(RestingFacts::of(&task, false, false), cx.now()));
    let readied = place.is_some_and(|place| place.state() == TaskState::Ready);
    cx.emit(DependencyRemoved { id: id.clone(), on, resting: place.filter(|_| !readied) })?;
    if readied { cx.emit(TaskReadied { id: id.clone() }) } else { Ok(()) }
}
