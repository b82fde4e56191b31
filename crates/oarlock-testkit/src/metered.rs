//! A store that measures its writing transactions: how long each holds the write lock, and for what. No code of the product changes for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oarlock_ops::store::StoreResult;

use crate::wrapped::{Hooks, Wrapped};

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

/// Measures one transaction after another.
#[derive(Debug)]
pub struct Measuring {
    meter: Meter,
    begun: Instant,
    held: Held,
}

impl Clone for Measuring {
    /// The same meter, for the next transaction.
    fn clone(&self) -> Self {
        Self { meter: self.meter.clone(), begun: Instant::now(), held: Held::default() }
    }
}

impl Measuring {
    fn decided(&mut self) {
        self.held.deciding = self.begun.elapsed().saturating_sub(self.held.writing);
    }
}

impl Hooks for Measuring {
    fn begin<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        let begun = act();
        // From here on it holds the write lock.
        self.begun = Instant::now();
        begun
    }

    fn write<T>(&mut self, rows: u64, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        let begun = Instant::now();
        let outcome = act();
        self.held.writing += begun.elapsed();
        self.held.rows += rows;
        outcome
    }

    fn rows(&mut self, more: u64) {
        self.held.rows += more;
    }

    fn undo<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        self.write(0, act)
    }

    fn commit(&mut self, act: impl FnOnce() -> StoreResult<()>) -> StoreResult<()> {
        self.decided();
        let begun = Instant::now();
        let outcome = act();
        self.held.committing = begun.elapsed();
        self.held.committed = outcome.is_ok();
        self.meter.note(self.held);
        outcome
    }

    fn drop_it(&mut self) {
        self.decided();
        self.meter.note(self.held);
    }
}

/// A store that is measured.
pub type Metered<S> = Wrapped<S, Measuring>;

impl<S> Metered<S> {
    /// Measures this store.
    pub fn new(inner: S) -> Self {
        Self::around(inner, Measuring { meter: Meter::default(), begun: Instant::now(), held: Held::default() })
    }

    /// Where the measurements are.
    pub fn meter(&self) -> Meter {
        self.hooks().meter.clone()
    }
}
