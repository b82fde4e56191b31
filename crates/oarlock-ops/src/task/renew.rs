//! `renew`: extends all leases of the session, or one, and shows how far the work is.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::event::TaskProgressed;
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId, Token, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::agent::Heartbeat;
use crate::agent::leave::own_lock;
use crate::agent::notices::{self, Notices};
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::shapes::LeaseShape;
use crate::store::unread_count;
use crate::task::release::held_by_me;
use crate::task::{rest, values};

/// Extend your leases and reservations from now on, or the lease of one task. Expired leases are extended too, unless the task was granted
/// again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Renew {
    /// The task [default: all leases and reservations of the session]
    pub id: Option<TaskId>,
    /// The lease's token [default: the session's own]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// A new TTL [default: unchanged]
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
    /// The lease of the task that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseShape>,
    /// All leases of the session, when none was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leases: Option<Vec<LeaseShape>>,
    /// Notices about its other work.
    #[serde(flatten)]
    pub notices: Notices,
    /// Needs that the task which was named got while it was held, and that are not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<TaskId>,
    /// Messages that the agent has neither acknowledged nor been shown.
    #[serde(default)]
    pub unread: u64,
}

impl Request for Renew {
    const VERB: &'static str = "renew";
    const ABOUT: &'static str = "Extend leases and list news";
    const EXAMPLE: &'static [&'static str] = &["T-1", "--progress", "50"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = RenewReply;

    fn check(&self) -> Result<(), Rejection> {
        values::check_note("note", self.note.as_deref())?;
        let is_of_one = self.token.is_some() || self.ttl.is_some() || self.progress.is_some() || self.note.is_some();
        if self.id.is_none() && is_of_one {
            return Err(Rejection::invalid(
                "a token, TTL, progress or note without a task",
                "name the task, for example `oarlock renew T-1 --progress 50`",
            ));
        }
        match self.progress {
            Some(p) if p > limits::PROGRESS_MAX => {
                Err(Rejection::invalid(format!("progress {p} is out of range"), "progress goes from 0 to 100"))
            }
            _ => Ok(()),
        }
    }
}

impl Mutation for Renew {
    fn locks(&self, caller: &Caller) -> Vec<Lock> {
        self.id.clone().map_or_else(|| own_lock(caller), |id| vec![Lock::Task(id)])
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<RenewReply, OpError> {
        let (lease, leases) = match &self.id {
            Some(id) => (Some(self.renew(cx, id)?), None),
            None => (None, Some(renew_all(cx)?)),
        };
        let blocked_by = match &self.id {
            Some(id) => rest::unmet_needs(cx.view(), &cx.task(id)?)?,
            None => Vec::new(),
        };
        let notices = notices::take(cx)?;
        Ok(RenewReply { lease, leases, notices, blocked_by, unread: unread_count(cx.view(), &cx.me()?.name)? })
    }
}

impl Renew {
    fn renew(&self, cx: &mut Deciding<'_>, id: &TaskId) -> Result<LeaseShape, OpError> {
        let (task, grant) = held_by_me(cx, "renew", id, self.token)?;
        let ttl_ms = self.ttl.map_or(grant.ttl_ms, Duration::as_ms);
        let now = cx.now().store;
        cx.tx().write_renewal(&task.id, now, ttl_ms)?;
        if self.progress.is_some() || self.note.is_some() {
            cx.emit(TaskProgressed { id: task.id.clone(), progress: self.progress, note: self.note.clone() })?;
        }
        lease_of(cx, &task.id)
    }
}

/// Renews all that the session holds, in one write.
fn renew_all(cx: &mut Deciding<'_>) -> Result<Vec<LeaseShape>, OpError> {
    let me = Heartbeat::default().beat(cx)?;
    cx.view().claims_of(&me.session)?.iter().map(|id| lease_of(cx, id)).collect()
}

/// The lease of a task that the caller holds.
fn lease_of(cx: &Deciding<'_>, id: &TaskId) -> Result<LeaseShape, OpError> {
    let task = cx.task(id)?;
    debug_assert_eq!(task.state, TaskState::Claimed);
    LeaseShape::of(&cx.reading(), &task)?.ok_or_else(|| OpError::Internal(format!("task {id} is held and has no lease")))
}
