//! What replies look like: the shapes of the contract, made from nouns and a view.

mod agent;
mod event;
mod task;

pub use agent::AgentShape;
pub use event::EventShape;
pub use task::{HolderShape, LeaseShape, TaskShape};

use oarlock_model::WallTime;
use oarlock_model::message::Message;
use oarlock_model::reservation::Reservation;
use oarlock_model::rules::liveness;
use oarlock_model::state::Entry;
use oarlock_model::{AgentName, MessageId, ReservationId, StateKey, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Reading;
use crate::store::StoreResult;

/// Wall time as RFC 3339 in UTC with milliseconds.
pub fn rfc3339(at: WallTime) -> String {
    // The upper end is the calendar's own: the last moment that is in the year 9999 in every time zone.
    let clamped = at.0.clamp(-62_135_596_800_000, 253_402_207_200_000);
    match jiff::Timestamp::from_millisecond(clamped) {
        Ok(timestamp) => format!("{timestamp:.3}"),
        Err(_) => format!("@{}", at.0),
    }
}

/// ENTRY.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct EntryShape {
    pub key: StateKey,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub value: Option<Value>,
    pub version: u64,
    pub updated_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<AgentName>,
}

/// A value that is there, `null` included: an entry may hold it.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl From<Entry> for EntryShape {
    fn from(entry: Entry) -> Self {
        Self {
            key: entry.key,
            value: entry.value,
            version: entry.version,
            updated_at: rfc3339(entry.updated_at),
            updated_by: entry.updated_by,
        }
    }
}

/// RESERVATION.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct ReservationShape {
    pub id: ReservationId,
    pub pattern: String,
    pub mode: oarlock_model::reservation::Mode,
    pub agent: AgentName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    pub ttl_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ReservationShape {
    /// The shape of a reservation now.
    ///
    /// # Errors
    /// Store errors.
    pub fn of(cx: &Reading<'_>, reservation: &Reservation) -> StoreResult<Self> {
        Ok(Self {
            id: reservation.id.shown_by(cx.view.identity()),
            pattern: reservation.target.to_string(),
            mode: reservation.mode,
            agent: reservation.agent.clone(),
            task: reservation.task.clone(),
            ttl_ms: reservation_ttl_ms(cx, reservation)?,
            reason: reservation.reason.clone(),
        })
    }
}

/// How long a reservation still holds, in milliseconds: its own time, or that of the lease it is tied to.
///
/// # Errors
/// Store errors.
pub fn reservation_ttl_ms(cx: &Reading<'_>, reservation: &Reservation) -> StoreResult<i64> {
    let holder = cx.view.agent(&reservation.agent)?;
    let grant = match &reservation.task {
        Some(task) => cx.view.running_grant(task)?,
        None => None,
    };
    Ok(liveness::reservation_ttl_ms(reservation, holder.as_ref(), grant.as_ref(), cx.now))
}

/// MESSAGE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct MessageShape {
    pub id: MessageId,
    pub thread: MessageId,
    pub from: AgentName,
    pub to: Vec<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub text: String,
    pub sent_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    pub ack_required: bool,
    pub acked: bool,
}

impl MessageShape {
    /// The shape of a message for `reader`, or, without a reader, as acknowledged when everybody has.
    pub fn of(cx: &Reading<'_>, message: Message, reader: Option<&AgentName>) -> Self {
        let store = cx.view.identity();
        let acked = match reader {
            Some(reader) if message.to.contains(reader) => message.acked_by.contains(reader),
            _ => message.to.iter().all(|name| message.acked_by.contains(name)),
        };
        Self {
            acked,
            id: message.id.shown_by(store),
            thread: message.thread.shown_by(store),
            from: message.from,
            to: message.to,
            subject: message.subject,
            text: message.text,
            sent_at: rfc3339(message.sent_at),
            reply_to: message.reply_to.map(|id| id.shown_by(store)),
            ack_required: message.ack_required,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_with_milliseconds() {
        assert_eq!(rfc3339(WallTime(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(WallTime(1_767_225_599_007)), "2025-12-31T23:59:59.007Z");
        assert!(rfc3339(WallTime(i64::MAX)).starts_with("9999-"));
    }
}
