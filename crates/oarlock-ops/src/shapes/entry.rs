//! ENTRY.

use oarlock_model::state::Entry;
use oarlock_model::{AgentName, StateKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shapes::rfc3339;

/// ENTRY.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct EntryShape {
    pub key: StateKey,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub value: Option<Value>,
    pub version: u64,
    pub updated_at: String,
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
