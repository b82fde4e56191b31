//! Opening a database the one way in which all of this crate does.

use oarlock_ops::store::StoreResult;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

use crate::bounds;
use crate::error::store_error;

/// The longest time that SQLite can be asked to wait: it counts milliseconds in 32 bits, which is less than the thirty days that may be asked for.
const BUSY_MAX: Duration = Duration::from_millis(i32::MAX as u64);

/// Prepared statements kept by a connection.
const STATEMENTS_MAX: usize = 128;

/// A connection to a database, with its bounds set.
///
/// # Errors
/// It cannot be opened.
pub(crate) fn connect(file: &Path, access: OpenFlags, busy: Duration) -> StoreResult<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | access;
    let mut conn = Connection::open_with_flags(file, flags).map_err(store_error)?;
    conn.busy_timeout(busy.min(BUSY_MAX)).map_err(store_error)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A one-shot command does not pay for a checkpoint when it happens to be the last to close.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(store_error)?;
    // A plan does not depend on the values bound: else SQLite prepares each statement on a partial index again.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(store_error)?;
    bounds::set(&mut conn).map_err(store_error)?;
    Ok(conn)
}
