//! A store that measures its writing transactions: how long each holds the write lock, and for what. No code of the product changes for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oarlock_model::agent::Presence;
use oarlock_model::event::Event;
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::state::Notice;
use oarlock_model::{AgentName, MessageId, SessionId, StoreTime, TaskId, WallTime};
use oarlock_ops::lock::Lock;
use oarlock_ops::store::{Durability, Listening, Remembered, ReplyKey, Store, StoreResult, Transaction, View};
use oarlock_ops::topic::Topics;

/// One writing transaction, from the moment when it held the write lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Time spent on reading and deciding: all but the writes and the commit.
    pub deciding: Duration,
    /// Time spent in calls that write rows.
    pub writing: Duration,
    /// Time of the commit, its sync included.
    pub committing: Duration,
    /// Rows that were written through the port. An event counts as one row, with all that follows from it in the tables.
    pub rows: u64,
    /// Whether it was committed.
    pub committed: bool,
}

impl Held {
    /// The time for which nobody else could write.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.deciding + self.writing + self.committing
    }
}

/// The measurements of a [`Metered`] store, in the order in which its transactions ended. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Vec<Held>>>);

impl Meter {
    /// The transactions since the last call of this.
    #[must_use]
    pub fn take(&self) -> Vec<Held> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, held: Held) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    }
}

/// A store that is measured.
pub struct Metered<S> {
    inner: S,
    meter: Meter,
}

impl<S> Metered<S> {
    /// Measures this store.
    pub fn new(inner: S) -> Self {
        Self { inner, meter: Meter::default() }
    }

    /// Where the measurements are.
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// The store itself.
    pub fn inner(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S: Store> Store for Metered<S> {
    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        let inner = self.inner.begin(locks, durability)?;
        Ok(Box::new(MeteredTransaction { inner: Some(inner), meter: self.meter.clone(), begun: Instant::now(), held: Held::default() }))
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.inner.snapshot()
    }

    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }

    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        self.inner.listen(topics)
    }
}

struct MeteredTransaction<'a> {
    /// Absent once it is committed.
    inner: Option<Box<dyn Transaction + 'a>>,
    meter: Meter,
    begun: Instant,
    held: Held,
}

impl<'a> MeteredTransaction<'a> {
    fn tx(&mut self) -> &mut (dyn Transaction + 'a) {
        &mut **self.inner.as_mut().expect("a transaction ends with its commit, which takes it")
    }

    fn write<T>(&mut self, rows: u64, act: impl FnOnce(&mut (dyn Transaction + 'a)) -> StoreResult<T>) -> StoreResult<T> {
        let begun = Instant::now();
        let outcome = act(self.tx());
        self.held.writing += begun.elapsed();
        self.held.rows += rows;
        outcome
    }

    fn decided(&mut self) {
        self.held.deciding = self.begun.elapsed().saturating_sub(self.held.writing);
    }
}

impl Drop for MeteredTransaction<'_> {
    fn drop(&mut self) {
        if self.inner.is_some() {
            self.decided();
            self.meter.note(self.held);
        }
    }
}

impl Transaction for MeteredTransaction<'_> {
    fn next_seq(&self) -> u64 {
        self.inner.as_ref().map_or(0, |tx| tx.next_seq())
    }

    fn skip_to(&mut self, seq: u64) {
        self.tx().skip_to(seq);
    }

    fn append(&mut self, event: &Event) -> StoreResult<()> {
        self.write(1, |tx| tx.append(event))
    }

    fn write_presence(&mut self, name: &AgentName, presence: &Presence) -> StoreResult<()> {
        self.write(1, |tx| tx.write_presence(name, presence))
    }

    fn write_shown(&mut self, agent: &AgentName, messages: &[MessageId]) -> StoreResult<()> {
        self.write(messages.len() as u64, |tx| tx.write_shown(agent, messages))
    }

    fn write_renewal(&mut self, task: &TaskId, renewed: StoreTime, ttl_ms: i64) -> StoreResult<()> {
        self.write(1, |tx| tx.write_renewal(task, renewed, ttl_ms))
    }

    fn write_outside_seen(&mut self, task: &TaskId, seen: WallTime) -> StoreResult<()> {
        self.write(1, |tx| tx.write_outside_seen(task, seen))
    }

    fn take_notices(&mut self, session: &SessionId) -> StoreResult<Vec<Notice>> {
        let taken = self.write(0, |tx| tx.take_notices(session))?;
        self.held.rows += taken.len() as u64;
        Ok(taken)
    }

    fn note_first_end(&mut self, read_at: StoreTime, first_end: StoreTime) -> StoreResult<()> {
        self.write(1, |tx| tx.note_first_end(read_at, first_end))
    }

    fn write_starved(&mut self, task: &TaskId, starved: Option<&StarvedClaim>) -> StoreResult<()> {
        self.write(1, |tx| tx.write_starved(task, starved))
    }

    fn remember(&mut self, key: &ReplyKey, remembered: &Remembered) -> StoreResult<()> {
        self.write(1, |tx| tx.remember(key, remembered))
    }

    fn take_owner_lock(&mut self, session: &SessionId) -> StoreResult<()> {
        self.tx().take_owner_lock(session)
    }

    fn mark(&mut self) -> StoreResult<()> {
        self.tx().mark()
    }

    fn undo_to_mark(&mut self) -> StoreResult<bool> {
        self.write(0, |tx| tx.undo_to_mark())
    }

    fn commit(mut self: Box<Self>) -> StoreResult<()> {
        self.decided();
        let Some(inner) = self.inner.take() else { return Ok(()) };
        let begun = Instant::now();
        let outcome = inner.commit();
        self.held.committing = begun.elapsed();
        self.held.committed = outcome.is_ok();
        self.meter.note(self.held);
        outcome
    }

    fn view(&self) -> &dyn View {
        self.inner.as_ref().expect("a transaction ends with its commit, which takes it").view()
    }
}
