//! Our side: stores made and filled for measuring, and an agent that uses them in process as a door would.

use std::fs;
use std::path::{Path, PathBuf};

use oarlock_model::duration::Duration;
use oarlock_model::event::{Fact, TaskAdded, TaskClaimed, TaskDone};
use oarlock_model::task::{Resting, TaskSpec};
use oarlock_model::{AgentName, SessionId, TaskId, Token, limits};
use oarlock_ops::OpError;
use oarlock_ops::agent::{Heartbeat, Join};
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::lock::Lock;
use oarlock_ops::request::{Mutation, Query};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Durability, NewEvent, Store, StoreResult};
use oarlock_ops::task::{Add, Claim, Done};
use oarlock_sqlite::{STORE_FILE, SqliteStore, StorePaths};
use rusqlite::Connection;

use super::side::{Contestant, Keys, Syncing};
use crate::output::Outcome;

/// The result of a task in a bench.
pub(super) const RESULT: &str = "parser written, 12 tests";

/// The id of the task with this number.
pub(super) fn task_id(n: usize) -> String {
    format!("T-{}", n + 1)
}

/// The title of the task with this number.
pub(super) fn task_title(n: usize) -> String {
    format!("part {n}: move the reading of headers into a module of its own")
}

/// The content of a store for measuring.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    /// Agents that have joined.
    pub(super) agents: Vec<String>,
    /// How many tasks there are.
    pub(super) tasks: usize,
    /// Whether every second task is done already, by the first agent, as in a store that has been in use.
    pub(super) half_done: bool,
}

impl Content {
    /// Agents `a0`, `a1`, … and ready tasks.
    pub(super) fn new(agents: usize, tasks: usize) -> Self {
        Self { agents: agent_names(agents), tasks, half_done: false }
    }
}

/// The names of this many agents.
pub(super) fn agent_names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("a{n}")).collect()
}

/// Makes a store in the project at `root` and returns its file. Tasks go in by one transaction, as events.
///
/// # Errors
/// Those of the store.
pub(super) fn make(root: &Path, content: &Content) -> Outcome<PathBuf> {
    let dir = root.join(".oarlock");
    fs::create_dir_all(&dir)?;
    let file = dir.join(STORE_FILE);
    let (mut store, _) = SqliteStore::create(&StorePaths::of_file(&file), "T", Syncing::Off.options())?;
    let mut first = None;
    for agent in &content.agents {
        let join = Join { name: Some(AgentName::parse(agent)?), ..Join::default() };
        let reply = call::mutate(&mut store, &Caller::default(), &Settings::default(), &join)?;
        first.get_or_insert((AgentName::parse(agent)?, reply.session));
    }
    if content.tasks > 0 {
        fill(&mut store, content, first.as_ref())?;
    }
    drop(store);
    settle(&file)?;
    Ok(file)
}

fn fill(store: &mut SqliteStore, content: &Content, first: Option<&(AgentName, SessionId)>) -> Outcome<()> {
    let mut tx = store.begin(&[Lock::Everything], Durability::Full)?;
    let now = tx.view().now();
    let mut append = |who: Option<&(AgentName, SessionId)>, make: &dyn Fn(u64) -> Fact| -> StoreResult<()> {
        let seq = tx.next_seq();
        let (agent, session) = who.cloned().unzip();
        tx.append(NewEvent { at: now.wall, store_at: now.store, agent, session, fact: make(seq) }).map(drop)
    };
    for n in 0..content.tasks {
        let id = TaskId::parse(&task_id(n))?;
        let spec = TaskSpec::new(task_title(n));
        let resting = Resting::Ready { ready_at: now.store };
        append(None, &|_| {
            TaskAdded { id: id.clone(), spec: spec.clone(), needs: Default::default(), effective_priority: None, resting }.into()
        })?;
        if content.half_done && n % 2 == 1 && first.is_some() {
            let token = std::cell::Cell::new(Token(0));
            append(first, &|seq| {
                token.set(Token(seq));
                TaskClaimed {
                    id: id.clone(),
                    token: token.get(),
                    ttl_ms: limits::LEASE_TTL_MS_DEFAULT,
                    attempt: 1,
                    reserve: false,
                    after: None,
                }
                .into()
            })?;
            let (artifacts, unblocked) = (Vec::new(), Vec::new());
            let done =
                TaskDone { id, token: Some(token.get()), result: Some(RESULT.into()), artifacts, unblocked, unmet_needs: Vec::new() };
            append(first, &|_| done.clone().into())?;
        }
    }
    Ok(tx.commit()?)
}

