//! ENTRY.

use oarlock_model::state::Entry;
use oarlock_model::{AgentName, StateKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shapes::rfc3339;

/// An entry of the shared state: ENTRY of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EntryShape {
    /// The key.
    pub key: StateKey,
    /// The JSON value, which may be null; absent for an entry that was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub value: Option<Value>,
    /// The version. It rises with every change of the key and never goes back.
    pub version: u64,
    /// The time of the last change, in RFC 3339.
    pub updated_at: String,
    /// The agent that made the last change; absent where the caller had no identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<AgentName>,
}

/// A value that is there, `null` included: an entry may hold it.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl From<Entry> for EntryShape {
    fn from(entry: Entry) -> Self {
        Self {
            key: entry.key,
            value: entry.value,
            version: entry.version,
            updated_at: rfc3339(entry.updated_at),
            updated_by: entry.updated_by,
        }
    }
}
