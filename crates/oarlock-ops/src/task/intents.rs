//! Settling intents that a killed call has left. No door lists it: anyone who holds the lock of the files beside the store orders it.

use clap::Args;
use oarlock_model::event::TaskClaimed;
use oarlock_model::rules::intent::{Settled, settle};
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::reap::drop_intent;
use crate::request::{Mutation, Request};
use crate::task::values;

/// Settles intents to grant tasks, by what the files show of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct SettleIntents {
    /// Tasks that the files show as taken by whom they are intended for.
    #[arg(skip)]
    #[serde(default)]
    pub marked: Vec<TaskId>,
    /// Tasks that they do not show so.
    #[arg(skip)]
    #[serde(default)]
    pub unmarked: Vec<TaskId>,
}

/// The reply of [`SettleIntents`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettleIntentsReply {
    /// Tasks that are granted now.
    pub granted: Vec<TaskId>,
    /// Tasks that were not.
    pub dropped: Vec<TaskId>,
}

impl Request for SettleIntents {
    const VERB: &'static str = "settle-intents";
    const ABOUT: &'static str = "Settle intents of killed calls";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = SettleIntentsReply;

    fn check(&self) -> Result<(), Rejection> {
        values::check_list("intents", self.marked.len() + self.unmarked.len())
    }
}

impl Mutation for SettleIntents {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Everything]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<SettleIntentsReply, OpError> {
        let mut reply = SettleIntentsReply::default();
        let all = self.marked.iter().map(|id| (id, true)).chain(self.unmarked.iter().map(|id| (id, false)));
        for (id, is_marked) in all {
            let Some(task) = cx.view().task(id)? else { continue };
            let Some(intent) = task.intent().cloned() else { continue };
            match settle(&intent, is_marked, cx.view().agent(&intent.agent)?.as_ref()) {
                Settled::Granted => {
                    let (token, ttl_ms, reserve) = (intent.token, intent.ttl_ms, intent.reserve);
                    let fact = TaskClaimed { id: id.clone(), token, ttl_ms, attempt: task.attempt, reserve, after: None };
                    cx.emit_as(Some(intent.agent), Some(intent.session), fact.into())?;
                    reply.granted.push(id.clone());
                }
                Settled::Dropped => {
                    drop_intent(cx, &task, true)?;
                    reply.dropped.push(id.clone());
                }
            }
        }
        Ok(reply)
    }
}
