//! The graph around single tasks: their parts, their needs, and who needs them.

use oarlock_model::rules::resting::RestingFacts;
use oarlock_model::rules::urgency::{Around, Node, Number, Waiter};
use oarlock_model::task::TaskState;
use oarlock_model::{StoreTime, TaskId, WallTime};
use oarlock_ops::store::{AtRest, ClosedPart, Near, TaskNode};
use rusqlite::{Connection, Row, params};

use super::{Sql, all, first, id, id_or, int, of_all, prepared, task, to_json, uint, uint_or};

/// The condition that the task `c` is a part of that task, and one that it waits for: neither done nor dropped. `IS NOT NULL` is the term of the
/// partial index over parents.
macro_rules! is_open_part_of {
    ($parent:literal) => {
        concat!("c.parent = ", $parent, " AND c.parent IS NOT NULL AND c.state <> 6 AND c.dropped = 0")
    };
}
const CHILDREN: &str = "SELECT id FROM tasks WHERE parent = (SELECT seq FROM tasks WHERE id = ?1) ORDER BY seq";
const OPEN_CHILDREN: &str =
    concat!("\nSELECT c.id FROM tasks c WHERE ", is_open_part_of!("(SELECT seq FROM tasks WHERE id = ?1)"), " LIMIT ?2");
const DEPENDANTS: &str =
    "SELECT t.id FROM dependencies d JOIN tasks t ON t.seq = d.task WHERE d.need = (SELECT seq FROM tasks WHERE id = ?1) ORDER BY t.seq";
