//! A store that calls a test before and after each thing that can be done to it: fail points for any store, and none in the product.

use std::sync::Arc;

use oarlock_ops::store::StoreResult;

use crate::wrapped::{Hooks, Wrapped};

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

/// Calls a test at its fail points.
#[derive(Clone)]
pub struct Failing(AtFailPoint);

impl Failing {
    fn around<T>(&self, deed: Deed, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        (self.0)(FailPoint { deed, after: false });
        let outcome = act();
        (self.0)(FailPoint { deed, after: true });
        outcome
    }
}

impl Hooks for Failing {
    fn begin<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        self.around(Deed::Begin, act)
    }

    fn write<T>(&mut self, _rows: u64, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        self.around(Deed::Write, act)
    }

    fn take_lock<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        self.around(Deed::Write, act)
    }

    fn commit(&mut self, act: impl FnOnce() -> StoreResult<()>) -> StoreResult<()> {
        self.around(Deed::Commit, act)
    }
}

/// A store with fail points.
pub type Faulty<S> = Wrapped<S, Failing>;

impl<S> Faulty<S> {
    /// Puts fail points around a store.
    pub fn new(inner: S, at: AtFailPoint) -> Self {
        Self::around(inner, Failing(at))
    }
}
