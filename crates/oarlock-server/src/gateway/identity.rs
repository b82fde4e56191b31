//! Which store a gateway serves.

use std::sync::{Mutex, PoisonError};

use oarlock_model::StoreIdentity;

/// Which store is served. A restore gives it another identity while its handles stay open.
#[derive(Debug)]
pub(super) struct Identity {
    known: Mutex<StoreIdentity>,
}

impl Identity {
    /// That of a store which was just opened.
    pub(super) fn of(identity: StoreIdentity) -> Self {
        Self { known: Mutex::new(identity) }
    }

    /// The identity that the last reading handle saw.
    pub(super) fn now(&self) -> StoreIdentity {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what a handle sees. Numbers rise: one that looked before a restore does not count after it.
    pub(super) fn note(&self, seen: &StoreIdentity) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.base() > known.base() {
            known.clone_from(seen);
        }
    }
}