/// The needs of the task and of the tasks above it.
const UNMET: &str = "
WITH RECURSIVE up (seq) AS (
  SELECT seq FROM tasks WHERE id = ?1
  UNION SELECT t.parent FROM up u JOIN tasks t ON t.seq = u.seq WHERE t.parent IS NOT NULL
)
SELECT DISTINCT n.id FROM up u CROSS JOIN dependencies d ON d.task = u.seq CROSS JOIN tasks n ON n.seq = d.need WHERE n.state <> 6 ORDER BY n.id";
/// The same for many tasks, whose ids come as a list in JSON.
const UNMET_OF: &str = "
WITH RECURSIVE up (task, seq) AS (
  SELECT t.seq, t.seq FROM json_each(?1) j CROSS JOIN tasks t ON t.id = j.value
  UNION SELECT u.task, t.parent FROM up u JOIN tasks t ON t.seq = u.seq WHERE t.parent IS NOT NULL
)
SELECT DISTINCT w.id, n.id
FROM up u CROSS JOIN dependencies d ON d.task = u.seq CROSS JOIN tasks n ON n.seq = d.need CROSS JOIN tasks w ON w.seq = u.task
WHERE n.state <> 6 ORDER BY n.id";
/// The parts of those of these tasks that have no open one.
const CLOSED_PARTS: &str = concat!(
    "
WITH closed (seq, id) AS MATERIALIZED (
  SELECT t.seq, t.id FROM json_each(?1) j CROSS JOIN tasks t ON t.id = j.value
  WHERE NOT EXISTS (SELECT 1 FROM tasks c WHERE ",
    is_open_part_of!("t.seq"),
    ")
)
SELECT t.id, c.id, c.title, c.state = 6, coalesce(octet_length(c.result), 0)
FROM closed t CROSS JOIN tasks c ON c.parent = t.seq AND c.parent IS NOT NULL ORDER BY c.seq"
);
/// The needs of a task, those of the tasks above it, and its parts.
const WAITS_FOR: &str = concat!(
    "
WITH RECURSIVE up (seq) AS (
  SELECT seq FROM tasks WHERE id = ?1
  UNION SELECT t.parent FROM up u JOIN tasks t ON t.seq = u.seq WHERE t.parent IS NOT NULL
)
SELECT id FROM (
  SELECT DISTINCT n.id AS id, 0 AS part
  FROM up u CROSS JOIN dependencies d ON d.task = u.seq CROSS JOIN tasks n ON n.seq = d.need WHERE n.state <> 6
  UNION ALL
  SELECT c.id, c.seq FROM tasks c WHERE ",
    is_open_part_of!("(SELECT seq FROM tasks WHERE id = ?1)"),
    "
) ORDER BY part, id"
);
/// Tasks with what decides where each rests, apart from the needs of the tasks above it. A need in the list, which comes in JSON, counts as
/// done.
macro_rules! at_rest {
    ($from:literal, $which:literal) => {
        concat!(
            "
SELECT t.id, p.id, t.state, t.not_before, t.retry_at, t.ready_at,
  EXISTS (SELECT 1 FROM tasks c WHERE ",
            is_open_part_of!("t.seq"),
            "),
  t.has_needs AND EXISTS (
    SELECT 1 FROM dependencies d CROSS JOIN tasks n ON n.seq = d.need WHERE d.task = t.seq AND n.state <> 6
    AND n.seq NOT IN (SELECT f.seq FROM json_each(?2) j CROSS JOIN tasks f ON f.id = j.value))
FROM ",
            $from,
            " LEFT JOIN tasks p ON p.seq = t.parent WHERE ",
            $which
        )
    };
}
const TASK_AT_REST: &str = at_rest!("tasks t", "t.id = ?1");
const PARTS_AT_REST: &str = at_rest!("tasks t", "t.parent = (SELECT seq FROM tasks WHERE id = ?1) AND t.parent IS NOT NULL ORDER BY t.seq");
const DEPENDANTS_AT_REST: &str = at_rest!(
    "dependencies near CROSS JOIN tasks t ON t.seq = near.task",
    "near.need = (SELECT seq FROM tasks WHERE id = ?1) ORDER BY near.task"
);
/// The facts that decide the priority of a task: a row for each of its needs, or one if it needs nothing.
macro_rules! above {
    () => {
        "SELECT 0, d.need, t.id, t.state, t.own_priority, t.priority, t.parent
FROM tasks t LEFT JOIN dependencies d ON d.task = t.seq AND t.has_needs WHERE t.seq = ?1"
    };
}
const ABOVE: &str = above!();
/// The same, and a row for each part, in one statement: where thousands of tasks are read one by one, the statements cost more than the rows.
const AROUND: &str = concat!(above!(), " UNION ALL SELECT 1, seq, 0, 0, 0, 0, 0 FROM tasks WHERE parent = ?1 AND parent IS NOT NULL");
/// The dependants of many tasks, whose numbers come as a list in JSON.
const DEPENDANTS_OF: &str = "SELECT d.need, d.task FROM json_each(?1) j CROSS JOIN dependencies d ON d.need = j.value";
/// Tasks as far as the urgency of what they need follows from them.
macro_rules! waiters {
    ($from:literal) => {
        concat!(
            "SELECT t.seq, t.state, t.priority, EXISTS (SELECT 1 FROM tasks c WHERE c.parent = t.seq AND c.parent IS NOT NULL) FROM ",
            $from
        )
    };
}
const WAITERS: &str = waiters!("json_each(?1) j CROSS JOIN tasks t ON t.seq = j.value");
const WAITING_PARTS: &str = waiters!("tasks t WHERE t.parent = ?1 AND t.parent IS NOT NULL");
const NODE: &str = "
SELECT t.state, t.priority, p.id FROM tasks t LEFT JOIN tasks p ON p.seq = t.parent WHERE t.id = ?1";
/// The task and its parts at any depth, and the facts asked of them.
macro_rules! tree {
    ($what:literal) => {
        tree!("", $what)
    };
    ($which:literal, $what:literal) => {
        concat!(
            "
WITH RECURSIVE tree (seq) AS (
  SELECT seq FROM tasks WHERE id = ?1
  UNION SELECT c.seq FROM tree JOIN tasks c ON c.parent = tree.seq AND c.parent IS NOT NULL",
            $which,
            "
)
",
            $what
        )
    };
}
const TREE: &str = tree!("SELECT t.id, t.state FROM tree CROSS JOIN tasks t ON t.seq = tree.seq ORDER BY t.seq");
const OPEN_TREE: &str =
    tree!(" AND c.state <> 6 AND c.dropped = 0", "SELECT t.id FROM tree CROSS JOIN tasks t ON t.seq = tree.seq ORDER BY t.seq");
const READY_IN_TREE: &str = tree!("SELECT t.id FROM tree CROSS JOIN tasks t ON t.seq = tree.seq WHERE t.state = 1 ORDER BY t.rank, t.seq");

pub(crate) fn children(conn: &Connection, parent: &TaskId) -> Sql<Vec<TaskId>> {
    all(conn, CHILDREN, [parent.as_str()], |row| id(row, 0))
}

pub(crate) fn open_children(conn: &Connection, parent: &TaskId, limit: usize) -> Sql<Vec<TaskId>> {
    all(conn, OPEN_CHILDREN, params![parent.as_str(), int(limit as u64)], |row| id(row, 0))
}

pub(crate) fn dependants(conn: &Connection, need: &TaskId) -> Sql<Vec<TaskId>> {
    all(conn, DEPENDANTS, [need.as_str()], |row| id(row, 0))
}

pub(crate) fn node(conn: &Connection, task: &TaskId) -> Sql<Option<TaskNode>> {
    let node = |row: &Row<'_>| Ok(TaskNode { state: task::state_at(row, 0)?, priority: row.get(1)?, parent: id_or(row, 2)? });
    first(conn, NODE, [task.as_str()], node)
}

pub(crate) fn unmet_needs(conn: &Connection, dependant: &TaskId) -> Sql<Vec<TaskId>> {
    all(conn, UNMET, [dependant.as_str()], |row| id(row, 0))
}

pub(crate) fn unmet_needs_of(conn: &Connection, tasks: &[&TaskId]) -> Sql<Vec<(TaskId, TaskId)>> {
    of_all(conn, UNMET_OF, tasks, |row| Ok((id(row, 0)?, id(row, 1)?)))
}

pub(crate) fn closed_parts(conn: &Connection, tasks: &[&TaskId]) -> Sql<Vec<ClosedPart>> {
    of_all(conn, CLOSED_PARTS, tasks, |row| {
        let result_bytes = usize::try_from(uint(row, 4)?).unwrap_or(usize::MAX);
        Ok(ClosedPart { parent: id(row, 0)?, id: id(row, 1)?, title: row.get(2)?, is_done: row.get(3)?, result_bytes })
    })
}

pub(crate) fn waits_for(conn: &Connection, dependant: &TaskId) -> Sql<Vec<TaskId>> {
    all(conn, WAITS_FOR, [dependant.as_str()], |row| id(row, 0))
}

/// A task with its parts and what it needs.
pub(crate) fn around(conn: &Connection, task: Number) -> Sql<Option<Around>> {
    read_around(conn, AROUND, task)
}

/// A task with what it needs.
pub(crate) fn above(conn: &Connection, task: Number) -> Sql<Option<Around>> {
    read_around(conn, ABOVE, task)
}

fn read_around(conn: &Connection, sql: &str, task: Number) -> Sql<Option<Around>> {
    let mut statement = prepared(conn, sql)?;
    let mut rows = statement.query([int(task)])?;
    let mut around: Option<Around> = None;
    while let Some(row) = rows.next()? {
        match (row.get(0)?, &mut around) {
            (false, Some(around)) => around.needs.push(uint(row, 1)?),
            (false, None) => {
                let node = Node {
                    id: id(row, 2)?,
                    state: task::state_at(row, 3)?,
                    own_priority: row.get(4)?,
                    priority: row.get(5)?,
                    parent: uint_or(row, 6)?,
                };
                around = Some(Around { node, parts: Vec::new(), needs: uint_or(row, 1)?.into_iter().collect() });
            }
            (true, Some(around)) => around.parts.push(uint(row, 1)?),
            (true, None) => {}
        }
    }
    Ok(around)
}

/// Each of these tasks that somebody needs, with anyone who needs it.
pub(crate) fn dependants_of(conn: &Connection, tasks: &[Number]) -> Sql<Vec<(Number, Number)>> {
    of_all(conn, DEPENDANTS_OF, tasks, |row| Ok((uint(row, 0)?, uint(row, 1)?)))
}

/// These tasks, as those that wait.
pub(crate) fn waiters(conn: &Connection, tasks: &[Number]) -> Sql<Vec<Waiter>> {
    of_all(conn, WAITERS, tasks, waiter)
}

/// The parts of a task, as those that wait.
pub(crate) fn waiting_parts(conn: &Connection, parent: Number) -> Sql<Vec<Waiter>> {
    all(conn, WAITING_PARTS, [int(parent)], waiter)
}

fn waiter(row: &Row<'_>) -> Sql<Waiter> {
    Ok(Waiter { number: uint(row, 0)?, state: task::state_at(row, 1)?, priority: row.get(2)?, has_parts: row.get(3)? })
}

/// Tasks with what decides where each rests once all of `done` are done.
pub(crate) fn at_rest(conn: &Connection, near: Near<'_>, done: &[TaskId]) -> Sql<Vec<AtRest>> {
    let (sql, task) = match near {
        Near::Task(task) => (TASK_AT_REST, task),
        Near::PartsOf(task) => (PARTS_AT_REST, task),
        Near::DependantsOf(task) => (DEPENDANTS_AT_REST, task),
    };
    all(conn, sql, params![task.as_str(), to_json(&done)?], |row| {
        let facts = RestingFacts {
            open_children: row.get(6)?,
            unmet_needs: row.get(7)?,
            not_before: row.get::<_, Option<i64>>(3)?.map(WallTime),
            retry_at: row.get::<_, Option<i64>>(4)?.map(StoreTime),
            ready_at: row.get::<_, Option<i64>>(5)?.map(StoreTime),
        };
        Ok(AtRest { id: id(row, 0)?, parent: id_or(row, 1)?, state: task::state_at(row, 2)?, facts })
    })
}

/// A task and its parts at any depth.
pub(crate) fn tree(conn: &Connection, root: &TaskId) -> Sql<Vec<(TaskId, TaskState)>> {
    all(conn, TREE, [root.as_str()], |row| Ok((id(row, 0)?, task::state_at(row, 1)?)))
}

/// A task and those of its parts at any depth that it waits for.
pub(crate) fn open_tree(conn: &Connection, root: &TaskId) -> Sql<Vec<TaskId>> {
    all(conn, OPEN_TREE, [root.as_str()], |row| id(row, 0))
}

/// The ready ones of the tasks in a tree, in claim order.
pub(crate) fn ready_in_tree(conn: &Connection, root: &TaskId) -> Sql<Vec<TaskId>> {
    all(conn, READY_IN_TREE, [root.as_str()], |row| id(row, 0))
}
