//! Opening a store with its neighbours: the files of a RALF project that is attached to it.

use oarlock_ops::admin::Administration;
use oarlock_ops::outside::Outside;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{ServedStore, StoreResult};
use oarlock_ralf::Beside;
use oarlock_sqlite::{Options, SqliteAdministration, SqliteStore, StorePaths, Synchronous};
use std::sync::Arc;
use std::time::Duration;

/// A store that is open, of whatever kind.
pub type OpenStore = Box<dyn ServedStore>;

/// Opens a store that is there. Claims are written through to the files of the project that is attached to it, whenever that is.
///
/// # Errors
/// Those of the store.
pub fn open(place: &StorePaths, options: Options) -> StoreResult<OpenStore> {
    let files = files_of(place, &options);
    Ok(Box::new(SqliteStore::open(place, options)?.with_outside(files)))
}

/// Opens a store, or makes it, and says whether it was made. `prefix` is that of made-up task ids of a new one.
///
/// # Errors
/// Those of the store.
pub(crate) fn create(place: &StorePaths, prefix: &str, options: Options) -> StoreResult<(OpenStore, bool)> {
    let files = files_of(place, &options);
    let (store, made) = SqliteStore::create(place, prefix, options)?;
    Ok((Box::new(store.with_outside(files)), made))
}

/// The files beside a store, whether or not a project is attached to it now. A lock of theirs is waited for as long as one of the store.
pub fn files_of(place: &StorePaths, options: &Options) -> Arc<dyn Outside> {
    let files = Beside::new(place.dir(), options.busy);
    Arc::new(if options.synchronous == Synchronous::Full { files } else { files.unsynced() })
}

/// The options of a call to a store: it waits for a busy store as long as the caller says, or else as configured.
pub fn options(settings: &Settings, busy: Option<Duration>) -> Options {
    Options { busy: busy.unwrap_or(settings.busy.as_std()), ..Options::default() }
}

/// Opens a store that is there, without its neighbours.
///
/// # Errors
/// Those of the store.
pub fn open_alone(place: &StorePaths, options: Options) -> StoreResult<OpenStore> {
    Ok(Box::new(SqliteStore::open(place, options)?))
}

/// The task of an administrator at the place of a store, which need not be one that can be opened.
pub fn administration(place: &StorePaths, options: Options) -> impl Administration + use<> {
    SqliteAdministration::new(place.clone(), options)
}
