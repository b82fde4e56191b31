//! Opening a store with what stands beside it: the files of a RALF project that is attached to it.

use oarlock_ops::admin::Administration;
use oarlock_ops::store::{ServedStore, StoreResult};
use oarlock_ralf::Beside;
use oarlock_sqlite::{Options, Place, SqliteAdministration, SqliteStore, Synchronous};
use std::sync::Arc;

/// A store that is open, of whatever kind.
pub type OpenStore = Box<dyn ServedStore>;

/// Opens a store that is there. Claims are written through to the files of the project that is attached to it, whenever that is.
///
/// # Errors
/// Those of the store.
pub fn open(place: &Place, options: Options) -> StoreResult<OpenStore> {
    let files = Beside::new(place.dir(), options.busy);
    let files = if options.synchronous == Synchronous::Full { files } else { files.unsynced() };
    Ok(Box::new(SqliteStore::open(place, options)?.with_outside(Arc::new(files))))
}

/// Opens a store that is there, without what stands beside it.
///
/// # Errors
/// Those of the store.
pub fn open_alone(place: &Place, options: Options) -> StoreResult<OpenStore> {
    Ok(Box::new(SqliteStore::open(place, options)?))
}

/// A store that is open, with what stands beside it. A lock of the files is waited for as long as `patience`.
pub(crate) fn with_files(store: SqliteStore, place: &Place, patience: std::time::Duration) -> OpenStore {
    Box::new(store.with_outside(Arc::new(Beside::new(place.dir(), patience))))
}

/// What an administrator does with the store at a place, which need not be one that can be opened.
pub fn administration(place: &Place, options: Options) -> impl Administration + use<> {
    SqliteAdministration::new(place.clone(), options)
}
