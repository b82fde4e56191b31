//! Facts about messages.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};

use crate::ident::{AgentName, MessageId};

/// See [`Fact::MessageSent`](super::Fact::MessageSent).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageSent {
    /// The message.
    pub id: MessageId,
    /// The first message of its thread.
    pub thread: MessageId,
    /// The recipients.
    pub to: Vec<AgentName>,
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Whether the sender asks for an acknowledgement.
    #[serde(default)]
    pub ack_required: bool,
    /// By which name its sender is counted; absent where that is the one before its first dot, as all logs had it once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_as: Option<AgentName>,
}

impl MessageSent {
    /// By which name this sender of it is counted.
    pub fn counts_as<'a>(&'a self, from: &'a AgentName) -> &'a str {
        self.counts_as.as_ref().map_or_else(|| from.first_name(), AgentName::as_str)
    }
}

/// See [`Fact::MessageAcked`](super::Fact::MessageAcked).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageAcked {
    /// The message.
    pub id: MessageId,
    /// Who acknowledged it.
    pub by: AgentName,
}
