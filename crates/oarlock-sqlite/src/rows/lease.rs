//! Leases in time: which have ended, and when the next one may.
//!
//! An index over the ends of leases would be one more page in every claim and every `done`. Instead `meta.next_lapse` holds a
//! bound: no lease ends before it. Claims and shortened renewals lower it; anyone who finds it in the past looks at all
//! leases, and raises it again if its transaction commits: about once in a TTL. Heartbeats only move ends away from it.

use oarlock_model::rules::liveness;
use oarlock_model::task::Grant;
use oarlock_model::{StoreTime, Token, limits};
use rusqlite::{Connection, Row};

use super::{Sql, all, change, count, first, id, int, prepared};

const LEASES: &str = "
SELECT t.seq, t.grant_agent, t.grant_session, t.grant_renewed, t.grant_ttl, a.beat
FROM tasks t LEFT JOIN agents a ON a.name = t.grant_agent AND a.session = t.grant_session AND a.ended IS NULL
WHERE t.state = 3 AND t.outside IS NULL";
const ONE_LEASE: &str = "
SELECT t.seq, t.grant_agent, t.grant_session, t.grant_renewed, t.grant_ttl, a.beat
FROM tasks t LEFT JOIN agents a ON a.name = t.grant_agent AND a.session = t.grant_session AND a.ended IS NULL
WHERE t.state = 3 AND t.outside IS NULL AND t.seq = ?1";
const HELD: &str = "SELECT count(*) FROM (SELECT 1 FROM tasks WHERE state = 3 AND outside IS NULL LIMIT ?1)";
const RAISE: &str = "UPDATE meta SET next_lapse = ?1 WHERE id = 1 AND next_lapse < ?1";
const NEXT_LAPSE: &str = "SELECT next_lapse FROM meta WHERE id = 1";
const LOWER: &str = "UPDATE meta SET next_lapse = ?1 WHERE id = 1 AND next_lapse > ?1";
const SET: &str = "UPDATE meta SET next_lapse = ?1 WHERE id = 1 AND next_lapse <> ?1";

/// No lease, and so no end.
pub(crate) const NEVER: StoreTime = StoreTime(i64::MAX);

/// Whether more tasks are held than this.
pub(crate) fn is_more_than(conn: &Connection, max: usize) -> Sql<bool> {
    Ok(count(conn, HELD, [int(max as u64).saturating_add(1)])? > max)
}

/// The numbers of all claimed tasks, and when their leases end.
pub(crate) fn ends(conn: &Connection) -> Sql<Vec<(i64, StoreTime)>> {
    all(conn, LEASES, [], end)
}

/// When the lease of this task ends, if it is held.
pub(crate) fn end_of(conn: &Connection, seq: i64) -> Sql<Option<StoreTime>> {
    Ok(first(conn, ONE_LEASE, [seq], end)?.map(|(_, end)| end))
}

fn end(row: &Row<'_>) -> Sql<(i64, StoreTime)> {
    let grant = Grant {
        token: Token(0),
        agent: id(row, 1)?,
        session: id(row, 2)?,
        since: oarlock_model::WallTime(0),
        renewed: StoreTime(row.get(3)?),
        ttl_ms: row.get(4)?,
        reserve: false,
        intended: false,
        end: None,
    };
    Ok((row.get(0)?, liveness::lease_ends_at(&grant, row.get::<_, Option<i64>>(5)?.map(StoreTime))))
}

/// No lease ends before this.
pub(crate) fn bound(conn: &Connection) -> Sql<StoreTime> {
    prepared(conn, NEXT_LAPSE)?.query_row([], |row| row.get(0)).map(StoreTime)
}

/// There is a lease now that ends then.
pub(crate) fn lower_bound(conn: &Connection, end: StoreTime) -> Sql<()> {
    change(conn, LOWER, [end.0]).map(drop)
}

/// All leases were looked at: none ends before this.
pub(crate) fn set_bound(conn: &Connection, first_end: StoreTime) -> Sql<()> {
    change(conn, SET, [first_end.0]).map(drop)
}

/// All leases were read at a moment, and the first of them ended then. Those that were granted or renewed since end a shortest lease later
/// at the earliest.
pub(crate) fn raise_bound(conn: &Connection, read_at: StoreTime, first_end: StoreTime) -> Sql<()> {
    change(conn, RAISE, [first_end.min(read_at.plus_ms(limits::DURATION_MS_MIN)).0]).map(drop)
}
