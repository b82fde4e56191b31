//! `leave`: ends the caller's session and gives back everything it held.

use clap::Args;
use oarlock_model::TaskId;
use oarlock_model::agent::Agent;
use oarlock_model::event::{AgentLeft, LeaveReason, ReleaseReason, TaskReleased};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::call::Caller;
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Identity, Mutation, Request};
use crate::settle;
use crate::task::rest;

/// Ends the session; its tasks are ready again at once, its reservations end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Leave {}

/// The reply of [`Leave`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeaveReply {
    /// The tasks it held.
    pub released: Vec<TaskId>,
}

impl Request for Leave {
    const VERB: &'static str = "leave";
    const ABOUT: &'static str = "End the session and release everything it holds";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = LeaveReply;
}

impl Mutation for Leave {
    fn locks(&self, caller: &Caller) -> Vec<Lock> {
        own_lock(caller)
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<LeaveReply, OpError> {
        let me = cx.me()?.clone();
        let released = free(cx, &me, ReleaseReason::Left)?;
        cx.emit(AgentLeft { name: me.name, session: me.session, reason: LeaveReason::Left })?;
        Ok(LeaveReply { released })
    }
}

/// The lock on the calling agent; a caller known only by its processes may be anyone.
pub(crate) fn own_lock(caller: &Caller) -> Vec<Lock> {
    vec![caller.agent_name().map_or(Lock::Roster, Lock::Agent)]
}

/// Gives back everything a session holds.
pub(crate) fn free(cx: &mut Deciding<'_>, agent: &Agent, reason: ReleaseReason) -> Result<Vec<TaskId>, OpError> {
    let held = cx.view().claims_of(&agent.session)?;
    for id in &held {
        let task = cx.task(id)?;
        let resting = rest::resting_place(cx.view(), &task)?;
        cx.emit(TaskReleased { id: id.clone(), reason, resting })?;
    }
    settle::end_reservations_of(cx, &agent.session)?;
    Ok(held)
}
