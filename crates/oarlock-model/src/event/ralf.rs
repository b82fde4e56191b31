//! Facts that stand in RALF's files, told to those who look at the log only.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ident::TaskId;

/// See [`Fact::RalfEvent`](super::Fact::RalfEvent).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RalfEvent {
    /// The file that it stands in, from the project's root.
    pub file: String,
    /// The task that it is about, where the store has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// All its fields, as written: untrusted data.
    pub fields: Map<String, Value>,
}

/// See [`Fact::RalfConflict`](super::Fact::RalfConflict).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RalfConflict {
    /// What they contradict each other about: a task's id, or the key of a state entry.
    pub subject: String,
    /// The task, where it is about one that the store has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// What the files say.
    pub files: String,
    /// What the store says.
    pub store: String,
    /// Which of them counts: `files` or `store`.
    pub kept: String,
}
