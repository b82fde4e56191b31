//! The floor: the least that a careful program without Oarlock would do with the same library and the same
//! durability. Its operations write the rows that ours must write: the task, the lease, the event, the
//! kept reply; they check nothing that a lone and honest caller would not need checked.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use super::side::{Contestant, Keys, Syncing};
use crate::output::Outcome;

const SCHEMA: &str = "
CREATE TABLE agents (name TEXT PRIMARY KEY, seen INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tasks (
  seq        INTEGER PRIMARY KEY,
  id         TEXT    NOT NULL UNIQUE,
  state      INTEGER NOT NULL,
  rank       INTEGER NOT NULL,
  title      TEXT    NOT NULL,
  result     TEXT,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tasks_ready ON tasks (rank, seq) WHERE state = 1;
CREATE TABLE leases (
  task    INTEGER PRIMARY KEY,
  agent   TEXT    NOT NULL,
  token   INTEGER NOT NULL,
  ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX leases_agents ON leases (agent);
CREATE INDEX leases_ends ON leases (ends_at);
CREATE TABLE events (
  seq   INTEGER PRIMARY KEY,
  at    INTEGER NOT NULL,
  kind  TEXT    NOT NULL,
  agent TEXT,
  task  TEXT,
  data  TEXT    NOT NULL
) STRICT;
CREATE TABLE replies (key TEXT PRIMARY KEY, at INTEGER NOT NULL, reply TEXT NOT NULL) STRICT, WITHOUT ROWID;";

const ADD_AGENT: &str = "INSERT INTO agents (name, seen) VALUES (?1, ?2)";
const ADD_TASK: &str = "INSERT INTO tasks (id, state, rank, title, updated_at) VALUES (?1, 1, ?2, ?3, ?2)";
const PICK: &str = "SELECT seq, id, title FROM tasks WHERE state = 1 ORDER BY rank, seq LIMIT 1";
const LOG: &str = "INSERT INTO events (at, kind, agent, task, data) VALUES (?1, ?2, ?3, ?4, ?5)";
const TAKE: &str = "UPDATE tasks SET state = 2, updated_at = ?2 WHERE seq = ?1";
const LEASE: &str = "INSERT INTO leases (task, agent, token, ends_at) VALUES (?1, ?2, ?3, ?4)";
const END_LEASE: &str = "DELETE FROM leases WHERE task = ?1 AND token = ?2";
const FINISH: &str = "UPDATE tasks SET state = 3, result = ?2, updated_at = ?3 WHERE seq = ?1";
/// A key that was used before fails here, which is all the check that a key needs.
const REMEMBER: &str = "INSERT INTO replies (key, at, reply) VALUES (?1, ?2, ?3)";
const BEAT: &str = "UPDATE agents SET seen = ?2 WHERE name = ?1";

/// How long a lease holds, in milliseconds.
const TTL_MS: i64 = 900_000;

/// Waits of one millisecond after which the floor gives up: half a minute, as long as ours waits.
const BUSY_WAITS_MAX: i32 = 30_000;

/// One agent of the floor.
pub(super) struct Floor {
    conn: Connection,
    agent: String,
    keys: Keys,
}

/// A task the floor has claimed.
pub(super) struct FloorTask {
    pub(super) seq: i64,
    pub(super) id: String,
    pub(super) token: i64,
}

impl Floor {
    /// Makes a store with `tasks` ready tasks and these agents.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn make(file: &Path, agents: &[String], tasks: usize) -> Outcome<()> {
        let mut conn = Connection::open(file)?;
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")?;
        conn.execute_batch(SCHEMA)?;
        let tx = conn.transaction()?;
        let now = now_ms();
        for agent in agents {
            tx.prepare_cached(ADD_AGENT)?.execute(params![agent, now])?;
        }
        for n in 0..tasks {
            let id = super::ours::task_id(n);
            tx.prepare_cached(ADD_TASK)?.execute(params![id, now, super::ours::task_title(n)])?;
            tx.prepare_cached(LOG)?.execute(params![now, "task_added", None::<&str>, id, "{}"])?;
        }
        tx.commit()?;
        conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(())
    }

    /// Opens it.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn open(file: &Path, agent: &str, sync: Syncing) -> Outcome<Self> {
        let mut conn = Connection::open(file)?;
        conn.busy_handler(Some(|waits| {
            std::thread::sleep(Duration::from_millis(1));
            waits < BUSY_WAITS_MAX
        }))?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        conn.execute_batch(&format!("PRAGMA synchronous = {sync}"))?;
        conn.set_prepared_statement_cache_capacity(32);
        Ok(Self { conn, agent: agent.to_owned(), keys: Keys::new() })
    }

    /// Updates one row, which is what a heartbeat comes to.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn beat(&mut self) -> Outcome<()> {
        // SQLite writes nothing when nothing changes, so the time is finer than two calls are apart.
        let now = i64::try_from(super::os::monotonic_ns())?;
        self.within(|conn, agent, _| {
            conn.prepare_cached(BEAT)?.execute(params![agent, now])?;
            Ok(())
        })
    }

    /// Its connection, for calls that share a transaction.
    pub(super) fn into_connection(self) -> Connection {
        self.conn
    }

    fn within<T>(&mut self, act: impl FnOnce(&Connection, &str, String) -> rusqlite::Result<T>) -> Outcome<T> {
        let key = self.keys.next();
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let acted = act(&self.conn, &self.agent, key);
        let end = if acted.is_ok() { "COMMIT" } else { "ROLLBACK" };
        self.conn.prepare_cached(end)?.execute([])?;
        Ok(acted?)
    }
}

