//! The specification of the store: what the world looks like after a sequence of events.
//!
//! Stores must agree with it; `doctor`, `import` and the tests replay logs through it. It decides
//! nothing: every value comes from the event. It refuses events that cannot have happened.

mod apply;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::agent::{Agent, Presence};
use crate::event::ReservationEnd;
use crate::ident::{AgentName, MessageId, ProposalId, ReservationId, SessionId, StateKey, TaskId};
use crate::message::Message;
use crate::proposal::Proposal;
use crate::reservation::Reservation;
use crate::task::Task;
use crate::time::{StoreTime, WallTime};

/// A state entry; a deleted one keeps its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: StateKey,
    /// The value; absent when deleted.
    pub value: Option<Value>,
    /// Rises with every change, deletions included.
    pub version: u64,
    /// When it last changed.
    pub updated_at: WallTime,
    /// Who changed it.
    pub updated_by: Option<AgentName>,
}

/// A change that others, or time, made to the work of a session. The session gets it with its next heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The session.
    pub session: SessionId,
    /// The change.
    pub kind: NoticeKind,
}

/// The change in a [`Notice`]. Stores keep it as JSON, so a new kind needs no new column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// It lost the lease of this task.
    Lost(TaskId),
    /// This task was cancelled while it held it.
    Cancelled(TaskId),
    /// This task, which it still holds, got a need that is not done.
    Blocked(TaskId),
    /// A reservation of it has ended.
    ReservationEnded(EndedReservation),
}

/// A reservation that has ended without its holder's doing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct EndedReservation {
    /// Its id.
    pub id: ReservationId,
    /// The paths or the resource that it covered.
    pub pattern: String,
    /// The task it was tied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// Why it ended.
    pub reason: ReservationEnd,
}

impl EndedReservation {
    /// The notice of the end of this reservation for its holder, unless `by`, the session that ended it, is the holder.
    pub fn notice(reservation: &Reservation, reason: ReservationEnd, by: Option<&SessionId>) -> Option<Notice> {
        (by != Some(&reservation.session)).then(|| Notice {
            session: reservation.session.clone(),
            kind: NoticeKind::ReservationEnded(Self {
                id: reservation.id.clone(),
                pattern: reservation.target.to_string(),
                task: reservation.task.clone(),
                reason,
            }),
        })
    }
}

/// Everything that lasts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The number of the last event.
    pub last_seq: u64,
    /// Agents by name.
    pub agents: BTreeMap<AgentName, Agent>,
    /// Tasks by id.
    pub tasks: BTreeMap<TaskId, Task>,
    /// Every session that was ever granted a task.
    pub grantees: BTreeMap<TaskId, BTreeSet<SessionId>>,
    /// State entries by key, deleted ones included.
    pub entries: BTreeMap<StateKey, Entry>,
    /// Reservations that have not ended.
    pub reservations: BTreeMap<ReservationId, Reservation>,
    /// Messages by id.
    pub messages: BTreeMap<MessageId, Message>,
    /// Proposals by id, closed ones included.
    pub proposals: BTreeMap<ProposalId, Proposal>,
    /// Notices that sessions have not received yet.
    pub notices: BTreeSet<Notice>,
}

/// An event that cannot have happened after the events before it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("event {seq} ({kind}) cannot follow: {why}")]
pub struct ApplyError {
    /// The event's number.
    pub seq: u64,
    /// Its kind.
    pub kind: &'static str,
    /// The problem.
    pub why: String,
}

impl State {
    /// The part that the log determines: presence, renewals and delivered notices are left out.
    #[must_use]
    pub fn lasting(&self) -> State {
        let mut lasting = self.clone();
        lasting.notices.clear();
        for agent in lasting.agents.values_mut() {
            agent.presence = Presence::default();
        }
        for message in lasting.messages.values_mut() {
            message.shown_to.clear();
        }
        for task in lasting.tasks.values_mut() {
            if let Some(grant) = &mut task.grant {
                grant.renewed = StoreTime::default();
                grant.ttl_ms = 0;
            }
            if let Some(hold) = &mut task.outside {
                hold.seen = WallTime::default();
            }
        }
        lasting
    }

    /// The first difference between the lasting parts of two states, in words; nothing when they agree.
    pub fn difference(&self, other: &State) -> Option<String> {
        let (a, b) = (self.lasting(), other.lasting());
        if a.last_seq != b.last_seq {
            return Some(format!("last event {} against {}", a.last_seq, b.last_seq));
        }
        map_difference("agent", &a.agents, &b.agents)
            .or_else(|| map_difference("task", &a.tasks, &b.tasks))
            .or_else(|| map_difference("grantees of task", &a.grantees, &b.grantees))
            .or_else(|| map_difference("state entry", &a.entries, &b.entries))
            .or_else(|| map_difference("reservation", &a.reservations, &b.reservations))
            .or_else(|| map_difference("message", &a.messages, &b.messages))
            .or_else(|| map_difference("proposal", &a.proposals, &b.proposals))
    }
}

fn map_difference<K: Ord + std::fmt::Display, V: PartialEq + std::fmt::Debug>(
    noun: &str,
    a: &BTreeMap<K, V>,
    b: &BTreeMap<K, V>,
) -> Option<String> {
    let keys: BTreeSet<&K> = a.keys().chain(b.keys()).collect();
    keys.into_iter().find(|key| a.get(key) != b.get(key)).map(|key| {
        let side = |v: Option<&V>| v.map_or_else(|| "absent".to_owned(), |v| format!("{v:?}"));
        format!("{noun} {key}: {} against {}", side(a.get(key)), side(b.get(key)))
    })
}
