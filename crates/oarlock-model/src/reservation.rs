//! Reservations: who may write where, for how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::ident::{AgentName, Label, ReservationId, SessionId, TaskId};
use crate::pattern::Pattern;
use crate::time::StoreTime;

/// Whether others may hold the same paths too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nobody else may.
    #[default]
    Exclusive,
    /// Others may share it, nobody may hold it exclusively.
    Shared,
}

impl Mode {
    /// The mode's word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Exclusive => "exclusive",
            Mode::Shared => "shared",
        }
    }
}

/// The answer of hooks to an edit of a path that another agent has reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// The edit is refused.
    Refuse,
    /// The agent gets a warning, and the edit goes on.
    Warn,
}

impl OnConflict {
    /// The answer that a word of the configuration names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "refuse" => Some(Self::Refuse),
            "warn" => Some(Self::Warn),
            _ => None,
        }
    }

    /// The configured answer. Without one an edit is refused where all agents share the files, and reported in a worktree of its own, where the
    /// branches are merged later.
    #[must_use]
    pub fn or_default(configured: Option<Self>, is_worktree: bool) -> Self {
        configured.unwrap_or(if is_worktree { Self::Warn } else { Self::Refuse })
    }
}

/// The reserved paths or resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Paths of the repository.
    Paths(Pattern),
    /// A named thing that is not a path.
    Resource(Label),
}

impl Target {
    /// Where the target is filed: the leading components of a pattern that have no wildcard, joined by `/`, or `//NAME` for a
    /// resource. Targets overlap only if one of their keys is the other or lies above it: see [`crate::rules::near`].
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Target::Paths(pattern) => pattern.literal_prefix(),
            Target::Resource(name) => format!("//{name}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Paths(pattern) => f.write_str(pattern.as_str()),
            Target::Resource(name) => write!(f, "resource:{name}"),
        }
    }
}

/// A reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// The paths or the resource that it covers.
    pub target: Target,
    /// Exclusive or shared.
    pub mode: Mode,
    /// Who holds it.
    pub agent: AgentName,
    /// Which incarnation holds it.
    pub session: SessionId,
    /// The task it is tied to: it came with a claim, or was made by hand for that task. It lives as long as the lease.
    pub task: Option<TaskId>,
    /// When it was made.
    pub made: StoreTime,
    /// How long it holds after it was made or its holder's last heartbeat, in milliseconds; for one that is tied to a task,
    /// the lease decides instead.
    pub ttl_ms: i64,
    /// Why, for people.
    pub reason: Option<String>,
}
