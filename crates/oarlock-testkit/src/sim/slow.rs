//! A store whose transactions take time to begin: others may have been there meanwhile.

use oarlock_ops::lock::Lock;
use oarlock_ops::outside::Outside;
use oarlock_ops::owners::Owners;
use oarlock_ops::store::{Durability, Listening, Store, StoreResult, Transaction, View};
use oarlock_ops::topic::Topics;

use std::sync::Arc;

use crate::harness::Harness;

/// The store of one process under a harness, slow by this many milliseconds a transaction.
pub(super) struct Slow<'a> {
    harness: &'a mut dyn Harness,
    process: &'a str,
    slow_ms: i64,
    /// How much time has passed in it.
    pub(super) passed_ms: i64,
    outside: Option<Arc<dyn Outside>>,
}

impl<'a> Slow<'a> {
    pub(super) fn new(harness: &'a mut dyn Harness, process: &'a str, slow_ms: i64) -> Self {
        let outside = harness.store(process).outside();
        Self { harness, process, slow_ms, passed_ms: 0, outside }
    }
}

impl Store for Slow<'_> {
    fn is_read_only(&self) -> bool {
        false
    }

    fn owners(&mut self) -> Box<dyn Owners> {
        self.harness.store(self.process).owners()
    }

    fn outside(&self) -> Option<Arc<dyn Outside>> {
        self.outside.clone()
    }

    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        self.harness.advance_ms(self.slow_ms);
        self.passed_ms += self.slow_ms;
        self.harness.store(self.process).begin(locks, durability)
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.harness.store(self.process).snapshot()
    }

    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        self.harness.store(self.process).listen(topics)
    }
}
