//! Replies kept for idempotency keys (semantics 18).

use oarlock_model::{StoreTime, limits};
use oarlock_ops::store::StoredReply;
use rusqlite::{Connection, params};

use super::{Sql, change, change_one, first};

const GET: &str = "SELECT request, reply FROM replies WHERE key = ?1 AND at > ?2";
/// A key that was used long ago moves to the end.
const PUT: &str = "INSERT OR REPLACE INTO replies (key, request, at, reply) VALUES (?1, ?2, ?3, ?4)";
const SWEEP: &str = "DELETE FROM replies WHERE seq IN (SELECT seq FROM replies ORDER BY seq LIMIT 32) AND at <= ?1";
/// One insertion in this many sweeps.
const SWEEP_EVERY: u8 = 16;

/// Where a reply is kept: the hash that `oarlock-ops` makes of verb and key.
pub(crate) fn get(conn: &Connection, key: &[u8], now: StoreTime) -> Sql<Option<StoredReply>> {
    first(conn, GET, params![key, now.0 - limits::IDEMPOTENCY_MS], |row| Ok(StoredReply { request_hash: row.get(0)?, reply: row.get(1)? }))
}

pub(crate) fn put(conn: &Connection, key: &[u8], remembered: &StoredReply, now: StoreTime) -> Sql<()> {
    change_one(conn, "a kept reply", PUT, params![key, remembered.request_hash, now.0, remembered.reply])?;
    // Keys are hashes, so this chooses evenly.
    if key.first().is_some_and(|byte| byte % SWEEP_EVERY == 0) {
        change(conn, SWEEP, [now.0 - limits::IDEMPOTENCY_MS])?;
    }
    Ok(())
}
