//! Finding tasks: the ready queue, expired leases, due times, the graph, counts.

use oarlock_model::limits;
use oarlock_model::rules::derived::Facts;
use oarlock_model::task::Task;
use oarlock_model::{Now, SessionId, StoreTime, TaskId};
use oarlock_ops::store::TaskFilter;
use rusqlite::{Connection, Row, ToSql, params, params_from_iter};
use std::collections::{BTreeMap, BTreeSet};

use super::{Sql, all, count, first, id, id_or, int, lease, of_all, prepared, proposal, reservation, task};

const NEXT_SEQ: &str = "SELECT coalesce(max(seq), 0) + 1 FROM tasks";
const GRAPH: &str = "
SELECT t.id, t.state, t.own_priority, t.priority, p.id, t.dropped FROM tasks t LEFT JOIN tasks p ON p.seq = t.parent";
const EDGES: &str = "SELECT t.id, n.id FROM dependencies d JOIN tasks t ON t.seq = d.task JOIN tasks n ON n.seq = d.need";
const COUNT_HELD_BY: &str = "SELECT count(*) FROM tasks WHERE state = 3 AND outside IS NULL AND grant_session = ?1";
const CLAIMS_OF: &str = "
SELECT id FROM tasks WHERE state = 3 AND outside IS NULL AND grant_session = ?1 AND grant_intended = 0 ORDER BY grant_token";
const CLAIMS_OF_ALL: &str = "
SELECT t.grant_session, t.id FROM json_each(?1) j CROSS JOIN tasks t ON t.grant_session = j.value
WHERE t.state = 3 AND t.outside IS NULL AND t.grant_intended = 0 ORDER BY t.grant_token";
const HELD_BY: &str = "SELECT id FROM tasks WHERE state = 3 AND outside IS NULL AND grant_session = ?1 ORDER BY grant_token LIMIT ?2";
const DUE_RETRIES: &str = "
SELECT id FROM tasks WHERE state = 2 AND retry_at <= ?1 AND (not_before IS NULL OR not_before <= ?2) ORDER BY retry_at LIMIT ?3";
const DUE_DATES: &str = "SELECT id FROM tasks WHERE state = 2 AND retry_at IS NULL AND not_before <= ?1 ORDER BY not_before LIMIT ?2";
/// One statement for what would otherwise be seven in every call.
/// The index of owned sessions is named: SQLite would read all live ones, of which a store may have hundreds without a process, in every call.
const MAY_BE_DUE: &str = "
SELECT EXISTS (SELECT 1 FROM agents INDEXED BY agents_owned WHERE ended IS NULL AND owner IS NOT NULL)
  OR EXISTS (SELECT 1 FROM agents WHERE ended IS NULL AND boot_id < ?3)
  OR EXISTS (SELECT 1 FROM agents WHERE ended IS NULL AND boot_id > ?3)
  OR EXISTS (SELECT 1 FROM tasks WHERE state = 2 AND retry_at <= ?1)
  OR EXISTS (SELECT 1 FROM tasks WHERE state = 2 AND retry_at IS NULL AND not_before <= ?2)
  OR EXISTS (SELECT 1 FROM meta WHERE id = 1 AND next_end <= ?1)
  OR EXISTS (SELECT 1 FROM proposals WHERE closed_by IS NULL AND closes_at <= ?1)";
const NEXT_RETRY: &str = "SELECT min(retry_at) FROM tasks WHERE state = 2 AND retry_at > ?1";
const NEXT_DATE: &str = "SELECT min(not_before) FROM tasks WHERE state = 2 AND not_before > ?1";
const OLDEST_READY: &str = "SELECT id, ready_at FROM tasks WHERE state = 1 ORDER BY ready_at LIMIT 1";
/// The first term is that of the index over dead ends.
const DEAD_LETTERS: &str = "SELECT id FROM tasks WHERE state >= 7 AND state = 7 ORDER BY seq LIMIT ?1";
/// Upward from dead ends: anyone who needs one, or is a part of such a task, or has such a part, and is not finished itself. With `is_needing`, what
/// is there need not be stuck, but all below it waits for a dead end too.
const STUCK: &str = "
WITH RECURSIVE stuck (seq, is_needing) AS (
  SELECT seq, 0 FROM tasks WHERE state >= 7
  UNION SELECT d.task, 1 FROM stuck s JOIN dependencies d ON d.need = s.seq WHERE s.is_needing = 0
  UNION SELECT c.seq, 1 FROM stuck s JOIN tasks c ON c.parent = s.seq WHERE c.parent IS NOT NULL AND s.is_needing = 1
  UNION SELECT t.seq, 0 FROM stuck s JOIN tasks t ON t.seq = s.seq WHERE s.is_needing = 1 AND t.state IN (0, 4)
  UNION SELECT p.seq, 0 FROM stuck s JOIN tasks c ON c.seq = s.seq JOIN tasks p ON p.seq = c.parent
    WHERE s.is_needing = 0 AND c.dropped = 0 AND p.state IN (0, 4)
)
SELECT t.id FROM stuck s CROSS JOIN tasks t ON t.seq = s.seq WHERE s.is_needing = 0 AND t.state IN (0, 4) LIMIT ?1";
// What a recursion found is joined by CROSS JOIN, which keeps the order: else SQLite may walk all tasks in the order that is asked for,
// and look for each whether it was found.

