//! Facts about messages.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};

use crate::ident::{AgentName, MessageId};

/// See [`Fact::MessageSent`](super::Fact::MessageSent).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageSent {
    /// The message.
    pub id: MessageId,
    /// Its thread: the id of the first message.
    pub thread: MessageId,
    /// The recipients, as they were when it was sent.
    pub to: Vec<AgentName>,
    /// A line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text: untrusted.
    pub text: String,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Whether it asks for an acknowledgement.
    #[serde(default)]
    pub ack_required: bool,
    /// The name under which its sender is counted; absent if that is the part of the sender's name before its first dot.
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
