//! Tasks that somebody outside of the store has, or had last.

use oarlock_model::event::{TaskLeftOutside, TaskTakenOutside};
use oarlock_model::task::{OutsideHold, Task};
use oarlock_model::{TaskId, WallTime};
use rusqlite::{Connection, params};

use super::{Sql, change, change_one, first, int, json_or, task, to_json};
use crate::error::bad_row;

const TAKE: &str = "UPDATE tasks SET state = 3, progress = NULL, retry_at = NULL, outside = ?2 WHERE seq = ?1";
const SELECT: &str = "SELECT outside FROM tasks WHERE seq = ?1";
const SELECT_SEQ: &str = "SELECT seq FROM tasks WHERE id = ?1";
const SET: &str = "UPDATE tasks SET outside = ?2 WHERE seq = ?1";
const FORGET: &str = "UPDATE tasks SET outside = NULL WHERE seq = ?1 AND outside IS NOT NULL";

/// Somebody outside has taken the task.
pub(crate) fn take(conn: &Connection, seq: i64, fact: &TaskTakenOutside) -> Sql<()> {
    let hold = OutsideHold { holder: fact.holder.clone(), since: fact.since, seen: fact.seen, source: fact.source.clone(), end: None };
    change_one(conn, "a task", TAKE, params![seq, to_json(&hold)?])
}

/// Who had it outside has it no more.
pub(crate) fn leave(conn: &Connection, seq: i64, fact: &TaskLeftOutside) -> Sql<()> {
    change_hold(conn, seq, |hold| (hold.end, hold.seen) = (Some(fact.reason), fact.seen))
}

/// Its last sign of life.
pub(crate) fn seen(conn: &Connection, id: &TaskId, seen: WallTime) -> Sql<()> {
    let seq = first(conn, SELECT_SEQ, [id.as_str()], |row| row.get(0))?.ok_or_else(|| bad_row("task", id))?;
    change_hold(conn, seq, |hold| hold.seen = seen)
}

fn change_hold(conn: &Connection, seq: i64, change: impl FnOnce(&mut OutsideHold)) -> Sql<()> {
    let hold: Option<OutsideHold> = first(conn, SELECT, [seq], |row| json_or(row, 0))?.flatten();
    let mut hold = hold.ok_or_else(|| bad_row("task", format!("{seq} is not held outside")))?;
    change(&mut hold);
    change_one(conn, "a task", SET, params![seq, to_json(&hold)?])
}

/// It has ended, or somebody else has it.
pub(crate) fn forget(conn: &Connection, seq: i64) -> Sql<()> {
    change(conn, FORGET, [seq]).map(drop)
}

/// Those that somebody outside has, or had last, in the order of creation.
pub(crate) fn list(conn: &Connection, limit: usize) -> Sql<Vec<Task>> {
    task::select(conn, "WHERE t.outside IS NOT NULL ORDER BY t.seq LIMIT ?1", [int(limit as u64)])
}
