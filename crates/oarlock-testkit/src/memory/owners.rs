//! The machine as a test says it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use oarlock_model::SessionId;
use oarlock_model::agent::Owner;
use oarlock_ops::owners::{OwnerLiveness, Owners};

/// Sessions whose lock a transaction has taken: it sees that at once.
pub(super) type Taken = Arc<Mutex<BTreeSet<SessionId>>>;

/// The known owners.
pub(super) struct MemoryOwners {
    pub(super) boot_id: String,
    pub(super) sights: BTreeMap<SessionId, OwnerLiveness>,
    pub(super) taken: Taken,
    pub(super) turns: Arc<AtomicU64>,
}

impl Owners for MemoryOwners {
    fn boot_id(&self) -> &str {
        &self.boot_id
    }

    fn owner_liveness(&self, session: &SessionId, _owner: &Owner) -> OwnerLiveness {
        if self.taken.lock().expect("nobody panics while holding it").contains(session) {
            return OwnerLiveness::Alive;
        }
        self.sights.get(session).copied().unwrap_or(OwnerLiveness::Unknown)
    }

    fn turn(&self) -> Option<u64> {
        Some(self.turns.fetch_add(1, Relaxed))
    }
}
