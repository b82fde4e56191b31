//! Reservations, and claims that wait for them.

use oarlock_model::event::{Event, ReservationMade};
use oarlock_model::reservation::{Mode, Reservation, Target};
use oarlock_model::rules::liveness;
use oarlock_model::rules::near::{Below, Keys};
use oarlock_model::rules::reserve::{StarvedClaim, Wanted};
use oarlock_model::{AgentName, ReservationId, SessionId, StoreTime, TaskId};
use rusqlite::{Connection, Row, params};
use std::collections::{BTreeMap, BTreeSet};

use super::{Sql, all, change, change_one, first, from_word, id, id_or, int, json, prepared, to_json, uint, word};
use crate::error::bad_row;

const COLUMNS: &str = "seq, target, mode, agent, session, task, made, ttl_ms, reason";
const INSERT: &str = "INSERT INTO reservations (seq, target, mode, agent, session, task, made, ttl_ms, reason, near) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const NEAR_AT: &str = "SELECT seq, target, mode, agent, session, task, made, ttl_ms, reason FROM reservations WHERE near = ?1";
const NEAR_BETWEEN: &str =
    "SELECT seq, target, mode, agent, session, task, made, ttl_ms, reason FROM reservations WHERE near > ?1 AND near < ?2";
const COUNT: &str = "SELECT count(*) FROM reservations";
const COUNT_OF_SESSION: &str = "SELECT count(*) FROM reservations WHERE session = ?1";
const NEXT_END: &str = "SELECT next_end FROM meta WHERE id = 1";
const LOWER_NEXT_END: &str = "UPDATE meta SET next_end = ?1 WHERE id = 1 AND next_end > ?1";
const SET_NEXT_END: &str = "UPDATE meta SET next_end = ?1 WHERE id = 1 AND next_end <> ?1";
const DELETE: &str = "DELETE FROM reservations WHERE seq = ?1";
/// Those that are tied to no task, with the last heartbeat of their session; the rule looks at it.
const UNTIED: &str = "
SELECT r.seq, r.target, r.mode, r.agent, r.session, r.task, r.made, r.ttl_ms, r.reason, a.beat
FROM reservations r LEFT JOIN agents a ON a.name = r.agent AND a.session = r.session AND a.ended IS NULL
WHERE r.task IS NULL";
const PUT_STARVED: &str = "
INSERT INTO starved (task, agent, wanted, since, last_try) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (task) DO UPDATE SET agent = excluded.agent, wanted = excluded.wanted, since = excluded.since, last_try = excluded.last_try";
const DROP_STARVED: &str = "DELETE FROM starved WHERE task = ?1";
const LIST_STARVED: &str = "SELECT task, agent, wanted, since, last_try FROM starved ORDER BY task";

/// No reservation, and so no end.
const NEVER: StoreTime = StoreTime(i64::MAX);

/// The number in an id; 0, which no event has, when it is of another form.
fn number_of(id: &ReservationId) -> i64 {
    id.seq().map_or(0, int)
}

fn map(row: &Row<'_>) -> Sql<Reservation> {
    Ok(Reservation {
        id: ReservationId::of(uint(row, 0)?),
        target: json(row, 1)?,
        mode: from_word(row.get_ref(2)?.as_str()?)?,
        agent: id(row, 3)?,
        session: id(row, 4)?,
        task: id_or(row, 5)?,
        made: StoreTime(row.get(6)?),
        ttl_ms: row.get(7)?,
        reason: row.get(8)?,
    })
}

pub(crate) fn list(conn: &Connection) -> Sql<Vec<Reservation>> {
    all(conn, &format!("SELECT {COLUMNS} FROM reservations ORDER BY seq"), [], map)
}

pub(crate) fn of_session(conn: &Connection, session: &SessionId) -> Sql<Vec<Reservation>> {
    all(conn, &format!("SELECT {COLUMNS} FROM reservations WHERE session = ?1 ORDER BY seq"), [session.as_str()], map)
}

/// The first of them; where `untied`, of those that are tied to no task.
pub(crate) fn first_of_session(conn: &Connection, session: &SessionId, untied: bool, limit: usize) -> Sql<Vec<Reservation>> {
    let which = if untied { " AND task IS NULL" } else { "" };
    let sql = format!("SELECT {COLUMNS} FROM reservations WHERE session = ?1{which} ORDER BY seq LIMIT ?2");
    all(conn, &sql, params![session.as_str(), int(limit as u64)], map)
}

pub(crate) fn of_task(conn: &Connection, task: &TaskId) -> Sql<Vec<Reservation>> {
    all(conn, &format!("SELECT {COLUMNS} FROM reservations WHERE task = ?1 ORDER BY seq"), [task.as_str()], map)
}

/// Those that could overlap one of these targets, in the order of their making.
pub(crate) fn near(conn: &Connection, targets: &[&Target]) -> Sql<Vec<Reservation>> {
    let (mut exact, mut below) = (BTreeSet::new(), BTreeSet::new());
    for target in targets {
        let keys = Keys::of(target);
        exact.extend(keys.exact);
        match keys.below {
            Below::Nothing => {}
            Below::Between(from, to) => {
                below.insert((from, to));
            }
            Below::All => return list(conn),
        }
    }
    let mut found = BTreeMap::new();
    let mut keep = |reservations: Vec<Reservation>| found.extend(reservations.into_iter().map(|held| (held.id.seq(), held)));
    for key in exact {
        keep(all(conn, NEAR_AT, [key], map)?);
    }
    // A range that lies in the one before it, because its folder is below that one's, is read with it.
    let mut read_to = String::new();
    for (from, to) in below {
        if from >= read_to {
            keep(all(conn, NEAR_BETWEEN, [&from, &to], map)?);
            read_to = to;
        }
    }
    Ok(found.into_values().collect())
}

