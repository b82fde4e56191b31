//! The graph around single tasks: their parts, their needs, and who needs them.

use oarlock_model::rules::resting::RestingFacts;
use oarlock_model::rules::urgency::{Around, Node};
use oarlock_model::task::TaskState;
use oarlock_model::{StoreTime, TaskId, WallTime};
use rusqlite::{Connection, Row, params};

use super::{Sql, all, first, id, id_or, int, task, to_json};

const CHILDREN: &str = "SELECT id FROM tasks WHERE parent = (SELECT seq FROM tasks WHERE id = ?1) ORDER BY seq";
const OPEN_CHILDREN: &str = "
SELECT id FROM tasks
WHERE parent = (SELECT seq FROM tasks WHERE id = ?1) AND parent IS NOT NULL AND state <> 6 AND dropped = 0 LIMIT ?2";
const DEPENDANTS: &str =
    "SELECT t.id FROM dependencies d JOIN tasks t ON t.seq = d.task WHERE d.need = (SELECT seq FROM tasks WHERE id = ?1) ORDER BY t.seq";
const NEEDS: &str = "
SELECT n.id FROM dependencies d JOIN tasks n ON n.seq = d.need WHERE d.task = (SELECT seq FROM tasks WHERE id = ?1) ORDER BY n.id";
/// What the task needs, and what the tasks above it need.
const UNMET: &str = "
WITH RECURSIVE up (seq) AS (
  SELECT seq FROM tasks WHERE id = ?1
  UNION SELECT t.parent FROM up u JOIN tasks t ON t.seq = u.seq WHERE t.parent IS NOT NULL
)
SELECT DISTINCT n.id FROM up u CROSS JOIN dependencies d ON d.task = u.seq CROSS JOIN tasks n ON n.seq = d.need WHERE n.state <> 6 ORDER BY n.id";
/// The same, and its parts.
const WAITS_FOR: &str = "
WITH RECURSIVE up (seq) AS (
  SELECT seq FROM tasks WHERE id = ?1
  UNION SELECT t.parent FROM up u JOIN tasks t ON t.seq = u.seq WHERE t.parent IS NOT NULL
)
SELECT id FROM (
  SELECT DISTINCT n.id AS id, 0 AS part
  FROM up u CROSS JOIN dependencies d ON d.task = u.seq CROSS JOIN tasks n ON n.seq = d.need WHERE n.state <> 6
  UNION ALL
  SELECT id, seq FROM tasks WHERE parent = (SELECT seq FROM tasks WHERE id = ?1) AND parent IS NOT NULL AND state <> 6 AND dropped = 0
) ORDER BY part, id";
const REST: &str = "
SELECT t.id, t.state, t.not_before, t.retry_at, t.ready_at,
  EXISTS (SELECT 1 FROM tasks c WHERE c.parent = t.seq AND c.parent IS NOT NULL AND c.state <> 6 AND c.dropped = 0)
FROM tasks t WHERE t.id = ?1";
/// The parts of a task, with what decides where each rests, apart from the needs of the tasks above it.
const PARTS_AT_REST: &str = "
SELECT t.id, t.state, t.not_before, t.retry_at, t.ready_at,
  EXISTS (SELECT 1 FROM tasks c WHERE c.parent = t.seq AND c.parent IS NOT NULL AND c.state <> 6 AND c.dropped = 0),
  t.has_needs AND EXISTS (SELECT 1 FROM dependencies d CROSS JOIN tasks n ON n.seq = d.need WHERE d.task = t.seq AND n.state <> 6)
FROM tasks t WHERE t.parent = (SELECT seq FROM tasks WHERE id = ?1) AND t.parent IS NOT NULL ORDER BY t.seq";
/// The same as [`NODE`], [`CHILDREN`] and [`NEEDS`] in one statement, in no certain order: where thousands of tasks are read one by one,
/// the statements cost more than the rows.
const AROUND: &str = "
SELECT 0, n.id, t.state, t.own_priority, t.priority, p.id
FROM tasks t LEFT JOIN tasks p ON p.seq = t.parent
  LEFT JOIN dependencies d ON d.task = t.seq AND t.has_needs LEFT JOIN tasks n ON n.seq = d.need
WHERE t.id = ?1
UNION ALL
SELECT 1, c.id, NULL, NULL, NULL, NULL FROM tasks c WHERE c.parent = (SELECT seq FROM tasks WHERE id = ?1) AND c.parent IS NOT NULL";
/// The dependants of many tasks, which come as a list in JSON.
const DEPENDANTS_OF: &str = "
SELECT n.id, t.id FROM json_each(?1) j CROSS JOIN tasks n ON n.id = j.value
  CROSS JOIN dependencies d ON d.need = n.seq CROSS JOIN tasks t ON t.seq = d.task";
