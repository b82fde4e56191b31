//! `state`: reads entries.

use clap::Args;
use oarlock_model::{Rejection, StateKey, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::cursor;
use crate::page;
use crate::request::{Query, Request, is_list};
use crate::shapes::EntryShape;
use crate::store::EntryPage;
use crate::task::values;

/// Show one state entry, all with a prefix, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct GetState {
    /// The entry, for example agent/ada
    pub key: Option<StateKey>,
    /// All entries whose key begins with P
    #[arg(long, value_name = "P", conflicts_with = "key")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after the `next` of a page
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The reply of [`GetState`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GetStateReply {
    /// The entries, by key.
    pub entries: Vec<EntryShape>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Request for GetState {
    const VERB: &'static str = "state";
    const ABOUT: &'static str = "Show state entries";
    const EXAMPLE: &'static [&'static str] = &["--prefix", "agent/"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = GetStateReply;

    is_list!();

    fn check(&self) -> Result<(), Rejection> {
        values::check_note("prefix", self.prefix.as_deref())?;
        values::page_limit(self.limit)?;
        cursor::check(self.after.as_deref())
    }
}

impl Query for GetState {
    fn answer(&self, cx: &Reading<'_>) -> Result<GetStateReply, OpError> {
        if let Some(key) = &self.key {
            let entry = cx.view.entry(key)?.filter(|entry| entry.value.is_some());
            let entry = entry.ok_or_else(|| Rejection::not_found("state entry", key))?;
            return Ok(GetStateReply { entries: vec![EntryShape::from(entry)], next: None });
        }
        let prefix = self.prefix.as_deref().unwrap_or("");
        let after: Option<StateKey> = cursor::place(cx.view, self.after.as_deref())?;
        let limit = values::page_limit(self.limit)?;
        let entries = cx.view.entries(prefix, &EntryPage { after: after.as_ref(), limit, bytes_max: limits::PAGE_BYTES_MAX })?;
        let last = entries.last().map(|entry| entry.key.clone());
        let rest = EntryPage { after: last.as_ref(), limit: 1, bytes_max: limits::PAGE_BYTES_MAX };
        let is_cut = last.is_some() && !cx.view.entries(prefix, &rest)?.is_empty();
        let next = last.filter(|_| page::goes_on(is_cut)).map(|key| cursor::after_place(cx.view, &key)).transpose()?;
        Ok(GetStateReply { entries: entries.into_iter().map(EntryShape::from).collect(), next })
    }
}
