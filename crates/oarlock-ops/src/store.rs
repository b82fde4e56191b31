//! The port: what an operation may read and write, whatever the store.
//!
//! A [`View`] finds rows and never decides. A [`Transaction`] is a view that can append events and
//! write the few rows that are not in the log. `commit` makes everything lasting and wakes waiters.

mod agent;
mod counts;
mod entry;
mod error;
mod graph;
mod log;
mod message;
mod moment;
mod offer;
mod proposal;
mod queue;
mod reservation;
mod rest;
mod served;
mod task;

use std::sync::Arc;

use oarlock_model::agent::Presence;
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::state::Notice;
use oarlock_model::{AgentName, MessageId, SessionId, StoreTime, TaskId, WallTime};

use crate::lock::Lock;
use crate::outside::Outside;
use crate::owners::Owners;
use crate::topic::Topics;
pub use agent::{AgentView, agents_by_name};
pub use counts::Counts;
pub use entry::{EntryPage, EntryView};
pub use error::{StoreError, StoreResult};
pub use graph::GraphView;
pub use log::{EventFilter, LogView, NewEvent, ReplyKey, StoredReply};
pub use message::{InboxList, InboxPart, MessageView, unread_count};
pub use moment::MomentView;
pub use offer::{Expired, Offer, QueuePlace};
pub use proposal::ProposalView;
pub use queue::QueueView;
pub use reservation::ReservationView;
pub use rest::{AtRest, ClosedPart, Near, TaskNode};
pub use served::ServedStore;
pub use task::{LandingCounts, QueuedLanding, TaskFilter, TaskView};

/// Reading, all of it. It sees one moment of the store. What reads less says so by asking for less: a rule that follows the graph takes a
/// [`GraphView`]. Every store answers every question itself: what passes questions on cannot forget one that a store answers with less work
/// than others would make of it.
pub trait View:
    MomentView + AgentView + TaskView + GraphView + QueueView + EntryView + ReservationView + MessageView + ProposalView + LogView
{
}

impl<V> View for V where
    V: MomentView
        + AgentView
        + TaskView
        + GraphView
        + QueueView
        + EntryView
        + ReservationView
        + MessageView
        + ProposalView
        + LogView
        + ?Sized
{
}

/// Writing. Dropped without `commit`, it leaves no trace.
pub trait Transaction {
    /// The number the next event gets: facts that name what they make need it before.
    fn next_seq(&self) -> u64;
    /// The next event gets at least this number: a new epoch begins.
    fn skip_to(&mut self, seq: u64);
    /// Appends an event and projects it. Returns the number that it was given.
    fn append(&mut self, event: NewEvent) -> StoreResult<u64>;
    /// Writes an agent's presence.
    fn write_presence(&mut self, name: &AgentName, presence: &Presence) -> StoreResult<()>;
    /// Notes that these messages were shown to an agent.
    fn write_shown(&mut self, agent: &AgentName, messages: &[MessageId]) -> StoreResult<()>;
    /// Writes the renewal of one lease.
    fn write_renewal(&mut self, task: &TaskId, renewed: StoreTime, ttl_ms: i64) -> StoreResult<()>;
    /// Writes the last sign of life of who has a task outside of the store.
    fn write_outside_seen(&mut self, task: &TaskId, seen: WallTime) -> StoreResult<()>;
    /// Removes and returns the news of a session, in no certain order.
    fn take_notices(&mut self, session: &SessionId) -> StoreResult<Vec<Notice>>;
    /// Notes that no lease ended before `first_end` when all of them were read, at the moment `read_at`.
    fn note_first_end(&mut self, read_at: StoreTime, first_end: StoreTime) -> StoreResult<()>;
    /// Remembers (or forgets) that a claim of this task was in vain.
    fn write_starved(&mut self, task: &TaskId, starved: Option<&StarvedClaim>) -> StoreResult<()>;
    /// Keeps the reply for an idempotency key.
    fn remember(&mut self, key: &ReplyKey, remembered: &StoredReply) -> StoreResult<()>;
    /// Takes the operating-system lock that means the life of `session` on behalf of this
    /// process; it is kept until the process dies or the store's handle is dropped.
    fn take_owner_lock(&mut self, session: &SessionId) -> StoreResult<()>;
    /// From here on, a refusal is undone; earlier writes stay.
    fn mark(&mut self) -> StoreResult<()>;
    /// Undoes everything since the last mark. Whether anything written before it remains.
    fn undo_to_mark(&mut self) -> StoreResult<bool>;
    /// Makes everything lasting and wakes waiters.
    fn commit(self: Box<Self>) -> StoreResult<()>;
    /// Reading inside this transaction, its own writes included.
    fn view(&self) -> &dyn View;
}

/// Waits for others' commits; made before the condition is checked, so that no wake is lost.
pub trait Listening {
    /// Waits until a topic rings, one of the `owners` (process identities) dies, or `for_ms` have passed.
    fn wait(&mut self, for_ms: i64, owners: &[String]) -> StoreResult<()>;
}

/// How lasting a commit must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It survives a loss of power once it is acknowledged.
    Full,
    /// It survives the death of its process. Enough for presence: after a loss of power no session lives. The next full commit presses it to the
    /// disk with itself.
    Presence,
}

/// A store.
pub trait Store {
    /// Begins a writing transaction that holds `locks`.
    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>>;
    /// Begins a reading transaction.
    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>>;
    /// Whether nothing can be written: then due work stays as it is, and only questions are answered.
    fn is_read_only(&self) -> bool;
    /// The liveness check of the machine on which it was opened.
    fn owners(&mut self) -> Box<dyn Owners>;
    /// Files beside it that have tasks of it, as the program that opened it says.
    fn outside(&self) -> Option<Arc<dyn Outside>>;
    /// Begins to listen.
    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>>;
}
