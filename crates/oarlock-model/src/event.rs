//! Events: the only thing that can change anything that lasts.
//!
//! An event states a fact in the past tense and carries every value that applying it needs, so that
//! replaying the log decides nothing. Its number `seq` is the store's one total order (semantics 17).

mod agent;
mod authors;
mod lease;
mod message;
mod ralf;
mod reservation;
mod scrutiny;
mod state;
mod store;
mod task;

use serde::de::Error as _;
use serde_json::Value;

use crate::ident::{AgentName, SessionId};
use crate::time::{StoreTime, WallTime};

pub use agent::{AgentJoined, AgentLeft, AgentLost, DeathProof, LeaveReason};
pub use authors::Authors;
pub use lease::{
    IntentDropped, LeaseLost, LossReason, ReleaseReason, TaskClaimed, TaskIntended, TaskLeftOutside, TaskProgressed, TaskReleased,
    TaskTakenOutside,
};
pub use message::{MessageAcked, MessageSent};
pub use ralf::{RalfConflict, RalfEvent};
pub use reservation::{ReservationEnd, ReservationEnded, ReservationMade};
pub use scrutiny::{SEQ_MAX, Scrutiny};
pub use state::{StateDeleted, StateSet};
pub use store::{NewIdentity, StoreRestored};
pub use task::{
    DeathReason, DependencyAdded, DependencyRemoved, SpecChange, TaskAdded, TaskApproved, TaskCancelled, TaskDied, TaskDone, TaskFailed,
    TaskNoted, TaskReadied, TaskRejected, TaskRequeued, TaskSplit, TaskSubmitted, TaskUpdated,
};

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
    /// A session is to get it once the files beside the store show so.
    TaskIntended = "task_intended", subject |f| f.id.to_string();
    /// It did not get it.
    IntentDropped = "intent_dropped", subject |f| f.task.to_string();
    /// A session got it.
    TaskClaimed = "task_claimed", subject |f| f.id.to_string();
    /// Its holder told how far it is.
    TaskProgressed = "task_progressed", subject |f| f.id.to_string();
    /// Its holder gave it back, or was made to.
    TaskReleased = "task_released", subject |f| f.id.to_string();
    /// Somebody has it who knows nothing of the store.
    TaskTakenOutside = "task_taken_outside", subject |f| f.id.to_string();
    /// Whoever had it outside of the store has it no more, and it goes on.
    TaskLeftOutside = "task_left_outside", subject |f| f.id.to_string();
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
    /// An agent that knows only RALF's files has written an event into one.
    RalfEvent = "ralf_event", subject |f| f.task.as_ref().map_or_else(|| f.file.clone(), ToString::to_string);
    /// RALF's files and the store contradict each other, and one of them is not followed.
    RalfConflict = "ralf_conflict", subject |f| f.subject.clone();
    /// The store was restored or imported: every session ended, tokens go on far above all earlier ones.
    StoreRestored = "store_restored", subject |_| "store".to_owned();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::TaskId;
    use crate::task::Resting;

    #[test]
    fn a_fact_reads_back_as_it_was_written() {
        let fact = Fact::from(TaskUpdated {
            id: TaskId::parse("T-1").expect("valid"),
            change: SpecChange { assigned: Some(None), priority: Some(0), ..SpecChange::default() },
            effective_priority: None,
            resting: Some(Resting::Scheduled { retry_at: None }),
        });
        let text = fact.data_text().expect("plain data");
        assert_eq!(Fact::parse(fact.kind(), &text).expect("reads back"), fact);
        assert!(text.contains("\"assigned\":\"\""), "{text}");
    }

    #[test]
    fn unknown_kinds_are_refused() {
        assert!(Fact::parse("task_eaten", "{}").is_err());
    }
}
