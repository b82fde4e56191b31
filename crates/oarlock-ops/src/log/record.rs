//! Writing into the log what systems outside report. No door lists it: only bridges order it.

use clap::Args;
use oarlock_model::event::{External, Fact};
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::task::values;

/// Writes reports of an outside system to the log: events there, and contradictions with the store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Record {
    /// The events there, in order; at most 1,000.
    #[arg(skip)]
    #[serde(default)]
    pub events: Vec<External>,
    /// Contradictions. One that is already the last of its kind in its task's history is not written again.
    #[arg(skip)]
    #[serde(default)]
    pub conflicts: Vec<External>,
}

/// The reply of [`Record`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordReply {
    /// How many were new.
    pub recorded: usize,
}

impl Request for Record {
    const VERB: &'static str = "record";
    const ABOUT: &'static str = "Log the state of RALF's files";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = RecordReply;

    fn check(&self) -> Result<(), Rejection> {
        values::check_list("events", self.events.len())?;
        values::check_list("conflicts", self.conflicts.len())?;
        self.events
            .iter()
            .chain(&self.conflicts)
            .flat_map(|event| event.data().values())
            .try_for_each(|value| values::check_json("an event", value))
    }
}

impl Mutation for Record {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Graph]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<RecordReply, OpError> {
        let mut recorded = 0;
        for event in &self.events {
            cx.emit(event.clone().of_task(known(cx, event.task())?))?;
            recorded += 1;
        }
        for conflict in &self.conflicts {
            let conflict = conflict.clone().of_task(known(cx, conflict.task())?);
            let last = match conflict.task() {
                Some(task) => cx.view().last_event_of(task.as_str(), conflict.kind().word)?,
                None => None,
            };
            if !last.is_some_and(|last| last.fact == Fact::External(conflict.clone())) {
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
