//! `state-set`: merges into an entry, or replaces it.

use clap::Args;
use oarlock_model::rules::merge;
use oarlock_model::{Rejection, StateKey, event, limits, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::local::Local;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::shapes::EntryShape;
use crate::task::values;

/// Merge JSON into a state entry (RFC 7396), or replace the entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Args)]
pub struct StateSet {
    /// The entry, for example build/last
    pub key: StateKey,
    /// The JSON value, - reads standard input; null members remove keys while merging
    #[arg(value_name = "JSON", value_parser = json_argument)]
    pub value: Value,
    /// Replace the whole value instead of merging
    #[arg(long)]
    #[serde(default)]
    pub replace: bool,
    /// Write only if the entry has this version; 0 means that it does not exist
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_version: Option<u64>,
}

/// The reply of operations on one entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EntryReply {
    /// The entry.
    pub state: EntryShape,
}

/// The mark for standard input until that is read; nobody can type it.
const STDIN: &str = "\0-";

/// Reads a JSON argument of the command line.
pub(crate) fn json_argument(text: &str) -> Result<Value, OpError> {
    if text == "-" { Ok(Value::from(STDIN)) } else { values::parse_json("the value", text) }
}

/// Reads standard input where a JSON argument was `-`.
pub(crate) fn read_if_dash(value: &mut Value, local: &mut dyn Local) -> Result<(), OpError> {
    if value.as_str() == Some(STDIN) {
        *value = values::parse_json("standard input", &local.read_text("-", limits::BODY_BYTES_MAX)?)?;
    }
    Ok(())
}

impl Request for StateSet {
    const VERB: &'static str = "state-set";
    const ABOUT: &'static str = "Merge JSON into a state entry, or replace it";
    const EXAMPLE: &'static [&'static str] = &["build/last", "{\"ok\":true}"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = EntryReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        read_if_dash(&mut self.value, local)
    }

    fn check(&self) -> Result<(), Rejection> {
        values::check_json("the value", &self.value)
    }
}

impl Mutation for StateSet {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Entry(self.key.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<EntryReply, OpError> {
        let version = writable_version(cx, &self.key, self.if_version)?;
        let value = if self.replace { self.value.clone() } else { merged(cx, &self.key, self.value.clone())? };
        write(cx, &self.key, value, version + 1)
    }
}

/// The version of an entry that the caller may write, and whose version is the one it expects.
pub(crate) fn writable_version(cx: &Deciding<'_>, key: &StateKey, if_version: Option<u64>) -> Result<u64, OpError> {
    if key.owner().is_some_and(|owner| owner != cx.me().map_or("", |me| me.name.as_str())) {
        let message = format!("state entry {key} belongs to another agent, and only its owner writes it");
        return Err(Rejection::Denied {
            message,
            hint: "write an entry of your own with `oarlock sync`, or a shared one under another key",
        }
        .into());
    }
    let entry = cx.view().entry(key)?;
    let visible = entry.as_ref().filter(|entry| entry.value.is_some()).map_or(0, |entry| entry.version);
    match if_version {
        Some(expected) if expected != visible => Err(Rejection::VersionConflict { key: key.clone(), expected, actual: visible }.into()),
        _ if seeded::is(seeded::VERSIONS_START_ANEW) => Ok(visible),
        _ => Ok(entry.map_or(0, |entry| entry.version)),
    }
}

/// The entry's value with `patch` merged into it.
pub(crate) fn merged(cx: &Deciding<'_>, key: &StateKey, patch: Value) -> Result<Value, OpError> {
    let mut value = cx.view().entry(key)?.and_then(|entry| entry.value).unwrap_or(Value::Null);
    merge::merge(&mut value, patch);
    values::check_json("the merged value", &value)?;
    Ok(value)
}

/// Writes a value with its version.
pub(crate) fn write(cx: &mut Deciding<'_>, key: &StateKey, value: Value, version: u64) -> Result<EntryReply, OpError> {
    cx.emit(event::StateSet { key: key.clone(), value, version })?;
    let entry = cx.view().entry(key)?.ok_or_else(|| OpError::Internal(format!("state entry {key} was just written")))?;
    Ok(EntryReply { state: entry.into() })
}
