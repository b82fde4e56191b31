//! [`SqliteView`]: the reading half of the port, over one transaction.

mod agent;
mod entry;
mod graph;
mod log;
mod message;
mod moment;
mod proposal;
mod queue;
mod reservation;
mod task;

use oarlock_model::{Now, StoreIdentity};
use rusqlite::Connection;

/// A view of one moment.
pub(crate) struct SqliteView<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) now: Now,
    pub(crate) prefix: &'a str,
    pub(crate) identity: &'a StoreIdentity,
    /// Whether the transaction is only for reading and ends with this view.
    pub(crate) ends_with_view: bool,
}

impl Drop for SqliteView<'_> {
    fn drop(&mut self) {
        if self.ends_with_view {
            // Nothing was written; should it fail, the next BEGIN reports the fault.
            let _ = self.conn.prepare_cached("COMMIT").and_then(|mut s| s.execute([]));
        }
    }
}
