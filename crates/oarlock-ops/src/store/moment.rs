//! The store and the moment.

use oarlock_model::{Now, StoreIdentity};

use super::StoreResult;

/// The store, and the moment of it that is seen.
pub trait MomentView {
    /// The moment of this transaction, from the store's clock.
    fn now(&self) -> Now;
    /// The identity of the store: what it gives out counts from its base and carries its tag.
    fn identity(&self) -> &StoreIdentity;
    /// Prefix of generated task ids.
    fn task_prefix(&self) -> StoreResult<String>;
}
