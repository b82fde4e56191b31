//! Events: the only thing that can change anything that lasts.
//!
//! An event states a fact in the past tense and carries every value that applying it needs, so that
//! replaying the log decides nothing. Its number `seq` is the store's one total order (semantics 17).

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

use crate::agent::{Host, Owner};
use crate::ident::{AgentName, Label, MessageId, ReservationId, SessionId, StateKey, TaskId, Token};
use crate::reservation::{Mode, Target};
use crate::task::{Gate, Resting, TaskSpec};
use crate::time::{StoreTime, WallTime};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number: the next is larger. Also the fencing token of the grant it makes, if it makes one.
    pub seq: u64,
    /// Wall time, for people.
    pub at: WallTime,
    /// Store time, which everything is judged by.
    pub store_at: StoreTime,
    /// Who caused it.
    pub agent: Option<AgentName>,
    /// Which incarnation caused it.
    pub session: Option<SessionId>,
    /// What happened.
    pub fact: Fact,
}

macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident = $kind:literal, subject $subject:expr;)*) => {
        /// What happened. Each kind has its own struct of the same name.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Fact {
            $($(#[$doc])* $name($name),)*
        }

        $(impl From<$name> for Fact {
            fn from(fact: $name) -> Self {
                Fact::$name(fact)
            }
        })*

        impl Fact {
            /// Every kind, as it stands in the log.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// The kind's word.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Fact::$name(_) => $kind,)*
                }
            }

            /// The id of the noun it is about.
            pub fn subject(&self) -> String {
                match self {
                    $(Fact::$name(fact) => { let subject: fn(&$name) -> String = $subject; subject(fact) })*
                }
            }

            /// The data as compact JSON text.
            ///
            /// # Errors
            /// Those of `serde_json`; plain data does not cause any.
            pub fn data_text(&self) -> serde_json::Result<String> {
                match self {
                    $(Fact::$name(fact) => serde_json::to_string(fact),)*
                }
            }

            /// The data as a JSON value.
            ///
            /// # Errors
            /// Those of `serde_json`; plain data does not cause any.
            pub fn data_value(&self) -> serde_json::Result<Value> {
                match self {
                    $(Fact::$name(fact) => serde_json::to_value(fact),)*
                }
            }

            /// Reads a fact back.
            ///
            /// # Errors
            /// An unknown kind, or data of another shape.
            pub fn parse(kind: &str, data: &str) -> serde_json::Result<Fact> {
                match kind {
                    $($kind => serde_json::from_str(data).map(Fact::$name),)*
                    _ => Err(serde_json::Error::custom(format!("unknown event kind \"{}\"", crate::ident::shown(kind)))),
                }
            }
        }
    };
}

facts! {
    /// A session began.
    AgentJoined = "agent_joined", subject |f| f.name.to_string();
    /// A session ended because somebody said so.
    AgentLeft = "agent_left", subject |f| f.name.to_string();
    /// A session's death was proven.
    AgentLost = "agent_lost", subject |f| f.name.to_string();
    /// A task was added.
    TaskAdded = "task_added", subject |f| f.id.to_string();
    /// What was asked for changed.
    TaskUpdated = "task_updated", subject |f| f.id.to_string();
    /// Somebody wrote a note.
    TaskNoted = "task_noted", subject |f| f.id.to_string();
    /// It was split, or got a further child.
    TaskSplit = "task_split", subject |f| f.id.to_string();
    /// It can be claimed now.
    TaskReadied = "task_readied", subject |f| f.id.to_string();
    /// A session got it.
    TaskClaimed = "task_claimed", subject |f| f.id.to_string();
    /// Its holder told how far it is.
    TaskProgressed = "task_progressed", subject |f| f.id.to_string();
    /// Its holder gave it back, or was made to.
    TaskReleased = "task_released", subject |f| f.id.to_string();
    /// An attempt failed.
    TaskFailed = "task_failed", subject |f| f.id.to_string();
    /// It is done. There is one for each completion.
    TaskDone = "task_done", subject |f| f.id.to_string();
    /// It is done but for its approval.
    TaskSubmitted = "task_submitted", subject |f| f.id.to_string();
    /// It was approved.
    TaskApproved = "task_approved", subject |f| f.id.to_string();
    /// It was sent back.
    TaskRejected = "task_rejected", subject |f| f.id.to_string();
    /// It was called off.
    TaskCancelled = "task_cancelled", subject |f| f.id.to_string();
    /// It was brought back.
    TaskRequeued = "task_requeued", subject |f| f.id.to_string();
    /// It failed or was lost too often.
    TaskDied = "task_died", subject |f| f.id.to_string();
    /// It needs further tasks.
    DependencyAdded = "dependency_added", subject |f| f.id.to_string();
    /// It no longer needs some tasks.
    DependencyRemoved = "dependency_removed", subject |f| f.id.to_string();
    /// A lease ended without its holder's doing.
    LeaseLost = "lease_lost", subject |f| f.task.to_string();
    /// A state entry got a value.
    StateSet = "state_set", subject |f| f.key.to_string();
    /// A state entry was removed.
    StateDeleted = "state_deleted", subject |f| f.key.to_string();
    /// A reservation began.
    ReservationMade = "reservation_made", subject |f| f.id.to_string();
    /// A reservation ended.
    ReservationEnded = "reservation_ended", subject |f| f.id.to_string();
    /// A message was sent.
    MessageSent = "message_sent", subject |f| f.id.to_string();
    /// A message was acknowledged.
    MessageAcked = "message_acked", subject |f| f.id.to_string();
    /// The store was restored or imported: every session ended, tokens go on far above all earlier ones.
    StoreRestored = "store_restored", subject |_| "store".to_owned();
}

