//! Heartbeats as they are remembered.

use serde::{Deserialize, Serialize};

/// The memory of an agent's heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Beat {
    /// The block as it was, as a digest.
    pub(crate) whole: String,
    /// The same without what every script rewrites.
    pub(crate) own: String,
    /// Its last sign of life, in milliseconds since 1970; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen_ms: Option<i64>,
    /// Whether it said that it has gone, and has given no sign of its own since.
    #[serde(default)]
    pub(crate) has_left: bool,
}
