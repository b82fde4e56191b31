//! The interface of a store that a gateway needs.

use oarlock_model::StoreIdentity;

use super::{Durability, Store, StoreResult};

/// A store that serves many callers by few handles, each on a thread of its own: what a gateway needs beside what every call does.
pub trait ServedStore: Store + Send {
    /// The identity of the store, as this handle last saw it: a restore may have given it another since.
    fn identity(&self) -> &StoreIdentity;

    /// Hands `work` a store whose transactions are parts of one: what each of them commits lasts when all of this has
    /// returned true, so no reply may leave before. False: the work, or one of the transactions in it, failed, and nothing of
    /// all this was done. The work must not wait.
    ///
    /// # Errors
    /// The transaction cannot begin, or its commit failed.
    fn group(&mut self, durability: Durability, work: &mut dyn FnMut(&mut dyn Store) -> StoreResult<()>) -> StoreResult<bool>;

    /// Whether the commits of this handle have left so much to be tidied that another one should do it now, beside anyone who writes. It is
    /// said once for the same commits.
    fn wants_upkeep(&mut self) -> bool;

    /// Tidies what commits have left, and keeps nobody waiting. Should it fail, it is left for a commit.
    fn upkeep(&mut self);
}
