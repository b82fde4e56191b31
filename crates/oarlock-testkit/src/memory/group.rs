//! Group commit, as it is meant: the calls are made one after the other, and all of them stay or none.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use oarlock_model::StoreIdentity;
use oarlock_ops::lock::Lock;
use oarlock_ops::outside::Outside;
use oarlock_ops::owners::Owners;
use oarlock_ops::store::{Durability, Listening, ServedStore, Store, StoreError, StoreResult, Transaction, View};
use oarlock_ops::topic::Topics;

use super::MemoryStore;
use crate::wrapped::{Hooks, Wrapped};

impl ServedStore for MemoryStore {
    fn identity(&self) -> &StoreIdentity {
        &self.world.identity
    }

    fn group(&mut self, _durability: Durability, work: &mut dyn FnMut(&mut dyn Store) -> StoreResult<()>) -> StoreResult<bool> {
        let before = self.world.clone();
        let spoiled = Spoiled::default();
        let worked = work(&mut Wrapped::around(Sharing(self), spoiled.clone()));
        let is_whole = worked.is_ok() && !spoiled.0.get();
        if !is_whole {
            self.world = before;
        }
        Ok(is_whole)
    }

    fn wants_upkeep(&mut self) -> bool {
        false
    }

    fn upkeep(&mut self) {}
}

/// The store for calls that share a commit.
struct Sharing<'a>(&'a mut MemoryStore);

impl Store for Sharing<'_> {
    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        self.0.begin(locks, durability)
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.0.snapshot()
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn owners(&mut self) -> Box<dyn Owners> {
        self.0.owners()
    }

    fn outside(&self) -> Option<Arc<dyn Outside>> {
        None
    }

    fn listen(&mut self, _topics: Topics) -> StoreResult<Box<dyn Listening>> {
        Err(StoreError::Internal("a call that shares its transaction cannot wait".into()))
    }
}

/// Whether the store has failed one of the calls.
#[derive(Clone, Default)]
struct Spoiled(Rc<Cell<bool>>);

impl Spoiled {
    fn noted<T>(&self, result: StoreResult<T>) -> StoreResult<T> {
        self.0.set(self.0.get() || result.is_err());
        result
    }
}

impl Hooks for Spoiled {
    fn begin<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        self.noted(act())
    }

    fn write<T>(&mut self, _rows: u64, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        self.noted(act())
    }

    fn undo<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        self.noted(act())
    }

    fn commit(&mut self, act: impl FnOnce() -> StoreResult<()>) -> StoreResult<()> {
        self.noted(act())
    }
}