/// Moves the whole write-ahead log into the database, so that every measurement starts from the same state.
///
/// # Errors
/// SQLite's.
pub(super) fn settle(file: &Path) -> Outcome<()> {
    let conn = Connection::open(file)?;
    conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    // Without this, the last connection would delete the log that a store in use has.
    conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(())
}

/// One agent of ours, in process.
pub(super) struct Ours {
    store: SqliteStore,
    caller: Caller,
    settings: Settings,
    keys: Keys,
}

impl Ours {
    /// Opens a store as an agent that has joined.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn open(file: &Path, agent: &str, sync: Syncing) -> Outcome<Self> {
        let store = SqliteStore::open(&StorePaths::of_file(file), sync.options())?;
        Ok(Self { store, caller: Caller::named(AgentName::parse(agent)?), settings: Settings::default(), keys: Keys::new() })
    }

    /// Runs a mutation without an idempotency key.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub(super) fn order<M: Mutation>(&mut self, request: &M) -> Result<M::Reply, OpError> {
        self.caller.key = None;
        call::mutate(&mut self.store, &self.caller, &self.settings, request)
    }

    /// Runs a query.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub(super) fn ask<Q: Query>(&mut self, request: &Q) -> Result<Q::Reply, OpError> {
        call::query(&mut self.store, &self.caller, &self.settings, request)
    }

    /// Claims `count` tasks in one call and returns how many it got.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub(super) fn claim_many(&mut self, count: usize) -> Outcome<usize> {
        Ok(self.once(&Claim { count: Some(count), ..Claim::default() })?.into_claims().len())
    }

    /// Claims a task, waiting for it, without an idempotency key.
    ///
    /// # Errors
    /// Refusals (`timed_out` among them) and store errors.
    pub(super) fn claim_waiting(&mut self, for_ms: i64) -> Result<Option<TaskId>, OpError> {
        let reply = self.order(&Claim { wait: Some(Duration::from_ms(for_ms)), ..Claim::default() })?;
        Ok(reply.into_claims().pop().map(|claimed| claimed.task.id))
    }

    /// Adds a task that nobody gets: with everything done, a claim would not wait.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub(super) fn keep_open(&mut self) -> Outcome<()> {
        let far = Duration::from_ms(limits::DURATION_MS_MAX);
        let fields = oarlock_ops::task::TaskFields { not_before: Some(far), ..Default::default() };
        self.order(&Add { title: "keeps the work open".into(), fields, ..Add::default() })?;
        Ok(())
    }

    /// Sends a heartbeat that says something new: SQLite writes nothing when nothing changes.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub(super) fn beat(&mut self) -> Outcome<()> {
        let action = Some(format!("at {}", super::os::monotonic_ns()));
        self.order(&Heartbeat { status: None, action })?;
        Ok(())
    }

    /// With an idempotency key that was never used.
    fn once<M: Mutation>(&mut self, request: &M) -> Result<M::Reply, OpError> {
        self.caller.key = Some(self.keys.next());
        call::mutate(&mut self.store, &self.caller, &self.settings, request)
    }
}

impl Contestant for Ours {
    type Task = TaskId;

    fn claim(&mut self) -> Outcome<TaskId> {
        let mut claims = self.once(&Claim::default())?.into_claims();
        let claimed = claims.pop().ok_or("a claim without a task")?;
        Ok(claimed.task.id)
    }

    fn done(&mut self, task: TaskId) -> Outcome<()> {
        self.once(&done_request(task))?;
        Ok(())
    }
}

/// The request that completes a task.
pub(super) fn done_request(id: TaskId) -> Done {
    Done { result: Some(RESULT.into()), ..Done::of(id) }
}

#[cfg(test)]
mod tests {
    use oarlock_ops::log::Status;

    use super::*;

    #[test]
    fn a_filled_store_is_one_that_operations_work_on() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let content = Content { half_done: true, ..Content::new(2, 10) };
        let file = make(dir.path(), &content).expect("made");
        let mut ours = Ours::open(&file, "a1", Syncing::Off).expect("opens");
        let counts = ours.ask(&Status {}).expect("answers").tasks;
        assert_eq!((counts["ready"], counts["done"], counts["claimed"]), (5, 5, 0));
        let task = ours.claim().expect("five are ready");
        assert_eq!(task.as_str(), task_id(0));
        ours.done(task).expect("it is held");
        assert_eq!(ours.claim_many(10).expect("four are ready"), 4);
        assert!(ours.claim().is_err());
        ours.beat().expect("it has joined");
    }
}
