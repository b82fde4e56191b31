//! Where the identities of stores come from: random numbers, or fixed ones in tests.

use oarlock_host::random;
use oarlock_model::StoreIdentity;
use oarlock_model::identity::{Fresh, StoreId};
use oarlock_model::time::WallTime;
use oarlock_ops::store::{StoreError, StoreResult};

use crate::error::unavailable;

/// How a store gets its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Births {
    /// From the operating system's random numbers.
    #[default]
    Random,
    /// These bits, and numbers from 1; a restore takes the next. For tests: 0 has no tag.
    Fixed(u128),
}

impl Births {
    /// The identity of a store that is made now.
    pub(crate) fn first(self, now: WallTime) -> StoreResult<StoreIdentity> {
        match self {
            Births::Random => {
                StoreIdentity::begin(drawn()?, now, None).map_err(|refused| StoreError::Internal(format!("no new store: {refused}")))
            }
            Births::Fixed(id) => Ok(StoreIdentity::new(StoreId(id), 0, 0)),
        }
    }

    /// The source of the next identity of a store.
    pub(crate) fn next(self, after: &StoreIdentity) -> StoreResult<Fresh> {
        match self {
            Births::Random => drawn(),
            Births::Fixed(_) => Ok(Fresh { id: after.id().0.wrapping_add(1), start: 0 }),
        }
    }
}

fn drawn() -> StoreResult<Fresh> {
    let draw = || Ok::<_, std::io::Error>(Fresh { id: random::u128()?, start: random::u128()? as u64 });
    draw().map_err(|error| unavailable(format!("the system has no random numbers: {error}"), "look at /dev/urandom, and try again"))
}
