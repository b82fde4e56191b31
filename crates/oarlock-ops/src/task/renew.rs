//! `renew`: extends one lease, and tells how far the work is.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::event::TaskProgressed;
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId, Token, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::call::Caller;
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Identity, Mutation, Request};
use crate::shapes::LeaseShape;
use crate::task::release::held_by_me;
use crate::task::{finish, values};

/// Extends the lease from now on, also one that has expired but was not granted again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Renew {
    /// The task
    pub id: TaskId,
    /// The token of the lease; without it the session's own lease is meant
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// A new TTL; without it the one it has
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// Percent done
    #[arg(long, value_name = "0..100", allow_negative_numbers = true, value_parser = clap::value_parser!(u8).range(0..=i64::from(limits::PROGRESS_MAX)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
    /// A note on the progress
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The reply of [`Renew`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RenewReply {
    /// The lease.
    pub lease: LeaseShape,
    /// Needs that the task got while it was held and that are not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<TaskId>,
    /// Messages that the agent has neither acknowledged nor been shown.
    #[serde(default)]
    pub unread: u64,
}

impl Request for Renew {
    const VERB: &'static str = "renew";
    const ABOUT: &'static str = "Extend a lease and tell the progress";
    const EXAMPLE: &'static [&'static str] = &["T-1", "--progress", "50"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = RenewReply;

    fn check(&self) -> Result<(), Rejection> {
        values::check_note("note", self.note.as_deref())?;
        match self.progress {
            Some(p) if p > limits::PROGRESS_MAX => {
                Err(Rejection::invalid(format!("progress {p} is out of range"), "progress goes from 0 to 100"))
            }
            _ => Ok(()),
        }
    }
}

impl Mutation for Renew {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<RenewReply, OpError> {
        let (task, grant) = held_by_me(cx, "renew", &self.id, self.token)?;
        let ttl_ms = self.ttl.map_or(grant.ttl_ms, Duration::as_ms);
        let now = cx.now().store;
        cx.tx().write_renewal(&task.id, now, ttl_ms)?;
        if self.progress.is_some() || self.note.is_some() {
            cx.emit(TaskProgressed { id: task.id.clone(), progress: self.progress, note: self.note.clone() })?;
        }
        let task = cx.task(&task.id)?;
        debug_assert_eq!(task.state, TaskState::Claimed);
        let lease = LeaseShape::of(&cx.reading(), &task)?;
        let unread = cx.view().unread(&cx.me()?.name)?;
        let blocked_by = finish::unmet_needs(cx, &task)?;
        lease
            .map(|lease| RenewReply { lease, blocked_by, unread })
            .ok_or_else(|| OpError::Internal(format!("task {} is held and has no lease", task.id)))
    }
}
