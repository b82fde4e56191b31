//! `heartbeat`: presence, and all leases of the session renewed in one write (semantics 9).

use clap::Args;
use oarlock_model::agent::{Agent, Presence};
use oarlock_model::state::EndedReservation;
use oarlock_model::{Rejection, StoreTime, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::agent::leave::own_lock;
use crate::agent::notices::{self, Notices};
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::shapes::AgentShape;
use crate::store::{Durability, unread_count};
use crate::task::values;

/// Report that the agent is alive, and renew all its leases. The reply lists lost and cancelled tasks and new messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Heartbeat {
    /// Its status, for example busy
    #[arg(long, value_name = "S")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its current action
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// The reply of [`Heartbeat`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeartbeatReply {
    /// The agent.
    pub agent: AgentShape,
    /// How many leases were renewed.
    pub renewed: usize,
    /// Tasks whose lease it lost since the last heartbeat: stop working on them.
    pub lost: Vec<TaskId>,
    /// Tasks that were cancelled under it since the last heartbeat: stop working on them.
    pub cancelled: Vec<TaskId>,
    /// Tasks it holds that got a need that is not done, since the last heartbeat: `oarlock task ID` shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<TaskId>,
    /// Reservations that ended since the last heartbeat without its doing: reserve again before writing there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations_ended: Vec<EndedReservation>,
    /// Messages that it has neither acknowledged nor been shown.
    pub unread: u64,
}

impl Request for Heartbeat {
    const VERB: &'static str = "heartbeat";
    const ABOUT: &'static str = "Report that the agent is alive and renew all its leases";
    const EXAMPLE: &'static [&'static str] = &["--action", "running the tests"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = HeartbeatReply;

    fn check(&self) -> Result<(), Rejection> {
        values::check_note("status", self.status.as_deref())?;
        values::check_note("action", self.action.as_deref())
    }
}

impl Mutation for Heartbeat {
    const DURABILITY: Durability = Durability::Presence;

    fn locks(&self, caller: &Caller) -> Vec<Lock> {
        own_lock(caller)
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<HeartbeatReply, OpError> {
        let me = self.beat(cx)?;
        let Notices { lost, cancelled, blocked, reservations_ended } = notices::take(cx)?;
        let agent = AgentShape::of(&cx.reading(), &me)?;
        Ok(HeartbeatReply {
            renewed: agent.claims.len(),
            lost,
            cancelled,
            blocked,
            reservations_ended,
            unread: unread_count(cx.view(), &me.name)?,
            agent,
        })
    }
}

impl Heartbeat {
    /// Writes the caller's presence, which renews all that its session holds; says what it is now.
    pub(crate) fn beat(&self, cx: &mut Deciding<'_>) -> Result<Agent, OpError> {
        let mut me = cx.me()?.clone();
        let now = cx.now();
        let presence = &mut me.presence;
        presence.seen = now.store;
        presence.seen_wall = now.wall;
        presence.beat = now.store;
        self.tell(presence, now.store);
        cx.tx().write_presence(&me.name, &me.presence)?;
        Ok(me)
    }

    /// Notes what it says at this moment. What it does not speak of stays as it was; a new action is progress.
    pub(crate) fn tell(&self, presence: &mut Presence, at: StoreTime) {
        if self.action.is_some() && self.action != presence.action {
            presence.progressed = presence.progressed.max(at);
        }
        if self.status.is_some() {
            presence.status.clone_from(&self.status);
        }
        if self.action.is_some() {
            presence.action.clone_from(&self.action);
        }
    }
}
