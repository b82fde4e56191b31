//! Writing the state that an agent reports elsewhere into its entry. No door lists it: only the bridge to RALF's files calls it.

use clap::Args;
use oarlock_model::event::{Fact, StateDeleted, StateSet};
use oarlock_model::{AgentName, Rejection, StateKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::state::set::merged;
use crate::task::values;

/// Writes an agent's own entry for it. Anyone who only says how it is has not joined by that, and is not there for others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Args)]
pub struct ReportState {
    /// The agent.
    pub name: AgentName,
    /// Its state; absent to take it away, which is no error where there is none.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Merge it into the present value.
    #[arg(long)]
    #[serde(default)]
    pub merge: bool,
}

/// The reply of [`ReportState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportStateReply {
    /// The version of the entry; 0 where there is none now.
    pub version: u64,
}

impl Request for ReportState {
    const VERB: &'static str = "report-state";
    const ABOUT: &'static str = "Write the state of an agent that has not joined";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ReportStateReply;

    fn check(&self) -> Result<(), Rejection> {
        self.value.as_ref().map_or(Ok(()), |value| values::check_json("the state", value))
    }
}

impl Mutation for ReportState {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Entry(StateKey::of_agent(&self.name))]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<ReportStateReply, OpError> {
        let key = StateKey::of_agent(&self.name);
        let entry = cx.view().entry(&key)?;
        let version = entry.as_ref().map_or(0, |entry| entry.version) + 1;
        let fact: Fact = match &self.value {
            Some(value) => {
                let value = if self.merge { merged(cx, &key, value.clone())? } else { value.clone() };
                StateSet { key, value, version }.into()
            }
            None if entry.is_some_and(|entry| entry.value.is_some()) => StateDeleted { key, version }.into(),
            None => return Ok(ReportStateReply { version: 0 }),
        };
        // In its name, and by none of its sessions.
        cx.emit_as(Some(self.name.clone()), None, fact)?;
        Ok(ReportStateReply { version: if self.value.is_some() { version } else { 0 } })
    }
}
