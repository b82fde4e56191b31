//! Tasks: reading them, and writing what events say.

use oarlock_model::event::{Event, TaskAdded, TaskClaimed};
use oarlock_model::rules::rank::rank;
use oarlock_model::rules::transition::Hold;
use oarlock_model::task::{Grant, GrantEnd, Resting, Task, TaskSpec, TaskState};
use oarlock_model::{AgentName, Label, SessionId, StoreTime, TaskId, Token, WallTime, seeded};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use super::{Sql, all, change, change_one, first, from_word, id, id_or, int, json, json_or, lease, of_all, to_json, uint, within, word};
use crate::error::bad_row;

/// The columns of a task, with the id of its parent and the values of other tables.
const COLUMNS: &str = "t.seq, t.id, t.state, t.priority, t.ready_at, t.retry_at, t.not_before, p.id, t.title, t.spec,
  CASE WHEN t.has_body THEN (SELECT b.body FROM task_bodies b WHERE b.seq = t.seq) END, t.auto_finish, t.attempt, t.failures, t.losses, t.grant_token, t.grant_agent, t.grant_session, t.grant_since,
  t.grant_renewed, t.grant_ttl, t.grant_end, t.progress, t.artifacts, t.created_at, t.created_by, t.updated_at, t.result, t.grant_reserve,
  t.rejected, t.last_failure, t.own_priority, t.dropped, t.outside, t.grant_intended,
  CASE WHEN t.has_needs
    THEN (SELECT json_group_array(n.id) FROM dependencies d CROSS JOIN tasks n ON n.seq = d.need WHERE d.task = t.seq) END, t.landing";
/// Where they come from.
const FROM: &str = "tasks t LEFT JOIN tasks p ON p.seq = t.parent";

/// A query for the grants that hold tasks `t` now, as [`held`] reads them; the argument is where the tasks come from.
macro_rules! running_grants {
    ($from:literal) => {
        concat!(
            "
SELECT t.id, t.grant_token, t.grant_agent, t.grant_session, t.grant_since, t.grant_renewed, t.grant_ttl, t.grant_end, t.grant_reserve,
  t.grant_intended
FROM ",
            $from,
            " WHERE t.state = 3 AND t.outside IS NULL"
        )
    };
}
const RUNNING_GRANT: &str = concat!(running_grants!("tasks t"), " AND t.id = ?1");
const RUNNING_GRANTS: &str = running_grants!("json_each(?1) j CROSS JOIN tasks t ON t.id = j.value");
const RESULTS: &str = "
SELECT t.id, t.result FROM json_each(?1) j CROSS JOIN tasks t ON t.id = j.value WHERE t.result IS NOT NULL";
const INSERT: &str = "
INSERT INTO tasks (seq, id, state, priority, rank, ready_at, retry_at, not_before, parent, title, spec, has_body, has_needs, auto_finish,
  attempt, failures, losses, created_at, created_by, updated_at, last_event, own_priority, onto)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, (SELECT seq FROM tasks WHERE id = ?9), ?10, ?11, ?12, ?16, 0, 0, 0, 0, ?13, ?14, ?13, ?15, ?17, ?18)";
const INSERT_BODY: &str = "INSERT INTO task_bodies (seq, body) VALUES (?1, ?2)";
const INSERT_FILE: &str = "INSERT INTO task_files (file, task) VALUES (?1, ?2)";
const OF_FILE: &str = "SELECT t.id FROM task_files f JOIN tasks t ON t.seq = f.task WHERE f.file = ?1 ORDER BY f.task";
const UPSERT_BODY: &str = "INSERT INTO task_bodies (seq, body) VALUES (?1, ?2) ON CONFLICT (seq) DO UPDATE SET body = excluded.body";
const INSERT_NEED: &str = "INSERT INTO dependencies (task, need) VALUES (?1, (SELECT seq FROM tasks WHERE id = ?2))";
const DELETE_NEED: &str = "DELETE FROM dependencies WHERE task = ?1 AND need = (SELECT seq FROM tasks WHERE id = ?2)";
const SELECT_KEY: &str = "SELECT seq, state, last_event, grant_token IS NOT NULL AND grant_end IS NULL, outside IS NOT NULL,
  grant_intended FROM tasks WHERE id = ?1";
