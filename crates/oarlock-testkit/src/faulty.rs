//! A store that calls a test before and after each thing that can be done to it: fail points for any store, and none in the product.

use std::sync::Arc;

use oarlock_model::agent::Presence;
use oarlock_model::event::Event;
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::state::Notice;
use oarlock_model::{AgentName, MessageId, SessionId, StoreTime, TaskId, WallTime};
use oarlock_ops::lock::Lock;
use oarlock_ops::store::{Durability, Listening, Remembered, ReplyKey, Store, StoreResult, Transaction, View};
use oarlock_ops::topic::Topics;

/// What is done to a store. The reply is what the caller of the operation gets, so the caller itself passes that point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// A transaction begins.
    Begin,
    /// Something is written in it.
    Write,
    /// It is committed.
    Commit,
    /// The outcome is told to whoever asked.
    Reply,
}

impl Deed {
    /// All of them.
    pub const ALL: [Deed; 4] = [Deed::Begin, Deed::Write, Deed::Commit, Deed::Reply];
}

/// A place at which something may happen to the process: before a deed, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FailPoint {
    /// The deed.
    pub deed: Deed,
    /// Whether it has been done.
    pub after: bool,
}

/// Called at each fail point.
pub type AtFailPoint = Arc<dyn Fn(FailPoint) + Send + Sync>;

/// A store with fail points.
pub struct Faulty<S> {
    inner: S,
    at: AtFailPoint,
}

impl<S> Faulty<S> {
    /// Puts fail points around a store.
    pub fn new(inner: S, at: AtFailPoint) -> Self {
        Self { inner, at }
    }
}

fn around<T>(at: &AtFailPoint, deed: Deed, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
    at(FailPoint { deed, after: false });
    let outcome = act();
    at(FailPoint { deed, after: true });
    outcome
}

impl<S: Store> Store for Faulty<S> {
    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }

    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        let Self { inner, at } = self;
        let inner = around(at, Deed::Begin, || inner.begin(locks, durability))?;
        Ok(Box::new(FaultyTransaction { inner, at }))
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.inner.snapshot()
    }

    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        self.inner.listen(topics)
    }
}

struct FaultyTransaction<'a> {
    inner: Box<dyn Transaction + 'a>,
    at: &'a AtFailPoint,
}

impl FaultyTransaction<'_> {
    fn write<T>(&mut self, act: impl FnOnce(&mut dyn Transaction) -> StoreResult<T>) -> StoreResult<T> {
        around(self.at, Deed::Write, || act(&mut *self.inner))
    }
}

impl Transaction for FaultyTransaction<'_> {
    fn next_seq(&self) -> u64 {
        self.inner.next_seq()
    }

    fn skip_to(&mut self, seq: u64) {
        self.inner.skip_to(seq);
    }

    fn append(&mut self, event: &Event) -> StoreResult<()> {
        self.write(|tx| tx.append(event))
    }

    fn write_presence(&mut self, name: &AgentName, presence: &Presence) -> StoreResult<()> {
        self.write(|tx| tx.write_presence(name, presence))
    }

    fn write_shown(&mut self, agent: &AgentName, messages: &[MessageId]) -> StoreResult<()> {
        self.write(|tx| tx.write_shown(agent, messages))
    }

    fn write_renewal(&mut self, task: &TaskId, renewed: StoreTime, ttl_ms: i64) -> StoreResult<()> {
        self.write(|tx| tx.write_renewal(task, renewed, ttl_ms))
    }

    fn write_outside_seen(&mut self, task: &TaskId, seen: WallTime) -> StoreResult<()> {
        self.write(|tx| tx.write_outside_seen(task, seen))
    }

    fn take_notices(&mut self, session: &SessionId) -> StoreResult<Vec<Notice>> {
        self.write(|tx| tx.take_notices(session))
    }

    fn note_first_end(&mut self, read_at: StoreTime, first_end: StoreTime) -> StoreResult<()> {
        self.write(|tx| tx.note_first_end(read_at, first_end))
    }

    fn write_starved(&mut self, task: &TaskId, starved: Option<&StarvedClaim>) -> StoreResult<()> {
        self.write(|tx| tx.write_starved(task, starved))
    }

    fn remember(&mut self, key: &ReplyKey, remembered: &Remembered) -> StoreResult<()> {
        self.write(|tx| tx.remember(key, remembered))
    }

    fn take_owner_lock(&mut self, session: &SessionId) -> StoreResult<()> {
        self.write(|tx| tx.take_owner_lock(session))
    }

    fn mark(&mut self) -> StoreResult<()> {
        self.inner.mark()
    }

    fn undo_to_mark(&mut self) -> StoreResult<bool> {
        self.inner.undo_to_mark()
    }

    fn commit(self: Box<Self>) -> StoreResult<()> {
        let Self { inner, at } = *self;
        around(at, Deed::Commit, || inner.commit())
    }

    fn view(&self) -> &dyn View {
        self.inner.view()
    }
}