/// See [`Fact::AgentJoined`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `Agent`, documented there")]
pub struct AgentJoined {
    pub name: AgentName,
    pub session: SessionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Label>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub capabilities: BTreeSet<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    pub timeout_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_claims: Option<u32>,
    #[serde(default)]
    pub owner: Owner,
    #[serde(default)]
    pub host: Host,
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

/// See [`Fact::AgentLeft`].
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

/// See [`Fact::AgentLost`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentLost {
    /// Whose session ended.
    pub name: AgentName,
    /// Which one.
    pub session: SessionId,
    /// How it is known.
    pub proof: DeathProof,
}

/// See [`Fact::TaskAdded`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskAdded {
    /// Its id.
    pub id: TaskId,
    /// What was asked for.
    #[serde(flatten)]
    pub spec: TaskSpec,
    /// What it needs.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub needs: BTreeSet<TaskId>,
    /// Where it rests at first.
    pub resting: Resting,
}

/// What `update` changed: absent fields stay as they were, an inner `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `TaskSpec`, documented there")]
pub struct SpecChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<BTreeSet<Label>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<Vec<crate::pattern::Pattern>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<BTreeSet<Label>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "double_option")]
    pub assigned: Option<Option<AgentName>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<WallTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
}

impl SpecChange {
    /// Writes the changes into `spec`.
    pub fn apply(&self, spec: &mut TaskSpec) {
        fn set<T: Clone>(target: &mut T, value: &Option<T>) {
            if let Some(value) = value {
                target.clone_from(value);
            }
        }
        fn set_some<T: Clone>(target: &mut Option<T>, value: &Option<T>) {
            if value.is_some() {
                target.clone_from(value);
            }
        }
        set(&mut spec.title, &self.title);
        set(&mut spec.body, &self.body);
        set_some(&mut spec.kind, &self.kind);
        set(&mut spec.priority, &self.priority);
        set(&mut spec.capabilities, &self.capabilities);
        set(&mut spec.writes, &self.writes);
        set(&mut spec.resources, &self.resources);
        set_some(&mut spec.estimate_minutes, &self.estimate_minutes);
        set(&mut spec.assigned, &self.assigned);
        set(&mut spec.max_attempts, &self.max_attempts);
        set_some(&mut spec.not_before, &self.not_before);
        set_some(&mut spec.gate, &self.gate);
    }
}

/// Keeps "absent" and "null" apart.
mod double_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(super) fn serialize<T: Serialize, S: Serializer>(value: &Option<Option<T>>, s: S) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(s)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<Option<T>>, D::Error> {
        Option::deserialize(d).map(Some)
    }
}

/// See [`Fact::TaskUpdated`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskUpdated {
    /// The task.
    pub id: TaskId,
    /// What changed.
    #[serde(flatten)]
    pub change: SpecChange,
    /// Where it rests now, when the change moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<Resting>,
}

/// See [`Fact::TaskNoted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskNoted {
    /// The task.
    pub id: TaskId,
    /// The note.
    pub text: String,
}

/// See [`Fact::TaskSplit`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSplit {
    /// The parent.
    pub id: TaskId,
    /// Its new children.
    pub children: Vec<TaskId>,
    /// Whether it is done by itself when its last child is.
    #[serde(default)]
    pub auto_finish: bool,
    /// Whether it waits from now on; a holder that adds a child to its own task goes on holding it.
    pub waits: bool,
}

/// See [`Fact::TaskReadied`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskReadied {
    /// The task.
    pub id: TaskId,
}

/// See [`Fact::TaskClaimed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskClaimed {
    /// The task.
    pub id: TaskId,
    /// The fencing token: the number of this event.
    pub token: Token,
    /// How long the lease holds after a renewal, in milliseconds.
    pub ttl_ms: i64,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

/// See [`Fact::TaskProgressed`].
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

/// See [`Fact::TaskReleased`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskReleased {
    /// The task.
    pub id: TaskId,
    /// Why.
    pub reason: ReleaseReason,
    /// Where it rests now.
    pub resting: Resting,
}