const TOUCH: &str = "UPDATE tasks SET updated_at = ?2, last_event = ?3 WHERE seq = ?1";
const SET_SPEC: &str =
    "UPDATE tasks SET priority = ?2, rank = ?3, not_before = ?4, title = ?5, spec = ?6, own_priority = ?7, onto = ?8 WHERE seq = ?1";
const SET_PRIORITY: &str = "UPDATE tasks SET priority = ?2, rank = coalesce(ready_at, 0) + ?3 WHERE seq = ?1";
const SET_DROPPED: &str = "UPDATE tasks SET dropped = ?2 WHERE seq = ?1 AND dropped <> ?2";
const SET_READY: &str = "UPDATE tasks SET state = 1, ready_at = ?2, retry_at = NULL, rank = ?2 + ?3 WHERE seq = ?1";
const SET_STATE: &str = "UPDATE tasks SET state = ?2 WHERE seq = ?1";
const SET_RETRY: &str = "UPDATE tasks SET state = 2, retry_at = ?2 WHERE seq = ?1";
const FORGET_READY: &str = "UPDATE tasks SET ready_at = NULL WHERE seq = ?1";
const CLAIM: &str = "
UPDATE tasks SET state = 3, attempt = ?2, progress = NULL, retry_at = NULL, grant_token = ?3, grant_agent = ?4, grant_session = ?5,
  grant_since = ?6, grant_renewed = ?7, grant_ttl = ?8, grant_reserve = ?9, grant_intended = ?10, grant_end = NULL, outside = NULL,
  updated_at = ?6, last_event = ?11 WHERE seq = ?1";
const END_GRANT: &str =
    "UPDATE tasks SET grant_end = ?2, grant_intended = 0 WHERE seq = ?1 AND grant_token IS NOT NULL AND grant_end IS NULL";
const SET_COUNTS: &str = "UPDATE tasks SET attempt = ?2, failures = ?3, losses = ?4 WHERE seq = ?1";
const SELECT_COUNTS: &str = "SELECT attempt, failures, losses, priority, grant_session, grant_token FROM tasks WHERE seq = ?1";
const SET_PROGRESS: &str = "UPDATE tasks SET progress = ?2 WHERE seq = ?1";
const FINISH: &str =
    "UPDATE tasks SET state = ?2, grant_end = CASE WHEN grant_token IS NOT NULL AND grant_end IS NULL THEN 'done' ELSE grant_end END,
  grant_intended = 0, result = coalesce(?5, result), rejected = NULL, last_failure = NULL, outside = NULL, updated_at = ?3, last_event = ?4
WHERE seq = ?1";
const SET_HAS_BODY: &str = "UPDATE tasks SET has_body = 1 WHERE seq = ?1 AND has_body = 0";
const SET_HAS_NEEDS: &str = "UPDATE tasks SET has_needs = 1 WHERE seq = ?1 AND has_needs = 0";
const SET_ARTIFACTS: &str = "UPDATE tasks SET artifacts = ?2 WHERE seq = ?1";
const SET_RESULT: &str = "UPDATE tasks SET result = ?2 WHERE seq = ?1";
const SET_REJECTED: &str = "UPDATE tasks SET rejected = ?2 WHERE seq = ?1";
const SET_LAST_FAILURE: &str = "UPDATE tasks SET last_failure = ?2 WHERE seq = ?1";
const SET_AUTO_FINISH: &str = "UPDATE tasks SET auto_finish = 1 WHERE seq = ?1";
const FORGET_RETRY: &str = "UPDATE tasks SET retry_at = NULL WHERE seq = ?1";
const RENEW: &str = "UPDATE tasks SET grant_renewed = ?2, grant_ttl = ?3 WHERE id = ?1 AND state = 3 AND outside IS NULL";

