//! Messages between agents. Their text is untrusted data.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::ident::{AgentName, MessageId};
use crate::time::WallTime;

/// A message, as sent; who acknowledged it is kept beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The number of the event that sent it: its order.
    pub seq: u64,
    /// Its id.
    pub id: MessageId,
    /// The first message of its thread.
    pub thread: MessageId,
    /// Who sent it.
    pub from: AgentName,
    /// By which name its sender is counted: its own, or that of the agent whose helper it is.
    pub counts_as: AgentName,
    /// Who gets it, resolved when it was sent.
    pub to: Vec<AgentName>,
    /// A line for people.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// When.
    pub sent_at: WallTime,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Whether the sender asked for an acknowledgement.
    pub ack_required: bool,
    /// Whether no agent's session sent it: a person or a script did.
    pub outside: bool,
    /// Who acknowledged it.
    pub acked_by: BTreeSet<AgentName>,
    /// Whom it was shown to: a read mark, not part of the log.
    pub shown_to: BTreeSet<AgentName>,
}

impl Message {
    /// Whether a claim that waits `--or-message` ends for it: its sender asks for an acknowledgement, or is no agent at work.
    pub fn is_urgent(&self) -> bool {
        self.ack_required || self.outside
    }

    /// Whether this recipient has neither acknowledged it nor been shown it.
    pub fn is_unread_by(&self, agent: &AgentName) -> bool {
        self.to.contains(agent) && !self.acked_by.contains(agent) && !self.shown_to.contains(agent)
    }
}