pub(crate) fn count(conn: &Connection) -> Sql<usize> {
    super::count(conn, COUNT, [])
}

pub(crate) fn count_of_session(conn: &Connection, session: &SessionId) -> Sql<usize> {
    super::count(conn, COUNT_OF_SESSION, [session.as_str()])
}

pub(crate) fn get(conn: &Connection, id: &ReservationId) -> Sql<Option<Reservation>> {
    first(conn, &format!("SELECT {COLUMNS} FROM reservations WHERE seq = ?1"), [number_of(id)], map)
}

/// The result of a read of the reservations that are tied to no task.
pub(crate) struct RunOut {
    /// Those whose time has run out, in the order of their making.
    pub(crate) ids: Vec<ReservationId>,
    /// When the first of all ends or has ended, if all were read.
    pub(crate) first_end: Option<StoreTime>,
}

/// Those that are tied to no task and whose time has run out. None is read before the bound that no end lies before.
pub(crate) fn expired(conn: &Connection, now: StoreTime, limit: usize) -> Sql<RunOut> {
    let bound: i64 = prepared(conn, NEXT_END)?.query_row([], |row| row.get(0))?;
    if bound > now.0 {
        return Ok(RunOut { ids: Vec::new(), first_end: None });
    }
    let ends = all(conn, UNTIED, [], end)?;
    let first_end = ends.iter().map(|(_, end)| *end).min().unwrap_or(NEVER);
    let mut ended: Vec<ReservationId> = ends.into_iter().filter(|(_, end)| *end <= now).map(|(id, _)| id).collect();
    ended.sort_by_key(number_of);
    ended.truncate(limit);
    Ok(RunOut { ids: ended, first_end: Some(first_end) })
}

/// All were read: none ends before this.
pub(crate) fn set_next_end(conn: &Connection, first_end: StoreTime) -> Sql<()> {
    change(conn, SET_NEXT_END, [first_end.0]).map(drop)
}

/// When the next of those that are tied to no task ends.
pub(crate) fn next_end(conn: &Connection, now: StoreTime) -> Sql<Option<StoreTime>> {
    Ok(all(conn, UNTIED, [], end)?.into_iter().map(|(_, end)| end).filter(|end| *end > now).min())
}

fn end(row: &Row<'_>) -> Sql<(ReservationId, StoreTime)> {
    let reservation = map(row)?;
    let end = liveness::reservation_ends_at(&reservation, row.get::<_, Option<i64>>(9)?.map(StoreTime));
    Ok((reservation.id, end))
}

pub(crate) fn insert(conn: &Connection, event: &Event, fact: &ReservationMade, agent: &AgentName, session: &SessionId) -> Sql<()> {
    if fact.task.is_none() {
        change(conn, LOWER_NEXT_END, [event.store_at.plus_ms(fact.ttl_ms).0])?;
    }
    change_one(
        conn,
        "a new reservation",
        INSERT,
        params![
            number_of(&fact.id),
            to_json::<Target>(&fact.target)?,
            word::<Mode>(&fact.mode)?,
            agent.as_str(),
            session.as_str(),
            fact.task.as_ref().map(TaskId::as_str),
            event.store_at.0,
            fact.ttl_ms,
            fact.reason,
            fact.target.key(),
        ],
    )
}

/// Removes one; says what it was.
pub(crate) fn delete(conn: &Connection, id: &ReservationId) -> Sql<Reservation> {
    let ended = get(conn, id)?;
    change_one(conn, "the end of a reservation", DELETE, [number_of(id)])?;
    ended.ok_or_else(|| bad_row("reservation", id))
}

pub(crate) fn starved(conn: &Connection) -> Sql<Vec<(TaskId, StarvedClaim)>> {
    all(conn, LIST_STARVED, [], |row| {
        let targets: Vec<(Target, Mode)> = json(row, 2)?;
        let wanted = targets.into_iter().map(|(target, mode)| Wanted { target, mode }).collect();
        Ok((id(row, 0)?, StarvedClaim { by: id(row, 1)?, wanted, since: StoreTime(row.get(3)?), last_try: StoreTime(row.get(4)?) }))
    })
}

pub(crate) fn put_starved(conn: &Connection, task: &TaskId, starved: Option<&StarvedClaim>) -> Sql<()> {
    match starved {
        None => change(conn, DROP_STARVED, [task.as_str()]).map(drop),
        Some(StarvedClaim { by, wanted, since, last_try }) => {
            let targets: Vec<(&Target, Mode)> = wanted.iter().map(|w| (&w.target, w.mode)).collect();
            change_one(conn, "a waiting claim", PUT_STARVED, params![task.as_str(), by.as_str(), to_json(&targets)?, since.0, last_try.0])
        }
    }
}
