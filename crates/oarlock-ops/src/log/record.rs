//! Writing into the log what stands elsewhere. No door lists it: only the bridge to RALF's files orders it.

use clap::Args;
use oarlock_model::event::{Fact, RalfConflict, RalfEvent};
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::task::values;

/// Tells the log what RALF's files say: events of agents that know only them, and where they contradict the store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Record {
    /// Events in the order in which they stand in the files; at most 1,000.
    #[arg(skip)]
    #[serde(default)]
    pub events: Vec<RalfEvent>,
    /// Contradictions; one that its task's history has as the last of its kind is not told again.
    #[arg(skip)]
    #[serde(default)]
    pub conflicts: Vec<RalfConflict>,
}

/// The reply of [`Record`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordReply {
    /// How many were new.
    pub recorded: usize,
}

impl Request for Record {
    const VERB: &'static str = "record";
    const ABOUT: &'static str = "Tell the log what stands in RALF's files";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = RecordReply;

    fn check(&self) -> Result<(), Rejection> {
        values::check_list("events", self.events.len())?;
        values::check_list("conflicts", self.conflicts.len())?;
        self.events.iter().try_for_each(|event| values::check_json("an event", &Value::Object(event.fields.clone())))
    }
}

impl Mutation for Record {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Graph]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<RecordReply, OpError> {
        let mut recorded = 0;
        for event in &self.events {
            cx.emit(RalfEvent { task: known(cx, event.task.as_ref())?, ..event.clone() })?;
            recorded += 1;
        }
        for conflict in &self.conflicts {
            let conflict = RalfConflict { task: known(cx, conflict.task.as_ref())?, ..conflict.clone() };
            let last = cx.view().last_event_of(&conflict.subject, "ralf_conflict")?;
            if !last.is_some_and(|last| last.fact == Fact::RalfConflict(conflict.clone())) {
                cx.emit(conflict)?;
                recorded += 1;
            }
        }
        Ok(RecordReply { recorded })
    }
}

/// The task, if the store has it.
fn known(cx: &Deciding<'_>, task: Option<&TaskId>) -> Result<Option<TaskId>, OpError> {
    match task {
        Some(task) => Ok(cx.view().task_state(task)?.map(|_| task.clone())),
        None => Ok(None),
    }
}
