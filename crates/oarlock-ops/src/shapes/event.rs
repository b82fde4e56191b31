//! EVENT.

use oarlock_model::event::{Event, Fact, TaskFailed};
use oarlock_model::{AgentName, SessionId, StoreIdentity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::OpError;
use crate::cursor;
use crate::shapes::rfc3339;
use crate::store::MomentView;

/// An event of the log: EVENT of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventShape {
    /// The cursor: `events --after CURSOR` goes on behind this event.
    pub cursor: String,
    /// The time, in RFC 3339.
    pub at: String,
    /// The kind, for example `task_claimed`.
    pub kind: String,
    /// The agent that caused it; absent where the caller had no identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// The session that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The id of the task, agent, message or reservation, or the key, that it is about.
    pub subject: String,
    /// The facts of its kind.
    pub data: Value,
}

impl EventShape {
    /// The shape of an event of the store that `view` shows.
    ///
    /// # Errors
    /// Store errors.
    pub fn of(view: &dyn MomentView, event: Event) -> Result<Self, OpError> {
        let store = view.identity();
        let fact = shown_by(store, event.fact);
        let mut data = fact.data_value()?;
        // Moments of store time mean nothing outside of the store.
        if let Fact::TaskFailed(TaskFailed { retry_at: Some(at), .. }) = &fact {
            data["retry_in_ms"] = at.since_ms(event.store_at).into();
        }
        Ok(Self {
            cursor: cursor::after(view, event.seq)?,
            at: rfc3339(event.at),
            kind: fact.kind().to_owned(),
            subject: fact.subject(),
            data,
            agent: event.agent,
            session: event.session,
        })
    }
}

/// A fact with the ids by which the store shows messages, reservations and proposals.
fn shown_by(store: &StoreIdentity, mut fact: Fact) -> Fact {
    match &mut fact {
        Fact::MessageSent(sent) => {
            sent.id = sent.id.shown_by(store);
            sent.thread = sent.thread.shown_by(store);
            sent.reply_to = sent.reply_to.take().map(|id| id.shown_by(store));
        }
        Fact::MessageAcked(acked) => acked.id = acked.id.shown_by(store),
        Fact::ReservationMade(made) => made.id = made.id.shown_by(store),
        Fact::ReservationEnded(ended) => ended.id = ended.id.shown_by(store),
        Fact::ProposalOpened(opened) => opened.id = opened.id.shown_by(store),
        Fact::VoteCast(cast) => cast.id = cast.id.shown_by(store),
        Fact::ProposalClosed(closed) => closed.id = closed.id.shown_by(store),
        _ => {}
    }
    fact
}
