//! Store time (semantics 6): the host's monotonic clock plus an offset that all processes of one boot
//! and time namespace read from the store. It goes on where it stood when the machine was off.

use oarlock_host::clock::{Clock, HostId};
use oarlock_model::{Now, StoreTime, WallTime, seeded};
use oarlock_ops::store::StoreResult;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

use crate::error::store_error;

/// The first store time ever, in milliseconds: not 0, so that "before the beginning" can be known.
const STORE_TIME_FIRST: i64 = 1_000;

const SELECT_OWN: &str = "SELECT offset_ms FROM clocks WHERE boot_id = ?1 AND time_namespace = ?2";
const SELECT_OTHER: &str = "SELECT offset_ms + skew_ms FROM clocks WHERE boot_id = ?1 LIMIT 1";
const INSERT: &str = "INSERT OR IGNORE INTO clocks (boot_id, time_namespace, offset_ms, skew_ms) VALUES (?1, ?2, ?3, ?4)";
/// The latest store time that anything in the store has seen.
const SELECT_HIGH_WATER: &str = "
SELECT max(
  (SELECT coalesce(max(store_at), 0) FROM (SELECT store_at FROM events ORDER BY seq DESC LIMIT 1000)),
  (SELECT coalesce(max(seen), 0) FROM agents),
  (SELECT coalesce(max(beat), 0) FROM agents),
  (SELECT coalesce(max(grant_renewed), 0) FROM tasks WHERE state = 3 AND outside IS NULL))";

/// The clock of one open store.
#[derive(Clone, Debug)]
pub(crate) struct StoreClock {
    source: Arc<dyn Clock>,
    pub(crate) host: HostId,
    offset_ms: i64,
    /// Whether the store can only be read: an offset that nobody has set is this process's own.
    reads_only: bool,
}

impl StoreClock {
    /// Agrees with the other processes on the offset. The first process of a boot sets it so that
    /// time goes on from the latest moment the store has seen.
    pub(crate) fn agree(conn: &Connection, source: Arc<dyn Clock>, reads_only: bool) -> StoreResult<Self> {
        let host = source.host();
        let known = own_offset(conn, &host)?;
        let offset_ms = match known {
            Some(offset_ms) => offset_ms,
            None if reads_only => first_offset(conn, &host, &*source, source.skew_ms()).map_err(store_error)?,
            None => set_offset(conn, &host, &*source)?,
        };
        Ok(Self { source, host, offset_ms, reads_only })
    }

    /// Reads the offset again, after a restore.
    pub(crate) fn agree_again(&mut self, conn: &Connection) -> StoreResult<()> {
        *self = Self::agree(conn, Arc::clone(&self.source), self.reads_only)?;
        Ok(())
    }

    /// Moves this boot's time forward so that it is not before anything the store has seen: after
    /// another store's content came in.
    pub(crate) fn catch_up(&self, conn: &Connection) -> StoreResult<()> {
        let high_water: i64 = conn.query_row(SELECT_HIGH_WATER, [], |row| row.get(0)).map_err(store_error)?;
        let behind_ms = high_water - self.now().store.0;
        if behind_ms > 0 {
            conn.execute("UPDATE clocks SET offset_ms = offset_ms + ?1 WHERE boot_id = ?2", params![behind_ms, self.host.boot_id])
                .map_err(store_error)?;
        }
        Ok(())
    }

    /// The moment.
    pub(crate) fn now(&self) -> Now {
        if seeded::is(seeded::WALL_CLOCK_JUDGES) {
            return Now { store: StoreTime(self.source.wall_ms()), wall: WallTime(self.source.wall_ms()) };
        }
        Now { store: StoreTime(self.source.monotonic_ms() + self.offset_ms), wall: WallTime(self.source.wall_ms()) }
    }
}

fn own_offset(conn: &Connection, host: &HostId) -> StoreResult<Option<i64>> {
    conn.prepare_cached(SELECT_OWN)
        .and_then(|mut s| s.query_row(params![host.boot_id, host.time_namespace], |row| row.get(0)).optional())
        .map_err(store_error)
}

/// The offset of a boot or namespace that has none yet.
fn first_offset(conn: &Connection, host: &HostId, source: &dyn Clock, skew_ms: i64) -> rusqlite::Result<i64> {
    // Another time namespace of the same boot: its clock differs from ours by a constant.
    let same_boot: Option<i64> = conn.query_row(SELECT_OTHER, [&host.boot_id], |row| row.get(0)).optional()?;
    Ok(match same_boot {
        Some(common) if !host.boot_id.is_empty() => common - skew_ms,
        _ => {
            let high_water: i64 = conn.query_row(SELECT_HIGH_WATER, [], |row| row.get(0))?;
            let high_water = if seeded::is(seeded::TIME_STARTS_ANEW) { 0 } else { high_water };
            high_water.max(STORE_TIME_FIRST) - source.monotonic_ms()
        }
    })
}

fn set_offset(conn: &Connection, host: &HostId, source: &dyn Clock) -> StoreResult<i64> {
    conn.execute_batch("BEGIN IMMEDIATE").map_err(store_error)?;
    let set = (|| {
        let skew_ms = source.skew_ms();
        let offset_ms = first_offset(conn, host, source, skew_ms)?;
        conn.execute(INSERT, params![host.boot_id, host.time_namespace, offset_ms, skew_ms])
    })();
    let end = if set.is_ok() { "COMMIT" } else { "ROLLBACK" };
    conn.execute_batch(end).map_err(store_error)?;
    set.map_err(store_error)?;
    own_offset(conn, host)?.ok_or_else(|| oarlock_ops::store::StoreError::Internal("the clock that was just set is gone".into()))
}
