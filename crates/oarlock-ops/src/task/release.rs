//! `release`: gives a task back, and the fence that the holder's verbs share.

use clap::Args;
use oarlock_model::event::{ReleaseReason, TaskReleased};
use oarlock_model::rules::fence::{Caller as FenceCaller, fence};
use oarlock_model::task::{Grant, Task};
use oarlock_model::{Rejection, TaskId, Token};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::call::Caller;
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Identity, Mutation, Request};
use crate::settle;
use crate::task::add::TaskReply;
use crate::task::rest;

/// Gives a task back; it is ready again at once and the attempt does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Release {
    /// The task
    pub id: TaskId,
    /// The token of the lease; without it the session's own lease is meant
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

impl Request for Release {
    const VERB: &'static str = "release";
    const ABOUT: &'static str = "Give a task back";
    const EXAMPLE: &'static [&'static str] = &["T-1"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = TaskReply;
}

impl Mutation for Release {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        let (task, _) = held_by_me(cx, "release", &self.id, self.token)?;
        let resting = rest::resting_place(cx.view(), &task)?;
        cx.emit(TaskReleased { id: task.id.clone(), reason: ReleaseReason::Released, resting })?;
        settle::end_reservations_of_task(cx, &task.id)?;
        TaskReply::of(cx, &task.id)
    }
}

/// The task and its last grant, when the fence lets the caller pass: that grant may be running or over.
pub(crate) fn granted_to_me(cx: &Deciding<'_>, id: &TaskId, token: Option<Token>) -> Result<(Task, Option<Grant>), OpError> {
    let task = cx.task(id)?;
    let me = cx.me()?;
    let session = &me.session;
    let holder = match &task.grant {
        Some(grant) if grant.agent == me.name => Some(me.clone()),
        Some(grant) => cx.view().agent(&grant.agent)?,
        None => None,
    };
    let mine = task.grant.as_ref().is_some_and(|grant| grant.session == *session);
    // Only asked where it matters: the history is read when somebody else was granted the task.
    let held_before = mine || (task.grant.is_some() && cx.view().was_granted(id, session)?);
    let grant = fence(&task, FenceCaller { session, token, held_before }, holder.as_ref(), cx.now())?.cloned();
    Ok((task, grant))
}

/// The task and its grant, when the caller holds it, whether its TTL has passed or not.
pub(crate) fn held_by_me(cx: &Deciding<'_>, verb: &'static str, id: &TaskId, token: Option<Token>) -> Result<(Task, Grant), OpError> {
    match granted_to_me(cx, id, token)? {
        (task, Some(grant)) if grant.end.is_none() => Ok((task, grant)),
        (task, _) => Err(Rejection::StateConflict { verb, task: task.id, state: task.state, why: None }.into()),
    }
}
