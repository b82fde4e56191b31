//! Making the file of a new store.

use std::path::Path;

use oarlock_host::file;
use oarlock_model::WallTime;
use oarlock_ops::store::StoreResult;
use rusqlite::Connection;

use crate::error::{io_error, store_error};
use crate::migrate;
use crate::place::{StorePaths, make_private};
use crate::rows::meta;
use crate::store::{Options, SqliteStore};

impl SqliteStore {
    /// Makes the file under another name and then gives it its own: nobody ever sees half a store, and of
    /// many who make it at once one wins. Whether this one did.
    pub(crate) fn make(place: &StorePaths, prefix: &str, options: &Options) -> StoreResult<bool> {
        place.make_dirs()?;
        place.check_filesystem()?;
        let new = place.beside(&format!("new-{}-{:?}", std::process::id(), std::thread::current().id()));
        let _ = std::fs::remove_file(&new);
        make_private(&new)?;
        let published = Self::fill(&new, prefix, options).and_then(|()| {
            file::sync(&new).map_err(|error| io_error("write", &new, &error))?;
            if std::fs::metadata(place.file()).is_ok_and(|found| found.len() == 0) {
                let _ = std::fs::remove_file(place.file());
            }
            match std::fs::hard_link(&new, place.file()) {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(io_error("make", place.file(), &error)),
            }
        });
        let _ = std::fs::remove_file(&new);
        published
    }

    /// Writes a whole new store; closing the connection leaves everything in the one file.
    fn fill(file: &Path, prefix: &str, options: &Options) -> StoreResult<()> {
        let conn = Connection::open(file).map_err(store_error)?;
        migrate::migrate(&conn)?;
        let created_at = options.clock.wall_ms();
        meta::insert(&conn, prefix, created_at, &options.births.first(WallTime(created_at))?).map_err(store_error)?;
        conn.execute_batch("PRAGMA journal_mode = WAL").map_err(store_error)?;
        conn.close().map_err(|(_, error)| store_error(error))
    }
}