/// The part of a spec that no query asks for.
#[derive(Serialize, Deserialize)]
struct SpecRest {
    #[serde(default, rename = "t", skip_serializing_if = "Option::is_none")]
    kind: Option<Label>,
    #[serde(default, rename = "c", skip_serializing_if = "BTreeSet::is_empty")]
    capabilities: BTreeSet<Label>,
    #[serde(default, rename = "w", skip_serializing_if = "Vec::is_empty")]
    writes: Vec<oarlock_model::pattern::Pattern>,
    #[serde(default, rename = "r", skip_serializing_if = "BTreeSet::is_empty")]
    resources: BTreeSet<Label>,
    #[serde(default, rename = "e", skip_serializing_if = "Option::is_none")]
    estimate_minutes: Option<u32>,
    #[serde(default, rename = "a", skip_serializing_if = "Option::is_none")]
    assigned: Option<AgentName>,
    #[serde(rename = "m")]
    max_attempts: u32,
    #[serde(default, rename = "g", skip_serializing_if = "Option::is_none")]
    gate: Option<oarlock_model::task::Gate>,
    #[serde(default, rename = "o", skip_serializing_if = "Option::is_none")]
    onto: Option<oarlock_model::landing::BranchName>,
    #[serde(default, rename = "v", skip_serializing_if = "Option::is_none")]
    reviewer: Option<Label>,
    #[serde(default, rename = "f", skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

fn spec_rest(spec: &TaskSpec) -> Sql<String> {
    to_json(&SpecRest {
        kind: spec.kind.clone(),
        capabilities: spec.capabilities.clone(),
        writes: spec.writes.clone(),
        resources: spec.resources.clone(),
        estimate_minutes: spec.estimate_minutes,
        assigned: spec.assigned.clone(),
        max_attempts: spec.max_attempts,
        gate: spec.gate,
        onto: spec.onto.clone(),
        reviewer: spec.reviewer.clone(),
        file: spec.file.clone(),
    })
}

/// The target branch, which queues are found by.
fn onto(spec: &TaskSpec) -> Option<&str> {
    spec.onto.as_ref().map(oarlock_model::landing::BranchName::as_str)
}

/// The tasks that were made from this document, oldest first.
pub(crate) fn of_file(conn: &Connection, file: &str) -> Sql<Vec<TaskId>> {
    all(conn, OF_FILE, [file], |row| id(row, 0))
}

/// A state as its stored number.
pub(crate) fn state_at(row: &Row<'_>, index: usize) -> Sql<TaskState> {
    let number: u8 = row.get(index)?;
    TaskState::ALL.get(usize::from(number)).copied().ok_or_else(|| bad_row("task state", number))
}

/// A grant from seven columns that follow each other, one that says whether the write set was reserved, and one whether it is intended.
fn grant(row: &Row<'_>, at: usize, reserve: usize, intended: usize) -> Sql<Option<Grant>> {
    let Some(token) = row.get::<_, Option<i64>>(at)? else { return Ok(None) };
    let end: Option<String> = row.get(at + 6)?;
    Ok(Some(Grant {
        token: Token(u64::try_from(token).map_err(|_| bad_row("token", token))?),
        agent: id(row, at + 1)?,
        session: id(row, at + 2)?,
        since: WallTime(row.get(at + 3)?),
        renewed: StoreTime(row.get(at + 4)?),
        ttl_ms: row.get(at + 5)?,
        reserve: row.get(reserve)?,
        intended: row.get(intended)?,
        end: end.as_deref().map(from_word).transpose()?,
    }))
}

/// The specification, without title and body: from the columns `spec`, `own_priority`, the parent's id and `not_before`.
pub(crate) fn spec_without_texts(row: &Row<'_>, (spec, own_priority, parent, not_before): (usize, usize, usize, usize)) -> Sql<TaskSpec> {
    let rest: SpecRest = json(row, spec)?;
    Ok(TaskSpec {
        title: String::new(),
        body: String::new(),
        kind: rest.kind,
        priority: row.get(own_priority)?,
        parent: id_or(row, parent)?,
        capabilities: rest.capabilities,
        writes: rest.writes,
        resources: rest.resources,
        estimate_minutes: rest.estimate_minutes,
        assigned: rest.assigned,
        max_attempts: rest.max_attempts,
        not_before: row.get::<_, Option<i64>>(not_before)?.map(WallTime),
        gate: rest.gate,
        onto: rest.onto,
        reviewer: rest.reviewer,
        file: rest.file,
    })
}

/// Maps [`running_grants`].
fn held(row: &Row<'_>) -> Sql<(TaskId, Option<Grant>)> {
    Ok((id(row, 0)?, grant(row, 1, 8, 9)?))
}

/// The grant that holds a task now.
pub(crate) fn running_grant(conn: &Connection, task: &TaskId) -> Sql<Option<Grant>> {
    Ok(first(conn, RUNNING_GRANT, [task.as_str()], held)?.and_then(|(_, grant)| grant))
}

/// The grants that hold these tasks now.
pub(crate) fn running_grants(conn: &Connection, tasks: &[&TaskId]) -> Sql<Vec<(TaskId, Grant)>> {
    let held = of_all(conn, RUNNING_GRANTS, tasks, held)?;
    Ok(held.into_iter().filter_map(|(task, grant)| Some((task, grant?))).collect())
}

/// Maps [`COLUMNS`].
fn map(row: &Row<'_>) -> Sql<Task> {
    let body = row.get::<_, Option<String>>(10)?.unwrap_or_default();
    let spec = TaskSpec { title: row.get(8)?, body, ..spec_without_texts(row, (9, 31, 7, 6))? };
    Ok(Task {
        seq: uint(row, 0)?,
        id: id(row, 1)?,
        spec,
        needs: json_or(row, 35)?.unwrap_or_default(),
        priority: row.get(3)?,
        dropped: row.get(32)?,
        auto_finish: row.get(11)?,
        state: state_at(row, 2)?,
        ready_at: row.get::<_, Option<i64>>(4)?.map(StoreTime),
        retry_at: row.get::<_, Option<i64>>(5)?.map(StoreTime),
        attempt: row.get(12)?,
        failures: row.get(13)?,
        losses: row.get(14)?,
        grant: grant(row, 15, 28, 34)?,
        outside: json_or(row, 33)?,
        progress: row.get(22)?,
        result: row.get(27)?,
        rejected: row.get(29)?,
        last_failure: row.get(30)?,
        artifacts: json_or(row, 23)?.unwrap_or_default(),
        landing: json_or(row, 36)?,
        created_at: WallTime(row.get(24)?),
        created_by: id_or(row, 25)?,
        updated_at: WallTime(row.get(26)?),
    })
}

/// Tasks of a query over [`FROM`]; `tail` is everything after it.
pub(crate) fn select(conn: &Connection, tail: &str, params: impl rusqlite::Params) -> Sql<Vec<Task>> {
    select_within(conn, tail, params, usize::MAX)
}

/// The same, but no more once their texts have `bytes_max` bytes; the first always comes.
pub(crate) fn select_within(conn: &Connection, tail: &str, params: impl rusqlite::Params, bytes_max: usize) -> Sql<Vec<Task>> {
    read_within(conn, &format!("SELECT {COLUMNS} FROM {FROM} {tail}"), params, bytes_max)
}

fn read_within(conn: &Connection, sql: &str, params: impl rusqlite::Params, bytes_max: usize) -> Sql<Vec<Task>> {
    within(conn, sql, params, bytes_max, |row| {
        let task = map(row)?;
        let bytes = task.text_bytes();
        Ok((task, bytes))
    })
}

/// The tasks with these ids, in their order: the list is the outer loop, and nothing is sorted.
pub(crate) fn with_ids(conn: &Connection, ids: &[&TaskId], bytes_max: usize) -> Sql<Vec<Task>> {
    let sql = format!("SELECT {COLUMNS} FROM json_each(?1) j CROSS JOIN tasks t ON t.id = j.value LEFT JOIN tasks p ON p.seq = t.parent");
    read_within(conn, &sql, [to_json(&ids)?], bytes_max)
}

pub(crate) fn results_of(conn: &Connection, ids: &[&TaskId]) -> Sql<Vec<(TaskId, String)>> {
    of_all(conn, RESULTS, ids, |row| Ok((id(row, 0)?, row.get(1)?)))
}

pub(crate) fn get(conn: &Connection, task: &TaskId) -> Sql<Option<Task>> {
    Ok(select(conn, "WHERE t.id = ?1", [task.as_str()])?.pop())
}

/// The former row, as far as every projection needs it.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) seq: i64,
    pub(crate) state: TaskState,
    pub(crate) last_event: i64,
    /// Who holds it, should it be claimed.
    pub(crate) hold: Hold,
}

