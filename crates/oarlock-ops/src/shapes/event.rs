//! EVENT and CURSOR.

use oarlock_model::event::Event;
use oarlock_model::ident::shown;
use oarlock_model::{AgentName, Rejection, SessionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::OpError;
use crate::shapes::rfc3339;

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
    /// The shape of an event.
    ///
    /// # Errors
    /// Never for data that was read from a store.
    pub fn of(event: Event) -> Result<Self, OpError> {
        Ok(Self {
            cursor: event.seq.to_string(),
            at: rfc3339(event.at),
            kind: event.fact.kind().to_owned(),
            subject: event.fact.subject(),
            data: event.fact.data_value()?,
            agent: event.agent,
            session: event.session,
        })
    }
}

/// Reads a cursor; absent means the start.
///
/// # Errors
/// `invalid_request`.
pub fn parse_cursor(cursor: Option<&str>) -> Result<u64, Rejection> {
    match cursor {
        None => Ok(0),
        Some(text) if !text.is_empty() && text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit()) => {
            text.parse().map_err(|_| bad_cursor(text))
        }
        Some(text) => Err(bad_cursor(text)),
    }
}

fn bad_cursor(text: &str) -> Rejection {
    Rejection::invalid(format!("\"{}\" is not a cursor", shown(text)), "pass a cursor exactly as a reply gave it, or leave it out")
}
