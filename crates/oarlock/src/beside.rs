//! Opening a store with what stands beside it: the files of a RALF project that is attached to it.

use oarlock_ops::store::StoreResult;
use oarlock_ralf::Beside;
use oarlock_sqlite::{Options, Place, SqliteStore};
use std::sync::Arc;

/// Opens a store that is there. Claims are written through to the files of the project that is attached to it, whenever that is.
///
/// # Errors
/// Those of the store.
pub(crate) fn open(place: &Place, options: Options) -> StoreResult<SqliteStore> {
    let patience = options.busy;
    Ok(with_files(SqliteStore::open(place, options)?, place, patience))
}

/// The same of a store that is open. A lock of the files is waited for as long as `patience`.
pub(crate) fn with_files(store: SqliteStore, place: &Place, patience: std::time::Duration) -> SqliteStore {
    store.with_outside(Arc::new(Beside::new(place.dir(), patience)))
}