pub(crate) fn key(conn: &Connection, task: &TaskId) -> Sql<Option<Key>> {
    first(conn, SELECT_KEY, [task.as_str()], |row| {
        let hold = match (row.get(3)?, row.get(4)?, row.get(5)?) {
            (_, true, _) => Hold::Outside,
            (true, false, true) => Hold::Intent,
            (true, false, false) => Hold::Session,
            (false, false, _) => Hold::Nobody,
        };
        Ok(Key { seq: row.get(0)?, state: state_at(row, 1)?, last_event: row.get(2)?, hold })
    })
}

pub(crate) fn insert(conn: &Connection, seq: i64, event_seq: u64, at: WallTime, by: Option<&AgentName>, fact: &TaskAdded) -> Sql<()> {
    let (ready_at, retry_at) = match fact.resting {
        Resting::Ready { ready_at } => (Some(ready_at.0), None),
        Resting::Scheduled { retry_at } => (None, retry_at.map(|at| at.0)),
        Resting::Blocked | Resting::Waiting => (None, None),
    };
    let spec = &fact.spec;
    change_one(
        conn,
        "a new task",
        INSERT,
        params![
            seq,
            fact.id.as_str(),
            fact.resting.state() as i64,
            fact.priority(),
            rank(StoreTime(ready_at.unwrap_or_default()), fact.priority()),
            ready_at,
            retry_at,
            spec.not_before.map(|at| at.0),
            spec.parent.as_ref().map(TaskId::as_str),
            spec.title,
            spec_rest(spec)?,
            !spec.body.is_empty(),
            at.0,
            by.map(AgentName::as_str),
            int(event_seq),
            !fact.needs.is_empty(),
            spec.priority,
            onto(spec),
        ],
    )?;
    if let Some(file) = &spec.file {
        change_one(conn, "the file of a task", INSERT_FILE, params![file, seq])?;
    }
    if !spec.body.is_empty() {
        change_one(conn, "a body", INSERT_BODY, params![seq, spec.body])?;
    }
    fact.needs.iter().try_for_each(|need| add_need(conn, seq, need))
}

