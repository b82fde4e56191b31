//! What this machine says of the processes behind sessions: beside the store, which is never asked.

use std::path::PathBuf;

use oarlock_host::owner::{OwnerState, probe};
use oarlock_host::process::{Liveness, ProcessId};
use oarlock_model::SessionId;
use oarlock_model::agent::Owner;
use oarlock_ops::owners::{OwnerSight, Owners};

use crate::witness::Witness;

/// The machine of a handle.
#[derive(Clone)]
pub(crate) struct LocalOwners {
    /// Its boot.
    pub(crate) boot_id: String,
    /// Where the locks lie that stand for the lives of sessions.
    pub(crate) locks: PathBuf,
    /// The memory of those who share the store.
    pub(crate) witness: Witness,
}

impl Owners for LocalOwners {
    fn boot_id(&self) -> &str {
        &self.boot_id
    }

    fn life(&self, session: &SessionId, owner: &Owner) -> OwnerSight {
        match owner {
            Owner::None => OwnerSight::Unknown,
            Owner::Process { process } => sight_of(process),
            Owner::Lock { process, .. } => match probe(&self.locks, session.as_str()) {
                Ok(OwnerState::Held) => OwnerSight::Alive,
                Ok(OwnerState::Free) => OwnerSight::Died,
                // A missing file proves nothing by itself.
                Ok(OwnerState::Missing) | Err(_) => sight_of(process),
            },
        }
    }

    fn turn(&self) -> Option<u64> {
        self.witness.turn()
    }
}

fn sight_of(process: &str) -> OwnerSight {
    match ProcessId::parse(process).map(|process| process.liveness()) {
        Ok(Liveness::Alive) => OwnerSight::Alive,
        Ok(Liveness::Dead) => OwnerSight::Died,
        Ok(Liveness::Unknown) | Err(_) => OwnerSight::Unknown,
    }
}
