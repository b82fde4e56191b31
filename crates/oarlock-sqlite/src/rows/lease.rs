//! Leases in time: which have ended, and when the next one may.
//!
//! An index over the ends of leases would be one more page in every claim and every `done`. Instead `meta.next_lapse` holds a
//! bound: no lease ends before it. Claims and shortened renewals lower it; whoever finds it in the past looks at all
//! leases, and raises it again if its transaction commits: about once in a TTL. Heartbeats only move ends away from it.

use oarlock_model::rules::liveness;
use oarlock_model::task::{Grant, Task};
use oarlock_model::{Now, StoreTime, Token};
use rusqlite::Connection;

use super::{Sql, all, change, id, task};

const LEASES: &str = "
SELECT t.seq, t.grant_agent, t.grant_session, t.grant_renewed, t.grant_ttl, a.beat
FROM tasks t LEFT JOIN agents a ON a.name = t.grant_agent AND a.session = t.grant_session AND a.ended IS NULL
WHERE t.state = 3";
const NEXT_LAPSE: &str = "SELECT next_lapse FROM meta WHERE id = 1";
const LOWER: &str = "UPDATE meta SET next_lapse = ?1 WHERE id = 1 AND next_lapse > ?1";
const SET: &str = "UPDATE meta SET next_lapse = ?1 WHERE id = 1 AND next_lapse <> ?1";

/// No lease, and so no end.
const NEVER: StoreTime = StoreTime(i64::MAX);

/// What a look at the leases found.
pub(crate) struct Lapsed {
    /// Claimed tasks whose lease has ended, in the order of their place.
    pub(crate) tasks: Vec<Task>,
    /// When the first of all leases ends or has ended, if all were looked at.
    pub(crate) first_end: Option<StoreTime>,
}

/// Claimed tasks whose lease has ended.
pub(crate) fn lapsed(conn: &Connection, now: Now) -> Sql<Lapsed> {
    if bound(conn)? > now.store {
        return Ok(Lapsed { tasks: Vec::new(), first_end: None });
    }
    let ends = ends(conn)?;
    let mut tasks = Vec::new();
    for (seq, _) in ends.iter().filter(|(_, end)| *end <= now.store) {
        tasks.append(&mut task::select(conn, "WHERE t.seq = ?1", [seq])?);
    }
    tasks.sort_by_key(|task| (task.rank(), task.seq));
    Ok(Lapsed { tasks, first_end: Some(ends.into_iter().map(|(_, end)| end).min().unwrap_or(NEVER)) })
}

/// The numbers of all claimed tasks, and when their leases end.
pub(crate) fn ends(conn: &Connection) -> Sql<Vec<(i64, StoreTime)>> {
    all(conn, LEASES, [], |row| {
        let grant = Grant {
            token: Token(0),
            agent: id(row, 1)?,
            session: id(row, 2)?,
            since: oarlock_model::WallTime(0),
            renewed: StoreTime(row.get(3)?),
            ttl_ms: row.get(4)?,
            reserve: false,
            end: None,
        };
        Ok((row.get(0)?, liveness::lease_ends_at(&grant, row.get::<_, Option<i64>>(5)?.map(StoreTime))))
    })
}

/// No lease ends before this.
pub(crate) fn bound(conn: &Connection) -> Sql<StoreTime> {
    conn.prepare_cached(NEXT_LAPSE)?.query_row([], |row| row.get(0)).map(StoreTime)
}

/// There is a lease now that ends then.
pub(crate) fn lower_bound(conn: &Connection, end: StoreTime) -> Sql<()> {
    change(conn, LOWER, [end.0]).map(drop)
}

/// All leases were looked at: none ends before this.
pub(crate) fn set_bound(conn: &Connection, first_end: StoreTime) -> Sql<()> {
    change(conn, SET, [first_end.0]).map(drop)
}
