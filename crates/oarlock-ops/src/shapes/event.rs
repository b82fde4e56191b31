//! EVENT.

use oarlock_model::event::Event;
use oarlock_model::{AgentName, SessionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::OpError;
use crate::cursor;
use crate::shapes::rfc3339;
use crate::store::View;

/// EVENT of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct EventShape {
    pub cursor: String,
    pub at: String,
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    pub subject: String,
    pub data: Value,
}

impl EventShape {
    /// The shape of an event of the store that `view` shows.
    ///
    /// # Errors
    /// Store errors.
    pub fn of(view: &dyn View, event: Event) -> Result<Self, OpError> {
        Ok(Self {
            cursor: cursor::after(view, event.seq)?,
            at: rfc3339(event.at),
            kind: event.fact.kind().to_owned(),
            subject: event.fact.subject(),
            data: event.fact.data_value()?,
            agent: event.agent,
            session: event.session,
        })
    }
}