/// Downward from one task: whatever it waits for. With `is_above`, a task of whose needs alone that is true.
macro_rules! below {
    ($what:literal) => {
        concat!(
            "
WITH RECURSIVE below (seq, state, is_above) AS (
  SELECT seq, state, 0 FROM tasks WHERE id = ?1
  UNION SELECT n.seq, n.state, 0 FROM below b JOIN dependencies d ON d.task = b.seq JOIN tasks n ON n.seq = d.need
    WHERE (b.is_above OR b.state IN (0, 4)) AND n.state <> 6
  UNION SELECT c.seq, c.state, 0 FROM below b JOIN tasks c ON c.parent = b.seq
    WHERE c.parent IS NOT NULL AND b.is_above = 0 AND b.state IN (0, 4) AND c.state <> 6 AND c.dropped = 0
  UNION SELECT p.seq, p.state, 1 FROM below b JOIN tasks t ON t.seq = b.seq JOIN tasks p ON p.seq = t.parent
    WHERE b.is_above OR b.state IN (0, 4)
)
",
            $what
        )
    };
}
const IS_STUCK: &str = below!("SELECT 1 FROM below WHERE state >= 7 AND is_above = 0 LIMIT 1");
const DEAD_ENDS: &str =
    below!("SELECT t.id FROM below b CROSS JOIN tasks t ON t.seq = b.seq WHERE b.state >= 7 AND b.is_above = 0 ORDER BY t.seq LIMIT ?2");

pub(crate) fn next_seq(conn: &Connection) -> Sql<i64> {
    prepared(conn, NEXT_SEQ)?.query_row([], |row| row.get(0))
}

/// Tasks in the order of creation.
pub(crate) fn list(conn: &Connection, filter: &TaskFilter) -> Sql<Vec<Task>> {
    let mut tail = String::from("WHERE t.seq > ?");
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(int(filter.after_seq))];
    if !filter.states.is_empty() {
        let marks = vec!["?"; filter.states.len()].join(", ");
        tail.push_str(&format!(" AND t.state IN ({marks})"));
        values.extend(filter.states.iter().map(|state| Box::new(*state as i64) as Box<dyn ToSql>));
    }
    if let Some(parent) = &filter.parent {
        tail.push_str(" AND t.parent IS NOT NULL AND t.parent = (SELECT seq FROM tasks WHERE id = ?)");
        values.push(Box::new(parent.as_str().to_owned()));
    }
    if let Some(agent) = &filter.agent {
        tail.push_str(" AND t.grant_agent = ?");
        values.push(Box::new(agent.as_str().to_owned()));
    }
    if let Some(text) = &filter.search {
        tail.push_str(
            " AND (t.id LIKE ? ESCAPE '\\' OR t.title LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM task_bodies x WHERE x.seq = t.seq AND x.body LIKE ? ESCAPE '\\'))",
        );
        let pattern = format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        values.extend((0..3).map(|_| Box::new(pattern.clone()) as Box<dyn ToSql>));
    }
    tail.push_str(" ORDER BY t.seq LIMIT ?");
    values.push(Box::new(int(filter.limit as u64)));
    task::select_within(conn, &tail, params_from_iter(values), filter.bytes_max)
}

/// The graph of all tasks, as far as states and priorities follow from it.
pub(crate) fn graph(conn: &Connection) -> Sql<BTreeMap<TaskId, Facts>> {
    let facts = |row: &Row<'_>| {
        let facts = Facts {
            state: task::state_at(row, 1)?,
            own_priority: row.get(2)?,
            priority: row.get(3)?,
            parent: id_or(row, 4)?,
            dropped: row.get(5)?,
            needs: BTreeSet::new(),
        };
        Ok((id(row, 0)?, facts))
    };
    let mut graph: BTreeMap<TaskId, Facts> = all(conn, GRAPH, [], facts)?.into_iter().collect();
    for (task, need) in all(conn, EDGES, [], |row| Ok((id::<TaskId>(row, 0)?, id(row, 1)?)))? {
        if let Some(facts) = graph.get_mut(&task) {
            facts.needs.insert(need);
        }
    }
    Ok(graph)
}

