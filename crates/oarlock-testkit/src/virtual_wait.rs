//! Waiting without waiting: a store whose listeners, instead of sleeping, let the test's clock run. A
//! request with `--wait` then takes no real time and always wakes at the same moment.

use std::sync::Arc;

use oarlock_ops::lock::Lock;
use oarlock_ops::outside::Outside;
use oarlock_ops::owners::Owners;
use oarlock_ops::store::{Durability, Listening, Store, StoreResult, Transaction, View};
use oarlock_ops::topic::Topics;

/// Lets this many milliseconds pass at once, on whatever clock a store reports time by.
pub type Hurry = Arc<dyn Fn(i64) + Send + Sync>;

/// A store whose waits pass at once.
pub struct VirtualWait<S> {
    inner: S,
    hurry: Hurry,
}

impl<S> VirtualWait<S> {
    /// Wraps a store whose clock `hurry` moves.
    pub fn new(inner: S, hurry: Hurry) -> Self {
        Self { inner, hurry }
    }

    /// The store.
    pub fn inner(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S: Store> Store for VirtualWait<S> {
    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }

    fn owners(&mut self) -> Box<dyn Owners> {
        self.inner.owners()
    }

    fn outside(&self) -> Option<Arc<dyn Outside>> {
        self.inner.outside()
    }

    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        self.inner.begin(locks, durability)
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.inner.snapshot()
    }

    fn listen(&mut self, _topics: Topics) -> StoreResult<Box<dyn Listening>> {
        Ok(Box::new(VirtualListening::new(Arc::clone(&self.hurry))))
    }
}

/// A listener that hears nothing and lets time run.
pub(crate) struct VirtualListening {
    hurry: Hurry,
}

impl VirtualListening {
    pub(crate) fn new(hurry: Hurry) -> Self {
        Self { hurry }
    }
}

impl Listening for VirtualListening {
    fn wait(&mut self, for_ms: i64, _owners: &[String]) -> StoreResult<()> {
        (self.hurry)(for_ms);
        Ok(())
    }
}
