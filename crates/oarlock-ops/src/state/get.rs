//! `state`: reads entries.

use clap::Args;
use oarlock_model::{Rejection, StateKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::context::Reading;
use crate::request::{Identity, Query, Request};
use crate::shapes::EntryShape;
use crate::task::values;

/// Shows state entries: one, those with a prefix, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct GetState {
    /// The entry, for example agent/ada
    pub key: Option<StateKey>,
    /// All entries whose key begins so
    #[arg(long, value_name = "P", conflicts_with = "key")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// The reply of [`GetState`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GetStateReply {
    /// The entries, by key.
    pub entries: Vec<EntryShape>,
}

impl Request for GetState {
    const VERB: &'static str = "state";
    const ABOUT: &'static str = "Show state entries";
    const EXAMPLE: &'static [&'static str] = &["--prefix", "agent/"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = GetStateReply;

    fn check(&self) -> Result<(), Rejection> {
        values::check_note("prefix", self.prefix.as_deref())
    }
}

impl Query for GetState {
    fn answer(&self, cx: &Reading<'_>) -> Result<GetStateReply, OpError> {
        let entries = match &self.key {
            Some(key) => {
                let entry = cx.view.entry(key)?.filter(|entry| entry.value.is_some());
                vec![entry.ok_or_else(|| Rejection::not_found("state entry", key))?]
            }
            None => cx.view.entries(self.prefix.as_deref().unwrap_or(""))?,
        };
        Ok(GetStateReply { entries: entries.into_iter().map(EntryShape::from).collect() })
    }
}
