//! A new epoch for a store whose content came from elsewhere.

use oarlock_ops::OpError;
use oarlock_ops::admin::{RestoreReply, start_epoch};
use oarlock_ops::lock::Lock;
use oarlock_ops::store::{Durability, Store};

use crate::store::SqliteStore;

/// Starts a new epoch in its own transaction, above whatever is known to have been committed in the store and below `floor_seq`.
pub(crate) fn start(store: &mut SqliteStore, floor_seq: u64) -> Result<RestoreReply, OpError> {
    let floor_seq = floor_seq.max(store.seen());
    store.forget_seen();
    let fresh = store.fresh()?;
    let mut tx = store.begin(&[Lock::Everything], Durability::Full)?;
    let reply = start_epoch(&mut *tx, floor_seq, fresh)?;
    tx.commit()?;
    Ok(reply)
}
