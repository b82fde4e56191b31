//! MESSAGE.

use oarlock_model::message::Message;
use oarlock_model::{AgentName, MessageId, StoreIdentity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes::rfc3339;

/// A message: MESSAGE of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageShape {
    /// The message id.
    pub id: MessageId,
    /// The id of the first message of its thread.
    pub thread: MessageId,
    /// The sender.
    pub from: AgentName,
    /// The recipients, as resolved when it was sent.
    pub to: Vec<AgentName>,
    /// The subject, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// The time it was sent, in RFC 3339.
    pub sent_at: String,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Whether the sender asks for an acknowledgement.
    pub ack_required: bool,
    /// Whether the reader has acknowledged it; for a caller that is not a recipient, whether all recipients have.
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
