//! `cancel`: calls a task off, and its parts with it.

use clap::Args;
use oarlock_model::event::TaskCancelled;
use oarlock_model::rules::authority::Authority;
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::call::Caller;
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Identity, Mutation, Request};
use crate::settle;
use crate::task::add::TaskReply;

/// Calls an unfinished task off, and its unfinished parts with it; holders hear it with their next heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Cancel {
    /// The task
    pub id: TaskId,
}

impl Request for Cancel {
    const VERB: &'static str = "cancel";
    const ABOUT: &'static str = "Call a task off, and its parts with it";
    const EXAMPLE: &'static [&'static str] = &["T-1"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;
}

impl Mutation for Cancel {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Graph, Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        let task = cx.task(&self.id)?;
        if task.state.is_finished() {
            return Err(Rejection::StateConflict { verb: "cancel", task: task.id, state: task.state, why: None }.into());
        }
        let authority = cx.caller().authority;
        let me = cx.caller().agent_name();
        let mut open = vec![(task.id, None)];
        while let Some((id, with_parent)) = open.pop() {
            if authority != Authority::Operator {
                authority.check_cancel(me.as_ref(), &cx.task(&id)?)?;
            }
            cancel_one(cx, &id, with_parent)?;
            for child in cx.view().children(&id)? {
                // Dead parts stay dead letters: they can be looked at and requeued.
                if cx.view().task_state(&child)?.is_some_and(|state| !state.is_finished()) {
                    open.push((child, Some(id.clone())));
                }
            }
        }
        TaskReply::of(cx, &self.id)
    }
}

fn cancel_one(cx: &mut Deciding<'_>, id: &TaskId, with_parent: Option<TaskId>) -> Result<(), OpError> {
    let was_claimed = cx.view().task_state(id)? == Some(TaskState::Claimed);
    cx.emit(TaskCancelled { id: id.clone(), with_parent })?;
    if was_claimed { settle::end_reservations_of_task(cx, id) } else { Ok(()) }
}
