//! Facts about leases: who got a task, how far it is, and how the lease ended.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::ident::{AgentName, Label, SessionId, TaskId, Token};
use crate::task::{Grant, OutsideEnd, Resting, Task};
use crate::time::{Now, WallTime};

/// See [`Fact::TaskClaimed`](super::Fact::TaskClaimed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskClaimed {
    /// The task.
    pub id: TaskId,
    /// The fencing token: the number of this event, or of the intent that it makes good.
    pub token: Token,
    /// How long the lease holds after a renewal, in milliseconds.
    pub ttl_ms: i64,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// Whether its write set and resources were reserved with it; reservations then follow when they change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reserve: bool,
    /// The token of the task that the same call has finished, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Token>,
}

impl TaskClaimed {
    /// Its effect on the task: the same for the specification and for replies made inside a transaction.
    pub fn grant_to(&self, holder: &Agent, task: &mut Task, now: Now) {
        task.granted(Grant {
            token: self.token,
            agent: holder.name.clone(),
            session: holder.session.clone(),
            since: now.wall,
            renewed: now.store,
            ttl_ms: self.ttl_ms,
            reserve: self.reserve,
            intended: false,
            end: None,
        });
        task.attempt = self.attempt;
        task.updated_at = now.wall;
    }
}

/// See [`Fact::TaskIntended`](super::Fact::TaskIntended).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskIntended {
    /// The task.
    pub id: TaskId,
    /// The token that the grant gets: the number of this event.
    pub token: Token,
    /// How long the lease is to hold after a renewal, in milliseconds.
    pub ttl_ms: i64,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// Whether its write set and resources were reserved with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reserve: bool,
}

/// See [`Fact::IntentDropped`](super::Fact::IntentDropped).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntentDropped {
    /// The task.
    pub task: TaskId,
    /// The token that its grant would have had.
    pub token: Token,
    /// Where the task rests now; absent when `task_claimed` or `task_intended` follows at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<Resting>,
}

/// See [`Fact::TaskProgressed`](super::Fact::TaskProgressed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskProgressed {
    /// The task.
    pub id: TaskId,
    /// Percent done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
    /// A note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why a lease was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseReason {
    /// `release`.
    Released,
    /// `leave`.
    Left,
    /// `join --take-over`.
    TakenOver,
}

/// See [`Fact::TaskReleased`](super::Fact::TaskReleased).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskReleased {
    /// The task.
    pub id: TaskId,
    /// Why.
    pub reason: ReleaseReason,
    /// Where it rests now.
    pub resting: Resting,
}

/// See [`Fact::TaskTakenOutside`](super::Fact::TaskTakenOutside).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskTakenOutside {
    /// The task.
    pub id: TaskId,
    /// Who has it, as it is called there: untrusted text. Absent where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Since when.
    pub since: WallTime,
    /// Its last sign of life.
    pub seen: WallTime,
    /// The system that reports it, for example `ralf`.
    pub source: Label,
}

/// See [`Fact::TaskLeftOutside`](super::Fact::TaskLeftOutside).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskLeftOutside {
    /// The task.
    pub id: TaskId,
    /// Who had it, as it is called there: untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Why.
    pub reason: OutsideEnd,
    /// Its last sign of life; the moment of the end, where that was forced.
    pub seen: WallTime,
    /// Where the task rests now.
    pub resting: Resting,
}

/// Why a lease was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossReason {
    /// The owner's death was proven.
    OwnerDied,
    /// It expired, and the task was to be granted again.
    Expired,
    /// The store was restored behind it.
    Restored,
}

/// See [`Fact::LeaseLost`](super::Fact::LeaseLost).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseLost {
    /// The task.
    pub task: TaskId,
    /// Who held it.
    pub holder: AgentName,
    /// Which incarnation held it.
    pub holder_session: SessionId,
    /// The grant that is lost.
    pub token: Token,
    /// Why.
    pub reason: LossReason,
    /// Lost leases so far.
    pub losses: u32,
    /// Where the task rests now; absent when `task_claimed` or `task_died` follows at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<Resting>,
}
