//! Submissions: what tasks with the gate `merge` wait to land, and where.

use oarlock_model::TaskId;
use oarlock_model::event::open_landing;
use oarlock_model::landing::{BranchName, Landing, LandingRefusal};
use oarlock_ops::store::{LandingCounts, QueuedLanding};
use rusqlite::{Connection, params};

use super::{Sql, all, change_one, first, id, int, json, json_or, to_json};
use crate::error::bad_row;

const SELECT: &str = "SELECT landing FROM tasks WHERE seq = ?1";
const SET: &str = "UPDATE tasks SET landing = ?2, submission = ?3 WHERE seq = ?1";
const QUEUED: &str = "SELECT id, onto, landing FROM tasks
WHERE submission IS NOT NULL AND (onto IS NULL OR onto = ?1)
ORDER BY submission LIMIT ?2";
const TARGETS: &str = "SELECT DISTINCT onto FROM tasks WHERE onto IS NOT NULL AND state < 6 ORDER BY onto";
const COUNTS: &str = "SELECT coalesce(sum(landing ->> 'state' = 'landed'), 0), coalesce(sum(landing ->> 'state' = 'refused'), 0)
FROM tasks WHERE onto = ?1 AND landing IS NOT NULL";

/// The last submission of a task.
pub(crate) fn get(conn: &Connection, seq: i64) -> Sql<Option<Landing>> {
    Ok(first(conn, SELECT, [seq], |row| json_or(row, 0))?.flatten())
}

/// Writes it, with its place in the queue while it is on its way.
pub(crate) fn set(conn: &Connection, seq: i64, landing: &Landing) -> Sql<()> {
    let place = landing.is_open().then(|| int(landing.submission));
    change_one(conn, "a task", SET, params![seq, to_json(landing)?, place])
}

/// Changes one that is on its way.
pub(crate) fn change(conn: &Connection, seq: i64, task: &TaskId, change: impl FnOnce(&mut Landing)) -> Sql<()> {
    let mut landing = open_landing(get(conn, seq)?, task).map_err(|why| bad_row("landing", why))?;
    change(&mut landing);
    set(conn, seq, &landing)
}

/// A person has decided otherwise: a submission on its way does not land.
pub(crate) fn withdraw(conn: &Connection, seq: i64) -> Sql<()> {
    match get(conn, seq)?.filter(Landing::is_open) {
        Some(mut landing) => {
            landing.refuse(LandingRefusal::Withdrawn, Vec::new());
            set(conn, seq, &landing)
        }
        None => Ok(()),
    }
}

/// Those on their way to this target, or to none yet, oldest first.
pub(crate) fn queued(conn: &Connection, onto: &BranchName, limit: usize) -> Sql<Vec<QueuedLanding>> {
    all(conn, QUEUED, params![onto.as_str(), int(limit as u64)], |row| {
        let onto: Option<String> = row.get(1)?;
        let onto = onto.map(|name| BranchName::parse(&name).map_err(|error| bad_row("branch", error))).transpose()?;
        Ok(QueuedLanding { task: id(row, 0)?, onto, landing: json(row, 2)? })
    })
}

/// The target branches of unfinished tasks.
pub(crate) fn targets(conn: &Connection) -> Sql<Vec<BranchName>> {
    all(conn, TARGETS, [], |row| {
        let name: String = row.get(0)?;
        BranchName::parse(&name).map_err(|error| bad_row("branch", error))
    })
}

/// How many tasks have landed on this branch, and how many were refused last.
pub(crate) fn counts(conn: &Connection, onto: &BranchName) -> Sql<LandingCounts> {
    let found =
        first(conn, COUNTS, [onto.as_str()], |row| Ok(LandingCounts { landed: super::uint(row, 0)?, refused: super::uint(row, 1)? }))?;
    Ok(found.unwrap_or_default())
}
