//! Events: the only thing that can change anything that lasts.
//!
//! An event states a fact in the past tense and carries every value that applying it needs, so that
//! replaying the log decides nothing. Its number `seq` is the store's one total order (semantics 17).
//!
//! The table `facts!` has one row for each kind: its word, what it is about, whom it wakes, and what its writer has locked. A new kind
//! is a struct, a row, and what it does (`State::apply`, and the same on tables).

mod agent;
mod authors;
mod budget;
mod conflict;
mod external;
mod landing;
mod lease;
mod message;
mod proposal;
mod reservation;
mod scrutiny;
mod state;
mod store;
mod task;

use serde::de::Error as _;
use serde_json::Value;
use std::fmt;

use crate::ident::{AgentName, MessageId, ProposalId, ReservationId, SessionId, StateKey, TaskId};
use crate::time::{StoreTime, WallTime};

pub use agent::{AgentJoined, AgentLeft, AgentLost, DeathProof, LeaveReason};
pub use authors::Authors;
pub use budget::{BudgetExhausted, BudgetWarned, TaskAsked, TaskUsed};
pub use conflict::ConflictPredicted;
pub use external::{External, ExternalKind, RALF_CONFLICT, RALF_EVENT};
pub use landing::{LandingLanded, LandingQueued, LandingRefused, LandingStarted, LandingTested, open as open_landing};
pub use lease::{
    IntentDropped, LeaseLost, LossReason, ReleaseReason, TaskClaimed, TaskIntended, TaskLeftOutside, TaskProgressed, TaskReleased,
    TaskTakenOutside,
};
pub use message::{MessageAcked, MessageSent};
pub use proposal::{ProposalClosed, ProposalOpened, VoteCast};
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
    /// The fact.
    pub fact: Fact,
}