impl Contestant for Floor {
    type Task = FloorTask;

    fn claim(&mut self) -> Outcome<FloorTask> {
        self.within(|conn, agent, key| claim_rows(conn, agent, &key).map(|(task, _)| task))
    }

    fn done(&mut self, task: FloorTask) -> Outcome<()> {
        self.within(|conn, agent, key| done_rows(conn, agent, &key, &task).map(drop))
    }
}

/// The rows of a claim, inside a transaction that has begun; the task and the reply.
pub(super) fn claim_rows(conn: &Connection, agent: &str, key: &str) -> rusqlite::Result<(FloorTask, String)> {
    let now = now_ms();
    let (seq, id, title): (i64, String, String) =
        conn.prepare_cached(PICK)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let data = format!(r#"{{"id":"{id}","ttl_ms":{TTL_MS},"attempt":1}}"#);
    conn.prepare_cached(LOG)?.execute(params![now, "task_claimed", agent, id, data])?;
    let token = conn.last_insert_rowid();
    conn.prepare_cached(TAKE)?.execute(params![seq, now])?;
    conn.prepare_cached(LEASE)?.execute(params![seq, agent, token, now + TTL_MS])?;
    let reply = format!(
        r#"{{"task":{{"seq":{seq},"id":"{id}","title":"{title}","state":"claimed"}},"lease":{{"token":{token},"ttl_ms":{TTL_MS}}}}}"#
    );
    conn.prepare_cached(REMEMBER)?.execute(params![key, now, reply])?;
    Ok((FloorTask { seq, id, token }, reply))
}

/// The rows of a completion, inside a transaction that has begun; the reply.
pub(super) fn done_rows(conn: &Connection, agent: &str, key: &str, task: &FloorTask) -> rusqlite::Result<String> {
    let (now, id) = (now_ms(), &task.id);
    if conn.prepare_cached(END_LEASE)?.execute(params![task.seq, task.token])? != 1 {
        return Err(rusqlite::Error::StatementChangedRows(0));
    }
    let data = format!(r#"{{"id":"{id}","result":"{}"}}"#, super::ours::RESULT);
    conn.prepare_cached(LOG)?.execute(params![now, "task_done", agent, id, data])?;
    conn.prepare_cached(FINISH)?.execute(params![task.seq, super::ours::RESULT, now])?;
    let reply = format!(r#"{{"task":{{"id":"{id}","state":"done","result":"{}"}}}}"#, super::ours::RESULT);
    conn.prepare_cached(REMEMBER)?.execute(params![key, now, reply])?;
    Ok(reply)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_grants_each_task_once() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("floor.db");
        Floor::make(&file, &["ada".into(), "bob".into()], 4).expect("made");
        let mut ada = Floor::open(&file, "ada", Syncing::Off).expect("opens");
        let mut bob = Floor::open(&file, "bob", Syncing::Full).expect("opens");
        let mut ids = Vec::new();
        for _ in 0..2 {
            for floor in [&mut ada, &mut bob] {
                let task = floor.claim().expect("there are tasks");
                ids.push(task.id.clone());
                floor.done(task).expect("it is held");
            }
        }
        assert_eq!(ids, (0..4).map(super::super::ours::task_id).collect::<Vec<_>>());
        assert!(ada.claim().is_err());
        ada.beat().expect("a row of its own");
    }
}