pub(crate) fn add_need(conn: &Connection, seq: i64, need: &TaskId) -> Sql<()> {
    change_one(conn, "a dependency", INSERT_NEED, params![seq, need.as_str()])?;
    change(conn, SET_HAS_NEEDS, [seq]).map(drop)
}

pub(crate) fn remove_need(conn: &Connection, seq: i64, need: &TaskId) -> Sql<()> {
    change(conn, DELETE_NEED, params![seq, need.as_str()]).map(drop)
}

pub(crate) fn touch(conn: &Connection, seq: i64, at: WallTime, event_seq: u64) -> Sql<()> {
    change_one(conn, "a task", TOUCH, params![seq, at.0, int(event_seq)])
}

pub(crate) fn set_spec(conn: &Connection, seq: i64, task: &Task) -> Sql<()> {
    let spec = &task.spec;
    change_one(
        conn,
        "a task",
        SET_SPEC,
        params![seq, task.priority, task.rank(), spec.not_before.map(|at| at.0), spec.title, spec_rest(spec)?, spec.priority, onto(spec)],
    )
}

/// The priority that follows from other tasks, and with it the task's place in the queue.
pub(crate) fn set_priority(conn: &Connection, seq: i64, priority: u8) -> Sql<()> {
    change_one(conn, "a task", SET_PRIORITY, params![seq, priority, rank(StoreTime(0), priority)])
}

pub(crate) fn set_dropped(conn: &Connection, seq: i64, dropped: bool) -> Sql<()> {
    change(conn, SET_DROPPED, params![seq, dropped]).map(drop)
}

pub(crate) fn set_body(conn: &Connection, seq: i64, body: &str) -> Sql<()> {
    change_one(conn, "a body", UPSERT_BODY, params![seq, body])?;
    change(conn, SET_HAS_BODY, [seq]).map(drop)
}

pub(crate) fn rest(conn: &Connection, seq: i64, place: Resting) -> Sql<()> {
    match place {
        Resting::Ready { ready_at } => {
            let (.., priority) = counts(conn, seq)?;
            change_one(conn, "a task", SET_READY, params![seq, ready_at.0, rank(StoreTime(0), priority)])
        }
        Resting::Scheduled { retry_at } => change_one(conn, "a task", SET_RETRY, params![seq, retry_at.map(|at| at.0)]),
        Resting::Blocked | Resting::Waiting => set_state(conn, seq, place.state()),
    }
}

