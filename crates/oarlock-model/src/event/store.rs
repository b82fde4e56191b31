//! Facts about the store itself.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};

use crate::identity::{StoreId, StoreIdentity};

/// See [`Fact::StoreRestored`](super::Fact::StoreRestored).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreRestored {
    /// The new epoch: the high bits of every number from here on.
    pub epoch: u64,
    /// The identity that begins; absent in logs from before stores had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<NewIdentity>,
}

/// The source of a new identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewIdentity {
    /// Its bits.
    pub id: StoreId,
    /// The number before that of its first event.
    pub base: u64,
}

impl NewIdentity {
    /// The identity.
    #[must_use]
    pub fn identity(&self) -> StoreIdentity {
        StoreIdentity::new(self.id, self.base, 0)
    }
}
