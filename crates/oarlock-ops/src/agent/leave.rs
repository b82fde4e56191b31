//! `leave`: ends the caller's session and gives back everything it held.

use clap::Args;
use oarlock_model::agent::Agent;
use oarlock_model::event::{AgentLeft, LeaveReason, ReleaseReason, TaskReleased};
use oarlock_model::{TaskId, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::portions::Extent;
use crate::proposal::close;
use crate::reap;
use crate::request::{Mutation, Request};
use crate::task::rest;

/// End the session. Its tasks are ready again at once, and its reservations end.
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
        let mut progress = cx.take_progress();
        if free(cx, &me, ReleaseReason::Left, &mut progress.tasks)? == Extent::Part {
            return Err(cx.go_on_later(progress));
        }
        cx.emit(AgentLeft { name: me.name, session: me.session, reason: LeaveReason::Left })?;
        close::where_reached(cx)?;
        Ok(LeaveReply { released: progress.tasks })
    }
}

/// The lock on the calling agent; a caller known only by its processes may be anyone.
pub(crate) fn own_lock(caller: &Caller) -> Vec<Lock> {
    vec![caller.agent_name().map_or(Lock::Roster, Lock::Agent)]
}

/// Gives back what a session holds, as much as fits into this portion; the tasks go to `released`. The session lives until it holds
/// nothing any more: cut off between portions, it holds less.
pub(crate) fn free(cx: &mut Deciding<'_>, agent: &Agent, reason: ReleaseReason, released: &mut Vec<TaskId>) -> Result<Extent, OpError> {
    let (held, reserved) = reap::first_held(cx, &agent.session)?;
    let is_one_portion = held.len() + reserved < cx.room();
    for id in held {
        if cx.room() == 0 {
            return Ok(if seeded::is(seeded::LEASES_LEFT_BEHIND) { Extent::All } else { Extent::Part });
        }
        let task = cx.task(&id)?;
        if task.intent().is_some() {
            // Nobody was informed that it had it.
            reap::drop_intent(cx, &task, true)?;
            continue;
        }
        let resting = rest::resting_place(cx.view(), &task)?;
        cx.emit(TaskReleased { id: id.clone(), reason, resting })?;
        if !is_one_portion {
            // What came with a lease must not be there longer than it.
            reap::end_reservations_of_task(cx, &id)?;
        }
        released.push(id);
    }
    reap::end_reservations_of(cx, &agent.session)
}