const NODE: &str = "
SELECT t.state, t.own_priority, t.priority, p.id FROM tasks t LEFT JOIN tasks p ON p.seq = t.parent WHERE t.id = ?1";
/// The task and its parts at any depth, and what is asked of them.
macro_rules! tree {
    ($what:literal) => {
        concat!(
            "
WITH RECURSIVE tree (seq) AS (
  SELECT seq FROM tasks WHERE id = ?1
  UNION SELECT c.seq FROM tree JOIN tasks c ON c.parent = tree.seq AND c.parent IS NOT NULL
)
",
            $what
        )
    };
}
const TREE: &str = tree!("SELECT t.id, t.state FROM tree CROSS JOIN tasks t ON t.seq = tree.seq ORDER BY t.seq");
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

pub(crate) fn needs(conn: &Connection, dependant: &TaskId) -> Sql<Vec<TaskId>> {
    all(conn, NEEDS, [dependant.as_str()], |row| id(row, 0))
}

pub(crate) fn node(conn: &Connection, task: &TaskId) -> Sql<Option<Node>> {
    let node = |row: &Row<'_>| {
        Ok(Node { state: task::state_at(row, 0)?, own_priority: row.get(1)?, priority: row.get(2)?, parent: id_or(row, 3)? })
    };
    first(conn, NODE, [task.as_str()], node)
}

pub(crate) fn unmet_needs(conn: &Connection, dependant: &TaskId) -> Sql<Vec<TaskId>> {
    all(conn, UNMET, [dependant.as_str()], |row| id(row, 0))
}

pub(crate) fn waits_for(conn: &Connection, dependant: &TaskId) -> Sql<Vec<TaskId>> {
    all(conn, WAITS_FOR, [dependant.as_str()], |row| id(row, 0))
}

/// Each of these tasks that somebody needs, with whoever needs it.
pub(crate) fn dependants_of(conn: &Connection, needs: &[TaskId]) -> Sql<Vec<(TaskId, TaskId)>> {
    let mut found = Vec::new();
    for some in needs.chunks(1_000) {
        found.append(&mut all(conn, DEPENDANTS_OF, [to_json(&some)?], |row| Ok((id(row, 0)?, id(row, 1)?)))?);
    }
    Ok(found)
}

/// A task with its parts and needs.
pub(crate) fn around(conn: &Connection, task: &TaskId) -> Sql<Option<Around>> {
    let mut statement = conn.prepare_cached(AROUND)?;
    let mut rows = statement.query([task.as_str()])?;
    let mut around: Option<Around> = None;
    while let Some(row) = rows.next()? {
        match (row.get(0)?, &mut around) {
            // There is one such row for each need, or one without a need.
            (false, Some(around)) => around.needs.extend(id_or(row, 1)?),
            (false, None) => {
                let node =
                    Node { state: task::state_at(row, 2)?, own_priority: row.get(3)?, priority: row.get(4)?, parent: id_or(row, 5)? };
                around = Some(Around { node, parts: Vec::new(), needs: id_or(row, 1)?.into_iter().collect() });
            }
            (true, Some(around)) => around.parts.push(id(row, 1)?),
            (true, None) => {}
        }
    }
    Ok(around)
}

pub(crate) fn parts_at_rest(conn: &Connection, parent: &TaskId) -> Sql<Vec<(TaskId, TaskState, RestingFacts)>> {
    all(conn, PARTS_AT_REST, [parent.as_str()], |row| {
        let facts = RestingFacts { unmet_needs: row.get(6)?, ..resting_facts(row)? };
        Ok((id(row, 0)?, task::state_at(row, 1)?, facts))
    })
}

/// The state of a task, and the facts about where it rests once it needs nothing.
pub(crate) fn rest_without_needs(conn: &Connection, task: &TaskId) -> Sql<Option<(TaskState, RestingFacts)>> {
    first(conn, REST, [task.as_str()], |row| Ok((task::state_at(row, 1)?, resting_facts(row)?)))
}

/// The columns `not_before`, `retry_at`, `ready_at` and whether there are open parts, from the third on.
fn resting_facts(row: &Row<'_>) -> Sql<RestingFacts> {
    Ok(RestingFacts {
        open_children: row.get(5)?,
        unmet_needs: false,
        not_before: row.get::<_, Option<i64>>(2)?.map(WallTime),
        retry_at: row.get::<_, Option<i64>>(3)?.map(StoreTime),
        ready_at: row.get::<_, Option<i64>>(4)?.map(StoreTime),
    })
}

/// A task and its parts at any depth.
pub(crate) fn tree(conn: &Connection, root: &TaskId) -> Sql<Vec<(TaskId, TaskState)>> {
    all(conn, TREE, [root.as_str()], |row| Ok((id(row, 0)?, task::state_at(row, 1)?)))
}

/// The ready ones of them, in claim order.
pub(crate) fn ready_in_tree(conn: &Connection, root: &TaskId) -> Sql<Vec<TaskId>> {
    all(conn, READY_IN_TREE, [root.as_str()], |row| id(row, 0))
}