/// The subject of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun<'a> {
    /// An agent.
    Agent(&'a AgentName),
    /// A task.
    Task(&'a TaskId),
    /// A state entry.
    Entry(&'a StateKey),
    /// A reservation.
    Reservation(&'a ReservationId),
    /// A message.
    Message(&'a MessageId),
    /// A proposal.
    Proposal(&'a ProposalId),
    /// The store itself.
    Store,
    /// Something outside of the store, by what it is called there.
    Other(&'a str),
}

impl fmt::Display for Noun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Noun::Agent(name) => write!(f, "{name}"),
            Noun::Task(id) => write!(f, "{id}"),
            Noun::Entry(key) => write!(f, "{key}"),
            Noun::Reservation(id) => write!(f, "{id}"),
            Noun::Message(id) => write!(f, "{id}"),
            Noun::Proposal(id) => write!(f, "{id}"),
            Noun::Store => f.write_str("store"),
            Noun::Other(text) => f.write_str(text),
        }
    }
}

/// Who waits for an event, besides those who follow the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wakes {
    /// Nobody.
    Nobody,
    /// Who waits for tasks: one can be claimed, or changed its state.
    Tasks,
    /// Who waits for messages.
    Messages,
    /// Who waits for reservations to end.
    Reservations,
    /// Who waits for a proposal to close.
    Proposals,
}

/// The locks needed to append an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: a death is settled, and what follows from an event reaches its tasks, by anyone who finds it.
    Nothing,
    /// The agent, or the roster.
    Agent,
    /// The graph of parents and dependencies.
    Graph,
    /// The task, or the choice among all ready ones.
    Choice,
    /// Some task, or a reference to it: an agent that holds it, the graph, the roster.
    SomeTask,
    /// The set of reservations.
    Reservations,
    /// The state entry.
    Entry,
    /// Messages.
    Messages,
    /// Proposals.
    Proposals,
    /// The whole store.
    Everything,
}

macro_rules! facts {
    (@ [$($word:expr),*] $($(#[$doc:meta])* $name:ident = $kind:literal, about $about:expr, wakes $wakes:ident, needs $needs:ident;)*) => {
        /// The content of an event. Each kind has its own struct of the same name; reports of outside systems share one struct.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Fact {
            $($(#[$doc])* $name($name),)*
            /// An outside system has reported an event.
            External(External),
        }

        impl From<External> for Fact {
            fn from(fact: External) -> Self {
                Fact::External(fact)
            }
        }

        $(impl From<$name> for Fact {
            fn from(fact: $name) -> Self {
                Fact::$name(fact)
            }
        })*

        impl Fact {
            /// Every kind, as it is in the log.
            pub const KINDS: &'static [&'static str] = &[$($word),*];

            /// The kind's word.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Fact::$name(_) => $kind,)*
                    Fact::External(fact) => fact.kind().word,
                }
            }

            /// Its subject.
            pub fn about(&self) -> Noun<'_> {
                match self {
                    $(Fact::$name(fact) => { let about: fn(&$name) -> Noun<'_> = $about; about(fact) })*
                    Fact::External(fact) => fact.about(),
                }
            }

            /// Who waits for such events.
            pub fn wakes(&self) -> Wakes {
                match self {
                    $(Fact::$name(_) => Wakes::$wakes,)*
                    Fact::External(_) => Wakes::Nobody,
                }
            }

            /// The locks needed to append it.
            pub fn needs(&self) -> Needs {
                match self {
                    // What follows for a task from others reaches any task.
                    Fact::TaskUpdated(fact) if fact.change == SpecChange::default() => Needs::Nothing,
                    $(Fact::$name(_) => Needs::$needs,)*
                    Fact::External(_) => Needs::SomeTask,
                }
            }

            /// The data as compact JSON text.
            ///
            /// # Errors
            /// Those of `serde_json`; plain data does not cause any.
            pub fn data_text(&self) -> serde_json::Result<String> {
                match self {
                    $(Fact::$name(fact) => serde_json::to_string(fact),)*
                    Fact::External(fact) => serde_json::to_string(fact.data()),
                }
            }

            /// The data as a JSON value.
            ///
            /// # Errors
            /// Those of `serde_json`; plain data does not cause any.
            pub fn data_value(&self) -> serde_json::Result<Value> {
                match self {
                    $(Fact::$name(fact) => serde_json::to_value(fact),)*
                    Fact::External(fact) => Ok(Value::Object(fact.data().clone())),
                }
            }

            /// Reads a fact back.
            ///
            /// # Errors
            /// An unknown kind, or data of another shape.
            pub fn parse(kind: &str, data: &str) -> serde_json::Result<Fact> {
                match kind {
                    $($kind => serde_json::from_str(data).map(Fact::$name),)*
                    _ => External::read(kind, serde_json::from_str(data)?).map(Fact::External).map_err(serde_json::Error::custom),
                }
            }
        }
    };
    // Where `@` is, the kinds of what systems outside report come among the others.
    ($($(#[$doc:meta])* $name:ident = $kind:literal, about $about:expr, wakes $wakes:ident, needs $needs:ident;)* @
     $($(#[$last_doc:meta])* $last:ident = $last_kind:literal, about $last_about:expr, wakes $last_wakes:ident, needs $last_needs:ident;)*) => {
        facts! {
            @ [$($kind,)* RALF_EVENT.word, RALF_CONFLICT.word $(, $last_kind)*]
            $($(#[$doc])* $name = $kind, about $about, wakes $wakes, needs $needs;)*
            $($(#[$last_doc])* $last = $last_kind, about $last_about, wakes $last_wakes, needs $last_needs;)*
        }
    };
}

facts! {
    /// A session began.
    AgentJoined = "agent_joined", about |f| Noun::Agent(&f.name), wakes Nobody, needs Agent;
    /// A session ended by `leave` or by `join --take-over`.
    AgentLeft = "agent_left", about |f| Noun::Agent(&f.name), wakes Tasks, needs Agent;
    /// A session's death was proven.
    AgentLost = "agent_lost", about |f| Noun::Agent(&f.name), wakes Tasks, needs Nothing;
    /// A task was added.
    TaskAdded = "task_added", about |f| Noun::Task(&f.id), wakes Tasks, needs Graph;
    /// The specification of a task changed.
    TaskUpdated = "task_updated", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// A note was added to a task.
    TaskNoted = "task_noted", about |f| Noun::Task(&f.id), wakes Nobody, needs SomeTask;
    /// A task was split, or got a further part.
    TaskSplit = "task_split", about |f| Noun::Task(&f.id), wakes Tasks, needs Graph;
    /// A task became ready.
    TaskReadied = "task_readied", about |f| Noun::Task(&f.id), wakes Tasks, needs Nothing;
    /// A task is going to be granted to a session, as soon as the files beside the store show so.
    TaskIntended = "task_intended", about |f| Noun::Task(&f.id), wakes Nobody, needs Choice;
    /// The intended grant was not made.
    IntentDropped = "intent_dropped", about |f| Noun::Task(&f.task), wakes Tasks, needs Nothing;
    /// A task was granted to a session.
    TaskClaimed = "task_claimed", about |f| Noun::Task(&f.id), wakes Nobody, needs Choice;
    /// The holder of a task reported progress.
    TaskProgressed = "task_progressed", about |f| Noun::Task(&f.id), wakes Nobody, needs SomeTask;
    /// A task was given back by its holder, or taken from it.
    TaskReleased = "task_released", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// A task is held outside of the store.
    TaskTakenOutside = "task_taken_outside", about |f| Noun::Task(&f.id), wakes Nobody, needs SomeTask;
    /// A task is no longer held outside of the store.
    TaskLeftOutside = "task_left_outside", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// An attempt at a task failed.
    TaskFailed = "task_failed", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// A task is done. There is one event for each completion.
    TaskDone = "task_done", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// A task was submitted for approval.
    TaskSubmitted = "task_submitted", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// A task in review was approved.
    TaskApproved = "task_approved", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// A task in review was returned.
    TaskRejected = "task_rejected", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// The commit of a task waits for landing.
    LandingQueued = "landing_queued", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// A submission is being merged and tested.
    LandingStarted = "landing_started", about |f| Noun::Task(&f.id), wakes Nobody, needs SomeTask;
    /// A merged tree passed its test, or did not.
    LandingTested = "landing_tested", about |f| Noun::Task(&f.id), wakes Nobody, needs SomeTask;
    /// The commit of a task is in its target branch.
    LandingLanded = "landing_landed", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// The commit of a task does not land.
    LandingRefused = "landing_refused", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// An attempt has used tokens or money.
    TaskUsed = "task_used", about |f| Noun::Task(&f.id), wakes Nobody, needs SomeTask;
    /// An agent asks something that nobody was there to answer.
    TaskAsked = "task_asked", about |f| Noun::Task(&f.id), wakes Nobody, needs SomeTask;
    /// A run has used 80 % of a budget.
    BudgetWarned = "budget_warned", about |f| Noun::Task(&f.id), wakes Nobody, needs SomeTask;
    /// A run has used all of a budget.
    BudgetExhausted = "budget_exhausted", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// The branches of two tasks would conflict, or do not any more.
    ConflictPredicted = "conflict_predicted", about |f| Noun::Task(&f.id), wakes Nobody, needs SomeTask;
    /// A task was cancelled.
    TaskCancelled = "task_cancelled", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// A dead or cancelled task was brought back.
    TaskRequeued = "task_requeued", about |f| Noun::Task(&f.id), wakes Tasks, needs SomeTask;
    /// A task is dead: it failed or lost its lease too many times, or it was failed with `--no-retry`.
    TaskDied = "task_died", about |f| Noun::Task(&f.id), wakes Tasks, needs Nothing;
    /// A task needs further tasks.
    DependencyAdded = "dependency_added", about |f| Noun::Task(&f.id), wakes Tasks, needs Graph;
    /// A task no longer needs some tasks.
    DependencyRemoved = "dependency_removed", about |f| Noun::Task(&f.id), wakes Tasks, needs Graph;
    /// A lease was lost: its holder died, or it expired and the task was granted again.
    LeaseLost = "lease_lost", about |f| Noun::Task(&f.task), wakes Tasks, needs Nothing;
    /// A state entry got a value.
    StateSet = "state_set", about |f| Noun::Entry(&f.key), wakes Nobody, needs Entry;
    /// A state entry was deleted.
    StateDeleted = "state_deleted", about |f| Noun::Entry(&f.key), wakes Nobody, needs Entry;
    /// A reservation began.
    ReservationMade = "reservation_made", about |f| Noun::Reservation(&f.id), wakes Nobody, needs Reservations;
    /// A reservation ended.
    ReservationEnded = "reservation_ended", about |f| Noun::Reservation(&f.id), wakes Reservations, needs Nothing;
    /// A message was sent.
    MessageSent = "message_sent", about |f| Noun::Message(&f.id), wakes Messages, needs Messages;
    /// A message was acknowledged.
    MessageAcked = "message_acked", about |f| Noun::Message(&f.id), wakes Nobody, needs Messages;
    /// A proposal was opened.
    ProposalOpened = "proposal_opened", about |f| Noun::Proposal(&f.id), wakes Nobody, needs Proposals;
    /// An agent voted, or changed its vote.
    VoteCast = "vote_cast", about |f| Noun::Proposal(&f.id), wakes Nobody, needs Proposals;
    /// A proposal was closed, by its quorum or its deadline.
    ProposalClosed = "proposal_closed", about |f| Noun::Proposal(&f.id), wakes Proposals, needs Nothing;
    @
    /// The store was restored or imported: every session ended, tokens go on far above all earlier ones.
    StoreRestored = "store_restored", about |_| Noun::Store, wakes Tasks, needs Everything;
}

impl Fact {
    /// The id of its subject, as it is in the log.
    pub fn subject(&self) -> String {
        self.about().to_string()
    }

    /// The task that it is about.
    pub fn task(&self) -> Option<&TaskId> {
        match self.about() {
            Noun::Task(id) => Some(id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn a_fact_says_what_it_is_about_whom_it_wakes_and_what_it_needs() {
        let task = TaskId::parse("T-1").expect("valid");
        let updated = |priority| TaskUpdated {
            id: task.clone(),
            change: SpecChange { priority, ..SpecChange::default() },
            effective_priority: None,
            resting: None,
        };
        let of_task = |fact: &Fact| (fact.task().cloned(), fact.subject(), fact.wakes(), fact.needs());
        let about = |needs| (Some(task.clone()), "T-1".to_owned(), Wakes::Tasks, needs);
        assert_eq!(of_task(&updated(Some(0)).into()), about(Needs::SomeTask));
        assert_eq!(of_task(&updated(None).into()), about(Needs::Nothing), "it follows from another task");
        let told = serde_json::json!({"file": "events.yaml", "fields": {}}).as_object().cloned().expect("an object");
        let event = |task| Fact::from(External::new(&RALF_EVENT, task, told.clone()).expect("all its fields"));
        assert_eq!((event(None).task(), event(None).subject()), (None, "events.yaml".to_owned()));
        assert_eq!(event(Some(task.clone())).task(), Some(&task));
    }

    #[test]
    fn unknown_kinds_are_refused() {
        assert!(Fact::parse("task_eaten", "{}").is_err());
    }
}
