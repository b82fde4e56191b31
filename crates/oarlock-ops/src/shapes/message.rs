//! MESSAGE.

use oarlock_model::message::Message;
use oarlock_model::{AgentName, MessageId, StoreIdentity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes::rfc3339;

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
    pub fn of(store: &StoreIdentity, message: Message, reader: Option<&AgentName>) -> Self {
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
