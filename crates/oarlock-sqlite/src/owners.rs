//! The machine's answers about the processes behind sessions: beside the store, which is never asked.

use std::path::PathBuf;

use oarlock_host::owner::{OwnerState, probe};
use oarlock_host::process::{Liveness, ProcessId};
use oarlock_model::SessionId;
use oarlock_model::agent::Owner;
use oarlock_ops::owners::{OwnerLiveness, Owners};

use crate::high_water_mark::HighWaterMark;

/// The machine of a handle.
#[derive(Clone)]
pub(crate) struct LocalOwners {
    /// Its boot.
    pub(crate) boot_id: String,
    /// Where the locks lie that stand for the lives of sessions.
    pub(crate) locks: PathBuf,
    /// The memory of those who share the store.
    pub(crate) high_water_mark: HighWaterMark,
}

impl Owners for LocalOwners {
    fn boot_id(&self) -> &str {
        &self.boot_id
    }

    fn owner_liveness(&self, session: &SessionId, owner: &Owner) -> OwnerLiveness {
        match owner {
            Owner::None => OwnerLiveness::Unknown,
            Owner::Process { process } => liveness_of(process),
            Owner::Lock { process, .. } => match probe(&self.locks, session.as_str()) {
                Ok(OwnerState::Held) => OwnerLiveness::Alive,
                Ok(OwnerState::Free) => OwnerLiveness::Died,
                // A missing file proves nothing by itself.
                Ok(OwnerState::Missing) | Err(_) => liveness_of(process),
            },
        }
    }

    fn turn(&self) -> Option<u64> {
        self.high_water_mark.turn()
    }
}

fn liveness_of(process: &str) -> OwnerLiveness {
    match ProcessId::parse(process).map(|process| process.liveness()) {
        Ok(Liveness::Alive) => OwnerLiveness::Alive,
        Ok(Liveness::Dead) => OwnerLiveness::Died,
        Ok(Liveness::Unknown) | Err(_) => OwnerLiveness::Unknown,
    }
}
