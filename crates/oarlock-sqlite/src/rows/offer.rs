//! Tasks as far as a claim chooses by them: without their texts.

use oarlock_model::rules::rank::rank;
use oarlock_model::task::TaskState;
use oarlock_model::{Now, StoreTime, TaskId};
use oarlock_ops::store::{Expired, Offer, QueuePlace};
use rusqlite::{Connection, Row, params};

use super::{Sql, all, first, id, int, lease, of_all, task, uint};

/// A query for the columns that [`map`] reads; the arguments are where tasks `t` come from, and what follows their parents `p`.
macro_rules! offers {
    ($from:literal, $rest:literal) => {
        concat!(
            "\nSELECT t.seq, t.id, t.state, t.priority, t.ready_at, t.not_before, p.id, t.spec, t.own_priority\nFROM ",
            $from,
            " LEFT JOIN tasks p ON p.seq = t.parent ",
            $rest
        )
    };
}
const READY: &str = offers!("tasks t", "WHERE t.state = 1 ORDER BY t.rank, t.seq LIMIT ?1");
const READY_AFTER: &str = offers!("tasks t", "WHERE t.state = 1 AND (t.rank, t.seq) > (?1, ?2) ORDER BY t.rank, t.seq LIMIT ?3");
const OF_SEQ: &str = offers!("tasks t", "WHERE t.seq = ?1");
const OF_SEQS: &str = offers!("json_each(?1) j CROSS JOIN tasks t ON t.seq = j.value", "");

fn map(row: &Row<'_>) -> Sql<Offer> {
    let priority = row.get(3)?;
    let ready_at = row.get::<_, Option<i64>>(4)?.map(StoreTime);
    Ok(Offer {
        id: id(row, 1)?,
        place: (rank(ready_at.unwrap_or_default(), priority), uint(row, 0)?),
        state: task::state_at(row, 2)?,
        priority,
        spec: task::spec_without_texts(row, (7, 8, 6, 5))?,
    })
}

/// Ready tasks in the order of their place.
pub(crate) fn ready(conn: &Connection, after: Option<QueuePlace>, limit: usize) -> Sql<Vec<Offer>> {
    let limit = int(limit as u64);
    match after {
        None => all(conn, READY, [limit], map),
        Some((rank, seq)) => all(conn, READY_AFTER, params![rank, int(seq), limit], map),
    }
}

/// The task of this number.
fn of_seq(conn: &Connection, seq: i64) -> Sql<Option<Offer>> {
    first(conn, OF_SEQ, [seq], map)
}

/// The tasks of these numbers.
fn of_seqs(conn: &Connection, seqs: &[i64]) -> Sql<Vec<Offer>> {
    of_all(conn, OF_SEQS, seqs, map)
}

/// Claimed tasks whose lease has ended. Nothing when more than `read_max` leases would have to be read to find them.
pub(crate) fn expired(conn: &Connection, now: Now, read_max: usize) -> Sql<Option<Expired>> {
    if lease::bound(conn)? > now.store {
        return Ok(Some(Expired::default()));
    }
    if lease::is_more_than(conn, read_max)? {
        return Ok(None);
    }
    let ends = lease::ends(conn)?;
    let ended: Vec<i64> = ends.iter().filter(|(_, end)| *end <= now.store).map(|(seq, _)| *seq).collect();
    let mut offers = of_seqs(conn, &ended)?;
    offers.sort_by_key(|offer| offer.place);
    Ok(Some(Expired { offers, first_end: Some(ends.into_iter().map(|(_, end)| end).min().unwrap_or(lease::NEVER)) }))
}

/// The task with this id, if it is ready or its lease has ended.
pub(crate) fn get(conn: &Connection, task: &TaskId, now: Now) -> Sql<Option<Offer>> {
    let Some(key) = task::key(conn, task)? else { return Ok(None) };
    let may_be_granted = match key.state {
        TaskState::Ready => true,
        TaskState::Claimed => lease::end_of(conn, key.seq)?.is_some_and(|end| end <= now.store),
        _ => false,
    };
    if may_be_granted { of_seq(conn, key.seq) } else { Ok(None) }
}