pub(crate) fn claims_of(conn: &Connection, session: &SessionId) -> Sql<Vec<TaskId>> {
    all(conn, CLAIMS_OF, [session.as_str()], |row| id(row, 0))
}

pub(crate) fn claims_of_all(conn: &Connection, sessions: &[&SessionId]) -> Sql<Vec<(SessionId, TaskId)>> {
    of_all(conn, CLAIMS_OF_ALL, sessions, |row| Ok((id(row, 0)?, id(row, 1)?)))
}

pub(crate) fn held_by(conn: &Connection, session: &SessionId, limit: usize) -> Sql<Vec<TaskId>> {
    all(conn, HELD_BY, params![session.as_str(), int(limit as u64)], |row| id(row, 0))
}

pub(crate) fn claim_count(conn: &Connection, session: &SessionId) -> Sql<usize> {
    count(conn, COUNT_HELD_BY, [session.as_str()])
}

pub(crate) fn may_be_due(conn: &Connection, now: Now, boot_id: &str) -> Sql<bool> {
    prepared(conn, MAY_BE_DUE)?.query_row(params![now.store.0, now.wall.0, boot_id], |row| row.get(0))
}

pub(crate) fn due(conn: &Connection, now: Now, limit: usize) -> Sql<Vec<TaskId>> {
    let limit = int(limit as u64);
    let mut due = all(conn, DUE_RETRIES, params![now.store.0, now.wall.0, limit], |row| id(row, 0))?;
    due.extend(all(conn, DUE_DATES, params![now.wall.0, limit], |row| id(row, 0))?);
    Ok(due)
}

/// Milliseconds until something happens by time alone.
pub(crate) fn next_due_ms(conn: &Connection, now: Now) -> Sql<Option<i64>> {
    let one = |sql: &str, after: i64| -> Sql<Option<i64>> {
        Ok(first(conn, sql, [after], |row| row.get::<_, Option<i64>>(0))?.flatten().map(|at| at - after))
    };
    // Anyone who waits looks again after a while anyway: for that, not everything is read.
    let next_lease = match lease::is_more_than(conn, limits::LEASES_READ_MAX)? {
        true => Some(lease::bound(conn)?.since_ms(now.store)).filter(|ms| *ms > 0),
        false => lease::ends(conn)?.into_iter().map(|(_, end)| end.since_ms(now.store)).filter(|ms| *ms > 0).min(),
    };
    let next_reservation = match reservation::count(conn)? > limits::LEASES_READ_MAX {
        true => None,
        false => reservation::next_end(conn, now.store)?.map(|end| end.since_ms(now.store)),
    };
    let next_deadline = proposal::next_deadline(conn, now)?.map(|at| at.since_ms(now.store));
    let candidates = [one(NEXT_RETRY, now.store.0)?, one(NEXT_DATE, now.wall.0)?, next_reservation, next_lease, next_deadline];
    Ok(candidates.into_iter().flatten().min())
}

pub(crate) fn dead_letters(conn: &Connection, limit: usize) -> Sql<Vec<TaskId>> {
    all(conn, DEAD_LETTERS, [int(limit as u64)], |row| id(row, 0))
}

pub(crate) fn stuck(conn: &Connection, limit: usize) -> Sql<BTreeSet<TaskId>> {
    Ok(all(conn, STUCK, [int(limit as u64)], |row| id(row, 0))?.into_iter().collect())
}

pub(crate) fn dead_ends(conn: &Connection, task: &TaskId, limit: usize) -> Sql<Vec<TaskId>> {
    all(conn, DEAD_ENDS, params![task.as_str(), int(limit as u64)], |row| id(row, 0))
}

pub(crate) fn is_stuck(conn: &Connection, task: &TaskId) -> Sql<bool> {
    Ok(first(conn, IS_STUCK, [task.as_str()], |_| Ok(()))?.is_some())
}

pub(crate) fn oldest_ready(conn: &Connection) -> Sql<Option<(TaskId, StoreTime)>> {
    first(conn, OLDEST_READY, [], |row| Ok((id(row, 0)?, StoreTime(row.get(1)?))))
}
