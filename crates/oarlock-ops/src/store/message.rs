//! Messages.

use oarlock_model::message::Message;
use oarlock_model::rules::inbox::{Order, Senders};
use oarlock_model::{AgentName, MessageId, limits};

use super::StoreResult;

/// A list of messages to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxList<'a> {
    /// All of them, the newest first.
    All,
    /// Those that it has not acknowledged, the newest first.
    Open(Senders<'a>),
    /// Those of them that it has not been shown either, the oldest first.
    Unread(Senders<'a>),
    /// Those of these that end a claim which waits for messages, the oldest first.
    Urgent(Senders<'a>),
}

impl<'a> InboxList<'a> {
    /// The same list of the messages of these senders. The list of all messages has no senders.
    #[must_use]
    pub fn of(self, senders: Senders<'_>) -> InboxList<'_> {
        match self {
            InboxList::All => InboxList::All,
            InboxList::Open(_) => InboxList::Open(senders),
            InboxList::Unread(_) => InboxList::Unread(senders),
            InboxList::Urgent(_) => InboxList::Urgent(senders),
        }
    }

    /// Whose messages it has.
    pub fn senders(self) -> Senders<'a> {
        match self {
            InboxList::All => Senders::Any,
            InboxList::Open(senders) | InboxList::Unread(senders) | InboxList::Urgent(senders) => senders,
        }
    }

    /// From which end the list is walked.
    pub fn order(&self) -> Order {
        match self {
            InboxList::All | InboxList::Open(_) => Order::NewestFirst,
            InboxList::Unread(_) | InboxList::Urgent(_) => Order::OldestFirst,
        }
    }
}

/// Which part of such a list to read.
#[derive(Clone, Copy, Debug)]
pub struct InboxPart<'a> {
    /// The list.
    pub list: InboxList<'a>,
    /// Only what comes beyond the message with this number, in the order of the list.
    pub beyond: Option<u64>,
    /// At most this many.
    pub limit: usize,
}

/// Reading messages.
pub trait MessageView {
    /// The message with this id.
    fn message(&self, id: &MessageId) -> StoreResult<Option<Message>>;
    /// Messages to this agent, as many as fit into a page, in the order of their list.
    fn inbox(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<Vec<Message>>;
    /// How many messages `inbox` has there, counted up to `part.limit`.
    fn inbox_count(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<u64>;
    /// The numbers of the messages to this agent that it has not acknowledged and that `from` or a helper of it has sent, the newest
    /// first, at most `limit`.
    fn open_from(&self, agent: &AgentName, from: &AgentName, limit: usize) -> StoreResult<Vec<u64>>;
    /// Messages of a thread that were sent after this number, oldest first, as many as fit into a page.
    fn thread(&self, id: &MessageId, after: u64, limit: usize) -> StoreResult<Vec<Message>>;
}

/// How many messages to this agent it has neither acknowledged nor been shown, counted up to [`limits::MESSAGES_COUNTED_MAX`].
///
/// # Errors
/// Store errors.
pub fn unread_count(messages: &dyn MessageView, agent: &AgentName) -> StoreResult<u64> {
    let limit = limits::MESSAGES_COUNTED_MAX;
    messages.inbox_count(agent, &InboxPart { list: InboxList::Unread(Senders::Any), beyond: None, limit })
}
