//! `release`: gives a task back, and the fence that the holder's verbs share.

use clap::Args;
use oarlock_model::event::{ReleaseReason, TaskNoted, TaskReleased};
use oarlock_model::rules::authority::Authority;
use oarlock_model::rules::fence::{Caller as FenceCaller, fence};
use oarlock_model::task::{Grant, GrantEnd, OutsideEnd, Task, TaskState};
use oarlock_model::{Rejection, TaskId, Token, limits, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::local::Local;
use crate::lock::Lock;
use crate::reap;
use crate::request::{Mutation, Request};
use crate::task::add::TaskReply;
use crate::task::{outside, rest, values};

/// Give a task back. It is ready again at once, or blocked if a need is unfinished. The attempt does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Release {
    /// The task
    pub id: TaskId,
    /// The lease's token [default: the session's own]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// The work so far, kept as the task's result for its next holder, also after a split; - reads standard input
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// End a claim that was made in RALF's files alone; only for people who know that nobody works on the task
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

impl Request for Release {
    const VERB: &'static str = "release";
    const ABOUT: &'static str = "Give a task back";
    const EXAMPLE: &'static [&'static str] = &["T-1"];
    // Who ends the hold of another by force need not be an agent.
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        self.result.as_mut().map_or(Ok(()), |result| local.read_if_dash(result))
    }

    fn check(&self) -> Result<(), Rejection> {
        self.result.as_ref().map_or(Ok(()), |result| values::check_text("result", result, limits::BODY_BYTES_MAX))
    }
}

impl Mutation for Release {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        if self.force && end_outside(cx, &self.id)? {
            return TaskReply::of(cx, &self.id);
        }
        if self.force && cx.me().is_err() {
            let (task, why) = (cx.task(&self.id)?, Some("nobody outside of the store has it".to_owned()));
            return Err(Rejection::StateConflict { verb: "release", task: task.id, state: task.state, why }.into());
        }
        if let Some(result) = &self.result
            && let Some(task) = split_by_me(cx, &self.id, self.token)?
        {
            keep(cx, &task, result)?;
            return TaskReply::of(cx, &task.id);
        }
        let (task, _) = held_by_me(cx, "release", &self.id, self.token)?;
        if let Some(result) = &self.result {
            keep(cx, &task, result)?;
        }
        let resting = rest::resting_place(cx.view(), &task)?;
        cx.emit(TaskReleased { id: task.id.clone(), reason: ReleaseReason::Released, resting })?;
        reap::end_reservations_of_task(cx, &task.id)?;
        TaskReply::of(cx, &task.id)
    }
}

/// Ends the hold of somebody outside of the store, if there is one.
fn end_outside(cx: &mut Deciding<'_>, id: &TaskId) -> Result<bool, OpError> {
    let task = cx.task(id)?;
    let Some(hold) = task.outside_holder() else { return Ok(false) };
    if cx.caller().authority == Authority::Agent {
        let message = format!("{id} is held outside of the store: ending that needs the access of an operator");
        return Err(Rejection::Denied { message, hint: "claim something else, or ask a person" }.into());
    }
    let now = cx.now().wall;
    outside::leave(cx, &task, hold, OutsideEnd::Forced, now)?;
    Ok(true)
}

/// Keeps the work so far as the task's result. A task that has a result that counts already, because its parts finished it, gets a note.
fn keep(cx: &mut Deciding<'_>, task: &Task, result: &str) -> Result<(), OpError> {
    let has_ended = task.state.is_finished() || task.state == TaskState::Review;
    cx.emit(TaskNoted {
        id: task.id.clone(),
        text: result.to_owned(),
        as_result: !has_ended && !seeded::is(seeded::WORK_BEFORE_PARTS_DROPPED),
    })
}

/// The task, when its last grant was the caller's, who gave it up by splitting it: its work until then is still welcome.
fn split_by_me(cx: &Deciding<'_>, id: &TaskId, token: Option<Token>) -> Result<Option<Task>, OpError> {
    let task = cx.task(id)?;
    let session = &cx.me()?.session;
    let is_mine = |grant: &Grant| grant.session == *session && token.is_none_or(|token| token == grant.token);
    let by_me = task.grant.as_ref().is_some_and(|grant| grant.end == Some(GrantEnd::Split) && is_mine(grant));
    Ok(Some(task).filter(|_| by_me))
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
    let base = cx.view().identity().base();
    let grant = fence(&task, FenceCaller { session, token, held_before, base }, holder.as_ref(), cx.now())?.cloned();
    Ok((task, grant))
}

/// The task and its grant, when the caller holds it, whether its TTL has passed or not.
pub(crate) fn held_by_me(cx: &Deciding<'_>, verb: &'static str, id: &TaskId, token: Option<Token>) -> Result<(Task, Grant), OpError> {
    match granted_to_me(cx, id, token)? {
        (task, Some(grant)) if grant.end.is_none() => Ok((task, grant)),
        (task, _) => Err(Rejection::StateConflict { verb, task: task.id, state: task.state, why: None }.into()),
    }
}
