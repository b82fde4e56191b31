//! The log.

use oarlock_model::event::{Event, Fact};
use oarlock_model::state::State;
use oarlock_model::{AgentName, SessionId, StoreTime, WallTime};

use super::StoreResult;

/// Which events to list, oldest first.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// After the event with this number.
    pub after_seq: u64,
    /// Before the event with this number.
    pub before_seq: Option<u64>,
    /// The newest that fit into the page, instead of the oldest; their order stays that of the log.
    pub newest: bool,
    /// Of one of these kinds; empty admits all.
    pub kinds: Vec<String>,
    /// About this noun.
    pub subject: Option<String>,
    /// At most this many.
    pub limit: usize,
    /// Until the page holds this many bytes of data.
    pub bytes_max: usize,
}

/// A reply that was given for an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReply {
    /// The hash of the request.
    pub request_hash: [u8; 16],
    /// The reply, as JSON text.
    pub reply: String,
}

/// The hash of a verb and an idempotency key, 128 bits of it: where a reply is kept.
pub type ReplyKey = [u8; 16];

/// An event to be logged, which has no number yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Wall time, for people.
    pub at: WallTime,
    /// Store time, which everything is judged by.
    pub store_at: StoreTime,
    /// Who caused it.
    pub agent: Option<AgentName>,
    /// Which incarnation caused it.
    pub session: Option<SessionId>,
    /// The fact.
    pub fact: Fact,
}

impl NewEvent {
    /// The event with this number.
    #[must_use]
    pub fn numbered(self, seq: u64) -> Event {
        let Self { at, store_at, agent, session, fact } = self;
        Event { seq, at, store_at, agent, session, fact }
    }
}

/// Reading the log, and the replies that are kept with it.
pub trait LogView {
    /// Events, oldest first.
    fn events(&self, filter: &EventFilter) -> StoreResult<Vec<Event>>;
    /// The last event of this kind about this noun.
    fn last_event_of(&self, subject: &str, kind: &str) -> StoreResult<Option<Event>>;
    /// The number of the last event.
    fn last_seq(&self) -> StoreResult<u64>;
    /// The reply given for an idempotency key.
    fn remembered(&self, key: &ReplyKey) -> StoreResult<Option<StoredReply>>;
    /// Everything that lasts, for checks and replays; large.
    fn state(&self) -> StoreResult<State>;
}