pub(crate) fn set_state(conn: &Connection, seq: i64, state: TaskState) -> Sql<()> {
    change_one(conn, "a task", SET_STATE, params![seq, state as i64])
}

/// A failed task loses its place in the queue; a given-back one does not.
pub(crate) fn forget_ready(conn: &Connection, seq: i64) -> Sql<()> {
    change_one(conn, "a task", FORGET_READY, [seq])
}

pub(crate) fn forget_retry(conn: &Connection, seq: i64) -> Sql<()> {
    change_one(conn, "a task", FORGET_RETRY, [seq])
}

/// Attempt, failures, losses, priority.
pub(crate) fn counts(conn: &Connection, seq: i64) -> Sql<(u32, u32, u32, u8)> {
    let found = first(conn, SELECT_COUNTS, [seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    found.ok_or_else(|| bad_row("task", seq))
}

/// The session and token of the last grant.
pub(crate) fn last_grant(conn: &Connection, seq: i64) -> Sql<(Option<SessionId>, Option<i64>)> {
    let found = first(conn, SELECT_COUNTS, [seq], |row| Ok((id_or(row, 4)?, row.get(5)?)))?;
    found.ok_or_else(|| bad_row("task", seq))
}

pub(crate) fn set_counts(conn: &Connection, seq: i64, attempt: u32, failures: u32, losses: u32) -> Sql<()> {
    change_one(conn, "a task", SET_COUNTS, params![seq, attempt, failures, losses])
}

/// The event grants the task to its session, or means to.
pub(crate) fn claim(conn: &Connection, seq: i64, fact: &TaskClaimed, intended: bool, event: &Event) -> Sql<()> {
    let (Some(agent), Some(session)) = (&event.agent, &event.session) else {
        return Err(bad_row("claim", "it names no session"));
    };
    let (at, now) = (event.at, event.store_at);
    change_one(
        conn,
        "a task",
        CLAIM,
        params![
            seq,
            fact.attempt,
            int(fact.token.0),
            agent.as_str(),
            session.as_str(),
            at.0,
            now.0,
            fact.ttl_ms,
            fact.reserve,
            intended,
            int(event.seq)
        ],
    )?;
    if seeded::is(seeded::BOUND_NOT_LOWERED) {
        return Ok(());
    }
    lease::lower_bound(conn, now.plus_ms(fact.ttl_ms))
}

pub(crate) fn end_grant(conn: &Connection, seq: i64, end: GrantEnd) -> Sql<()> {
    change(conn, END_GRANT, params![seq, word(&end)?]).map(drop)
}

pub(crate) fn set_progress(conn: &Connection, seq: i64, progress: u8) -> Sql<()> {
    change_one(conn, "a task", SET_PROGRESS, params![seq, progress])
}

pub(crate) fn set_result(conn: &Connection, seq: i64, result: &str) -> Sql<()> {
    change_one(conn, "a task", SET_RESULT, params![seq, result])
}

pub(crate) fn set_rejected(conn: &Connection, seq: i64, reason: &str) -> Sql<()> {
    change_one(conn, "a task", SET_REJECTED, params![seq, reason])
}

pub(crate) fn set_last_failure(conn: &Connection, seq: i64, reason: &str) -> Sql<()> {
    change_one(conn, "a task", SET_LAST_FAILURE, params![seq, reason])
}

pub(crate) fn set_auto_finish(conn: &Connection, seq: i64) -> Sql<()> {
    change_one(conn, "a task", SET_AUTO_FINISH, [seq])
}

pub(crate) fn finish(
    conn: &Connection,
    key: Key,
    state: TaskState,
    at: WallTime,
    event_seq: u64,
    result: Option<&String>,
    artifacts: &[String],
) -> Sql<()> {
    change_one(conn, "a task", FINISH, params![key.seq, state as i64, at.0, int(event_seq), result])?;
    if artifacts.is_empty() { Ok(()) } else { change_one(conn, "a task", SET_ARTIFACTS, params![key.seq, to_json(&artifacts)?]) }
}

pub(crate) fn renew(conn: &Connection, task: &TaskId, renewed: StoreTime, ttl_ms: i64) -> Sql<()> {
    change_one(conn, "a lease", RENEW, params![task.as_str(), renewed.0, ttl_ms])?;
    lease::lower_bound(conn, renewed.plus_ms(ttl_ms))
}
