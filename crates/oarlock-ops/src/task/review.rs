//! `approve` and `reject`: the answer to a task in review.

use clap::Args;
use oarlock_model::event::{TaskApproved, TaskRejected};
use oarlock_model::rules::{landing, review};
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::task::add::TaskReply;
use crate::task::finish::{self, Outcome};
use crate::task::{rest, values};

/// Approve a task in review. It becomes done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Approve {
    /// The task
    pub id: TaskId,
}

/// Reject a task in review. It becomes ready again, or blocked if a need is unfinished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Reject {
    /// The task
    pub id: TaskId,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

impl Request for Approve {
    const VERB: &'static str = "approve";
    const ABOUT: &'static str = "Approve a task in review";
    const EXAMPLE: &'static [&'static str] = &["T-1"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;
}

impl Request for Reject {
    const VERB: &'static str = "reject";
    const ABOUT: &'static str = "Reject a task in review";
    const EXAMPLE: &'static [&'static str] = &["T-1", "--reason", "no tests"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;

    fn check(&self) -> Result<(), Rejection> {
        if self.reason.trim().is_empty() {
            return Err(Rejection::invalid("the reason is empty", "say what is missing"));
        }
        values::check_note("reason", Some(&self.reason))
    }
}

impl Mutation for Approve {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        let mut task = in_review(cx, "approve", &self.id)?;
        landing::check_approval(&task)?;
        cx.emit(TaskApproved { id: task.id.clone() })?;
        finish::finish(cx, &mut task, Outcome::default())?;
        TaskReply::of(cx, &task.id)
    }
}

impl Mutation for Reject {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        let task = in_review(cx, "reject", &self.id)?;
        landing::check_not_landing(&task, "reject")?;
        let place = rest::resting_place(cx.view(), &task)?;
        cx.emit(TaskRejected { id: task.id.clone(), reason: self.reason.clone(), resting: place })?;
        TaskReply::of(cx, &task.id)
    }
}

/// The task, which the caller may judge.
fn in_review(cx: &Deciding<'_>, verb: &'static str, id: &TaskId) -> Result<Task, OpError> {
    let task = match cx.task(id) {
        // An agent that may judge nothing learns nothing.
        Err(error) => return Err(cx.caller().authority.check_operator(verb).err().map_or(error, OpError::from)),
        Ok(task) => task,
    };
    let agent = match (&task.spec.reviewer, cx.caller().agent_name()) {
        (None, _) => None,
        // A name of old does not make an agent a person.
        (Some(_), Some(_)) => Some(cx.me()?),
        (Some(_), None) => cx.me().ok(),
    };
    review::check(&task, verb, cx.caller().authority, agent)?;
    if task.state == TaskState::Review {
        return Ok(task);
    }
    Err(Rejection::StateConflict { verb, task: task.id, state: task.state, why: None }.into())
}
