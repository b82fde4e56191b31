//! Facts about agents: sessions that begin and end.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::agent::{Host, Owner};
use crate::ident::{AgentName, Label, SessionId};

/// See [`Fact::AgentJoined`](super::Fact::AgentJoined).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentJoined {
    /// The agent.
    pub name: AgentName,
    /// The new session.
    pub session: SessionId,
    /// Its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Label>,
    /// Its capabilities.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub capabilities: BTreeSet<Label>,
    /// The program that it runs in, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// After this long without a call it is stale, in milliseconds.
    pub timeout_ms: i64,
    /// The number of tasks that it may hold at once; absent without a limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_claims: Option<u32>,
    /// The process that the session belongs to, if any.
    #[serde(default)]
    pub owner: Owner,
    /// The machine that it runs on.
    #[serde(default)]
    pub host: Host,
    /// The id that its client gave to this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness: Option<String>,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// `leave`.
    Left,
    /// A new session of the same name.
    TakenOver,
}

/// See [`Fact::AgentLeft`](super::Fact::AgentLeft).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentLeft {
    /// Whose session ended.
    pub name: AgentName,
    /// Which one.
    pub session: SessionId,
    /// Why.
    pub reason: LeaveReason,
}

/// How a death was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeathProof {
    /// The lock of its owner could be had, or its process is gone.
    OwnerDied,
    /// It belonged to an earlier boot of this machine.
    Rebooted,
    /// The store was restored behind it.
    Restored,
}

/// See [`Fact::AgentLost`](super::Fact::AgentLost).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentLost {
    /// Whose session ended.
    pub name: AgentName,
    /// Which one.
    pub session: SessionId,
    /// How it is known.
    pub proof: DeathProof,
}
