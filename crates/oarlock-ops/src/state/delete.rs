//! `state-delete`: removes an entry; its version lives on.

use clap::Args;
use oarlock_model::{Rejection, StateKey, event};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::state::set::{EntryReply, writable_version};

/// Delete a state entry. If it is written again, its version continues to rise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct StateDelete {
    /// The entry
    pub key: StateKey,
    /// Delete only if the entry has this version
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_version: Option<u64>,
}

impl Request for StateDelete {
    const VERB: &'static str = "state-delete";
    const ABOUT: &'static str = "Delete a state entry";
    const EXAMPLE: &'static [&'static str] = &["build/last"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = EntryReply;
}

impl Mutation for StateDelete {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Entry(self.key.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<EntryReply, OpError> {
        let version = writable_version(cx, &self.key, self.if_version)?;
        if cx.view().entry(&self.key)?.is_none_or(|entry| entry.value.is_none()) {
            return Err(Rejection::not_found("state entry", &self.key).into());
        }
        cx.emit(event::StateDeleted { key: self.key.clone(), version: version + 1 })?;
        let entry = cx.view().entry(&self.key)?.ok_or_else(|| OpError::Internal(format!("state entry {} was just deleted", self.key)))?;
        Ok(EntryReply { state: entry.into() })
    }
}
