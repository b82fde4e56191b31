//! The content of a project's files: agents, tasks, events, messages, states, each with its place.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::digest::digest;
use crate::task_file::{self, Folder};

/// Where something is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// From the project's root.
    pub file: String,
    /// From 1; 0 when it is not known.
    pub line: usize,
}

/// How far an agent's own time can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// It says when it was seen.
    Fine,
    /// It lies behind the file's last change: the agent counts as seen when the file changed.
    Future,
    /// It names no zone and is taken for UTC.
    NoZone,
    /// There is none.
    None,
}

/// An agent of a heartbeat file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agent {
    /// Its name in the file.
    pub name: String,
    /// `active`, `stale`, or `left`, for one that says so.
    pub state: &'static str,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its own description of its work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// How often its loop has gone round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loop_number: Option<i64>,
    /// The number of its run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_number: Option<i64>,
    /// When it was seen, in UTC, no later than the file was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// Milliseconds since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<i64>,
    /// After this many milliseconds it counts as stale.
    pub timeout_ms: i64,
    /// Whether its time can be believed.
    pub clock: Clock,
    /// The process that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u64>,
    /// Where it is.
    pub source: Source,
    /// All of its block.
    #[serde(skip)]
    pub(crate) fields: Map<String, Value>,
}

impl Agent {
    /// The fields that only the agent itself writes: scripts of others set time and status of every block, too.
    pub(crate) fn own_digest(&self) -> String {
        own_digest(&self.fields)
    }
}

/// A heartbeat block without its time and its status, as a digest.
pub(crate) fn own_digest(fields: &Map<String, Value>) -> String {
    let is_own = |(name, _): &(&String, &Value)| !matches!(name.as_str(), "last_seen" | "status");
    digest(&fields.iter().filter(is_own).collect::<BTreeMap<_, _>>())
}

/// A task file, or an item of the queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Task {
    /// Of its file or folder, or as the queue has it.
    pub id: String,
    /// One line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A state of the contract.
    pub state: &'static str,
    /// As it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// As it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// As it is written.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The task that it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Tasks that it names as needed.
    pub needs: Vec<String>,
    /// In minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate_minutes: Option<u32>,
    /// Who has taken it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<String>,
    /// The folder, of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<Folder>,
    /// Where it is.
    pub source: Source,
    /// The digest of its file's request, whatever its status; empty for an item of the queue.
    #[serde(skip)]
    pub(crate) digest: String,
    /// Since when it is taken, as an item of the queue says, in milliseconds since 1970; no later than the file was changed.
    #[serde(skip)]
    pub(crate) taken_ms: Option<i64>,
    /// The latest time that its item states, likewise.
    #[serde(skip)]
    pub(crate) moved_ms: Option<i64>,
}

impl Task {
    /// Whether its status line says that it is done.
    pub(crate) fn says_done(&self) -> bool {
        task_file::state(None, self.status.as_deref()) == "done"
    }
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// In UTC, where it states a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The task that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// All of it.
    pub data: Map<String, Value>,
    /// Where it is.
    pub source: Source,
}

/// A message of a chat log, as it is there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// All of it.
    pub fields: Map<String, Value>,
    /// Where it is.
    pub source: Source,
}

/// An agent's block of `agent-state.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentState {
    /// Its name in the file.
    pub agent: String,
    /// Its fields.
    pub fields: Map<String, Value>,
    /// Where it is.
    pub source: Source,
}
