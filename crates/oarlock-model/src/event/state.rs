//! Facts about state entries.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ident::StateKey;

/// See [`Fact::StateSet`](super::Fact::StateSet).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateSet {
    /// The entry.
    pub key: StateKey,
    /// Its whole value now.
    pub value: Value,
    /// Its version now.
    pub version: u64,
}

/// See [`Fact::StateDeleted`](super::Fact::StateDeleted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateDeleted {
    /// The entry.
    pub key: StateKey,
    /// The version of the deletion; the next value gets a higher one.
    pub version: u64,
}