/// See [`Fact::TaskFailed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskFailed {
    /// The task.
    pub id: TaskId,
    /// The grant that failed.
    pub token: Token,
    /// What its holder said.
    pub reason: String,
    /// Failures so far.
    pub failures: u32,
    /// When it may be tried again; absent when it will not, and `task_died` follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<StoreTime>,
}

/// See [`Fact::TaskDone`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDone {
    /// The task.
    pub id: TaskId,
    /// The grant that did it; absent when its last child or an approval did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Paths its holder named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
    /// Tasks that can be claimed because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unblocked: Vec<TaskId>,
}

/// See [`Fact::TaskSubmitted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSubmitted {
    /// The task.
    pub id: TaskId,
    /// The grant that did it; absent when its last child did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Paths its holder named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
}

/// See [`Fact::TaskApproved`]. A [`Fact::TaskDone`] follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskApproved {
    /// The task.
    pub id: TaskId,
}

/// See [`Fact::TaskRejected`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRejected {
    /// The task.
    pub id: TaskId,
    /// Why.
    pub reason: String,
    /// Where it rests now.
    pub resting: Resting,
}

/// See [`Fact::TaskCancelled`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskCancelled {
    /// The task.
    pub id: TaskId,
    /// The parent whose cancellation took it along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_parent: Option<TaskId>,
}

/// See [`Fact::TaskRequeued`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRequeued {
    /// The task.
    pub id: TaskId,
    /// Where it rests now.
    pub resting: Resting,
}

/// Why a task died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeathReason {
    /// It failed `max_attempts` times.
    Failures,
    /// Its lease was lost `max_attempts` times.
    Losses,
    /// Its holder said that trying again is useless.
    NoRetry,
}

/// See [`Fact::TaskDied`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDied {
    /// The task.
    pub id: TaskId,
    /// Why.
    pub reason: DeathReason,
    /// Failures so far.
    pub failures: u32,
    /// Lost leases so far.
    pub losses: u32,
}

/// See [`Fact::DependencyAdded`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DependencyAdded {
    /// The task.
    pub id: TaskId,
    /// What it needs from now on, besides.
    pub on: BTreeSet<TaskId>,
    /// Where it rests now, when that moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<Resting>,
}

/// See [`Fact::DependencyRemoved`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DependencyRemoved {
    /// The task.
    pub id: TaskId,
    /// What it no longer needs.
    pub on: BTreeSet<TaskId>,
    /// Where it rests now, when that moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<Resting>,
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

/// See [`Fact::LeaseLost`].
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

/// See [`Fact::StateSet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateSet {
    /// The entry.
    pub key: StateKey,
    /// Its whole value now.
    pub value: Value,
    /// Its version now.
    pub version: u64,
}

/// See [`Fact::StateDeleted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateDeleted {
    /// The entry.
    pub key: StateKey,
    /// The version of the deletion; the next value gets a higher one.
    pub version: u64,
}

/// See [`Fact::ReservationMade`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReservationMade {
    /// Its id.
    pub id: ReservationId,
    /// What it covers.
    pub target: Target,
    /// Exclusive or shared.
    pub mode: Mode,
    /// The claim it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// How long it holds, in milliseconds.
    pub ttl_ms: i64,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a reservation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationEnd {
    /// `unreserve`.
    Released,
    /// Its time ran out.
    Expired,
    /// The lease it came with ended.
    LeaseEnded,
    /// The session that held it ended.
    SessionEnded,
}

/// See [`Fact::ReservationEnded`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReservationEnded {
    /// Its id.
    pub id: ReservationId,
    /// Why.
    pub reason: ReservationEnd,
}

/// See [`Fact::MessageSent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `Message`, documented there")]
pub struct MessageSent {
    pub id: MessageId,
    pub thread: MessageId,
    pub to: Vec<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    #[serde(default)]
    pub ack_required: bool,
}

/// See [`Fact::MessageAcked`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageAcked {
    /// The message.
    pub id: MessageId,
    /// Who acknowledged it.
    pub by: AgentName,
}

/// See [`Fact::StoreRestored`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreRestored {
    /// The new epoch: the high bits of every number from here on.
    pub epoch: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_reads_back_as_it_was_written() {
        let fact = Fact::from(TaskUpdated {
            id: TaskId::parse("T-1").expect("valid"),
            change: SpecChange { assigned: Some(None), priority: Some(0), ..SpecChange::default() },
            resting: Some(Resting::Scheduled { retry_at: None }),
        });
        let text = fact.data_text().expect("plain data");
        assert_eq!(Fact::parse(fact.kind(), &text).expect("reads back"), fact);
        assert!(text.contains("\"assigned\":null"), "{text}");
    }

    #[test]
    fn unknown_kinds_are_refused() {
        assert!(Fact::parse("task_eaten", "{}").is_err());
    }
}
