//! Facts about the store itself.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};

/// See [`Fact::StoreRestored`](super::Fact::StoreRestored).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreRestored {
    /// The new epoch: the high bits of every number from here on.
    pub epoch: u64,
}
