//! Commits that failed. When it is the sync that failed, or something after it, all of the commit is in the write-ahead log, and the next
//! process that reads the log from its beginning would find it committed. Another write in its place, which changes nothing, takes that away.

use oarlock_ops::store::StoreError;
use rusqlite::{Connection, ErrorCode, ffi};

use crate::error::{store_error, unavailable};

/// Takes back what a commit that failed with this error may have left, and reports the error.
pub(crate) fn after(conn: &Connection, error: rusqlite::Error) -> StoreError {
    // SQLite may have rolled back by itself.
    let _ = conn.execute_batch("ROLLBACK");
    if is_incomplete(&error) {
        return store_error(error);
    }
    let buried = conn.execute_batch("BEGIN IMMEDIATE; UPDATE meta SET id = id; COMMIT");
    if buried.is_ok() {
        return store_error(error);
    }
    let _ = conn.execute_batch("ROLLBACK");
    unavailable(
        format!("the disk failed while the commit was written: {error}"),
        "look at the disk; whether it was committed is not known: look, or ask again with the same --idempotency-key",
    )
}

/// Whether the commit did not come to its last page, which alone makes it one.
fn is_incomplete(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    let extended = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy))
        || matches!(extended, Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_READ))
}
