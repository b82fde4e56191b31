//! `fail`: an attempt failed (semantics 11).

use clap::Args;
use oarlock_model::event::{DeathReason, TaskDied, TaskFailed, TaskUpdated};
use oarlock_model::rules::retry;
use oarlock_model::task::Resting;
use oarlock_model::{Rejection, TaskId, Token};
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
use crate::task::release::held_by_me;
use crate::task::{rest, urgency, values};

/// Report a failed attempt. The task is retried after a pause, until its attempts are used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Fail {
    /// The task
    pub id: TaskId,
    /// The lease's token [default: the session's own]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// Why it failed; - reads standard input
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Do not retry: the task is dead at once
    #[arg(long)]
    #[serde(default)]
    pub no_retry: bool,
}

impl Request for Fail {
    const VERB: &'static str = "fail";
    const ABOUT: &'static str = "Report a failed attempt";
    const EXAMPLE: &'static [&'static str] = &["T-1", "--reason", "the tests do not pass"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = TaskReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        local.read_if_dash(&mut self.reason)
    }

    fn check(&self) -> Result<(), Rejection> {
        if self.reason.trim().is_empty() {
            return Err(Rejection::invalid("the reason is empty", "say what went wrong, so that the next attempt can do better"));
        }
        values::check_text("reason", &self.reason, oarlock_model::limits::BODY_BYTES_MAX)
    }
}

impl Mutation for Fail {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        let (task, grant) = held_by_me(cx, "fail", &self.id, self.token)?;
        let failures = task.failures + 1;
        let death = if self.no_retry { Some(DeathReason::NoRetry) } else { retry::death_by_failure(failures, task.spec.max_attempts) };
        let retry_at = match death {
            Some(_) => None,
            None => Some(cx.now().store.plus_ms(retry::backoff_ms(cx.settings().retry_first.as_ms(), failures, grant.token))),
        };
        cx.emit(TaskFailed { id: task.id.clone(), token: grant.token, reason: self.reason.clone(), failures, retry_at })?;
        if let Some(reason) = death {
            let unmet_needs = rest::unmet_needs(cx.view(), &task)?;
            cx.emit(TaskDied { id: task.id.clone(), reason, failures, losses: task.losses })?;
            urgency::refresh(cx, unmet_needs)?;
        } else if let place @ (Resting::Blocked | Resting::Waiting) = rest::resting_place(cx.view(), &cx.task(&task.id)?)? {
            // While it was held it got parts or needs: its pause ends in vain until they are done.
            cx.emit(TaskUpdated::derived(task.id.clone(), None, Some(place)))?;
        }
        reap::end_reservations_of_task(cx, &task.id)?;
        TaskReply::of(cx, &task.id)
    }
}
