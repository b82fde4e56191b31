//! `depend`: adds or removes edges between tasks.

use clap::Args;
use oarlock_model::event::{DependencyAdded, DependencyRemoved, TaskUpdated};
use oarlock_model::rules::change::Change;
use oarlock_model::task::{Resting, Task, TaskState};
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::store::Near;
use crate::task::add::TaskReply;
use crate::task::inherit::{self, Reached};
use crate::task::{edges, finish, urgency, values};

/// Make a task need other tasks, or remove such needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Depend {
    /// The task that needs others
    pub id: TaskId,
    /// Tasks that it needs, comma separated
    #[arg(long, value_name = "IDS", value_delimiter = ',', required = true)]
    pub on: Vec<TaskId>,
    /// Remove these needs instead
    #[arg(long)]
    #[serde(default)]
    pub remove: bool,
}

impl Request for Depend {
    const VERB: &'static str = "depend";
    const ABOUT: &'static str = "Make a task need others, or remove such needs";
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
            let task = cx.task(&self.id)?;
            cx.check_change(&task, Change::Fields)?;
            refuse_absent(&task, &on)?;
            remove(cx, &self.id, on)?
        } else {
            add(cx, &self.id, on)?
        }
        TaskReply::of(cx, &self.id)
    }
}

/// Adds edges. A task that could be claimed and now needs something unfinished is blocked, and so are its parts; what somebody holds stays
/// held, and its holder hears of it.
pub(crate) fn add(cx: &mut Deciding<'_>, id: &TaskId, on: BTreeSet<TaskId>) -> Result<(), OpError> {
    let task = cx.task(id)?;
    let informed = cx.check_change(&task, Change::Needs)?;
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
    edges::refuse_cycle(cx, id, &on, None)?;
    let mut unmet = Vec::new();
    for need in &on {
        if cx.view().task_state(need)? != Some(TaskState::Done) {
            unmet.push(need.clone());
        }
    }
    if unmet.is_empty() {
        return cx.emit(DependencyAdded { id: id.clone(), on, resting: None, notify: BTreeMap::new() });
    }
    let Reached { blocked, mut notify } = inherit::reached(cx, id)?;
    notify.extend(informed.map(|session| (id.clone(), session)));
    let moves = matches!(task.state, TaskState::Ready | TaskState::Scheduled);
    cx.emit(DependencyAdded { id: id.clone(), on, resting: moves.then_some(Resting::Blocked), notify })?;
    for part in blocked {
        cx.emit(TaskUpdated::derived(part, None, Some(Resting::Blocked)))?;
    }
    match urgency::most_urgent_in(cx.view(), id)? {
        Some(priority) => urgency::lift(cx, unmet, priority),
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
    cx.emit(DependencyRemoved { id: id.clone(), on: on.clone(), resting: None })?;
    for (id, place) in inherit::freed(cx, Near::Task(id), &[])? {
        finish::move_to(cx, id, place)?;
    }
    urgency::refresh(cx, on)
}
