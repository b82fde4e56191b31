//! A store that calls a test before and after each thing that can be done to it: fail points for any store, and none in the product.

use std::sync::Arc;

use oarlock_ops::store::StoreResult;

use crate::wrapped::{Hooks, Wrapped};

/// The steps of a store. The caller of the operation gets the reply, so the caller itself passes that point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreStep {
    /// A transaction begins.
    Begin,
    /// Something is written in it.
    Write,
    /// It is committed.
    Commit,
    /// The outcome is reported to the caller.
    Reply,
}

impl StoreStep {
    /// All of them.
    pub const ALL: [StoreStep; 4] = [StoreStep::Begin, StoreStep::Write, StoreStep::Commit, StoreStep::Reply];
}

/// A place at which something may happen to the process: before a step, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FailPoint {
    /// The step.
    pub step: StoreStep,
    /// Whether it has been done.
    pub after: bool,
}

/// Called at each fail point.
pub type AtFailPoint = Arc<dyn Fn(FailPoint) + Send + Sync>;

/// Calls a test at its fail points.
#[derive(Clone)]
pub struct Failing(AtFailPoint);

impl Failing {
    fn around<T>(&self, step: StoreStep, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        (self.0)(FailPoint { step, after: false });
        let outcome = act();
        (self.0)(FailPoint { step, after: true });
        outcome
    }
}

impl Hooks for Failing {
    fn begin<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        self.around(StoreStep::Begin, act)
    }

    fn write<T>(&mut self, _rows: u64, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        self.around(StoreStep::Write, act)
    }

    fn take_lock<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        self.around(StoreStep::Write, act)
    }

    fn commit(&mut self, act: impl FnOnce() -> StoreResult<()>) -> StoreResult<()> {
        self.around(StoreStep::Commit, act)
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
