//! Agents: who is there. One row an agent, of its current session; a restart is a new session.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::ident::{AgentName, Label, SessionId};
use crate::time::{StoreTime, WallTime};

/// Which process a session means, and how its death is proven (semantics 8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Owner {
    /// No process: only the heartbeat timeout shows whether the agent is there, only TTLs free its work.
    #[default]
    None,
    /// A process that holds an operating-system lock named by the session for as long as it lives.
    Lock {
        /// Identity of the process, as text of the host.
        process: String,
        /// Milliseconds between the death and its taking effect; 0 unless clients restart the owner on purpose.
        #[serde(default)]
        grace_ms: i64,
    },
    /// A process that somebody else named (`join --pid`): gone or replaced, it is dead.
    Process {
        /// Identity of the process, as text of the host.
        process: String,
    },
}

impl Owner {
    /// The identity of the owning process, if there is one.
    pub fn process(&self) -> Option<&str> {
        match self {
            Owner::None => None,
            Owner::Lock { process, .. } | Owner::Process { process } => Some(process),
        }
    }
}

/// Where a session runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// The host's name, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The kernel's boot id: sessions of another boot of this host are lost.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub boot_id: String,
    /// The process id of the owner or caller, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// It said so.
    Left,
    /// A new session of the same name took its place.
    TakenOver,
    /// Its death was proven, or the store was restored behind it.
    Lost,
}

/// An agent and its current session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The name; the same over restarts.
    pub name: AgentName,
    /// The current incarnation.
    pub session: SessionId,
    /// Its purpose, for example `planner`.
    pub role: Option<Label>,
    /// Its capabilities; a task may require some.
    pub capabilities: BTreeSet<Label>,
    /// The program that it runs in, for people.
    pub program: Option<String>,
    /// After this long without an accepted call it is shown as stale, in milliseconds.
    pub timeout_ms: i64,
    /// How many leases it takes at once.
    pub max_claims: Option<u32>,
    /// The process it means.
    pub owner: Owner,
    /// Where it runs.
    pub host: Host,
    /// The id that a harness gave its run; the same id joins the same session again.
    pub harness: Option<String>,
    /// How the session ended, if it has.
    pub end: Option<SessionEnd>,
    /// Facts that change between events; not part of the log.
    pub presence: Presence,
}

impl Agent {
    /// Whether the session may still act.
    pub fn is_live(&self) -> bool {
        self.end.is_none()
    }

    /// Whether it has the capability; its role counts as one.
    pub fn can(&self, capability: &Label) -> bool {
        self.capabilities.contains(capability) || self.role.as_ref() == Some(capability)
    }
}

/// Facts about an agent that change between events. They are written in place and are not in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// When it last made an accepted call.
    pub seen: StoreTime,
    /// The same, for people.
    pub seen_wall: WallTime,
    /// When it last sent a heartbeat or joined: the base of its leases together with their own renewals.
    pub beat: StoreTime,
    /// When it last did something that counts as progress.
    pub progressed: StoreTime,
    /// Its own description of itself.
    pub status: Option<String>,
    /// Its own description of its work.
    pub action: Option<String>,
}
