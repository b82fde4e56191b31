//! A store in a directory that goes away, under a clock that goes when it is asked to.

use oarlock_model::ErrorCode;
use std::path::PathBuf;
use std::sync::Arc;

use oarlock_host::clock::ManualClock;
use oarlock_model::event::Event;
use oarlock_model::state::State;
use oarlock_ops::OpError;
use oarlock_ops::store::{EventFilter, Store, StoreError};
use oarlock_sqlite::{Births, Options, SqliteAdministration, SqliteStore, StorePaths, Synchronous};
use oarlock_testkit::memory::replay;
use oarlock_testkit::say;
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// A directory with room for a store.
pub(crate) struct Home {
    dir: TempDir,
    pub(crate) clock: ManualClock,
}

impl Home {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary directory"), clock: ManualClock::new() }
    }

    /// One with a new store.
    pub(crate) fn new() -> Self {
        let home = Self::empty();
        SqliteStore::create(&home.place(), "T", home.options()).expect("an empty directory");
        home
    }

    /// One with a store in which something has happened: every table has a row.
    pub(crate) fn lived_in() -> Self {
        let home = Self::new();
        let mut store = home.open();
        for line in [
            "ada: join --role planner --can rust",
            "bob: join",
            "-: add one --id A --body text --writes src/**",
            "-: add two --id B --needs A",
            "-: add three --id C --max-attempts 9",
            "ada: claim A --reserve",
            "bob: claim C",
            "bob: fail C --reason broken",
            "bob: send ada --text hello --ack",
            "ada: ack M-10",
            "ada: state-set build/last '{\"ok\":true}'",
            "ada: reserve docs/** --key k",
            "-: add part --id A1 --parent B",
        ] {
            ok(&mut store, line);
        }
        home
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join("oarlock.db")
    }

    pub(crate) fn place(&self) -> StorePaths {
        StorePaths::of_file(self.file())
    }

    /// A path beside the store.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn options(&self) -> Options {
        Options { clock: Arc::new(self.clock.clone()), synchronous: Synchronous::Off, births: Births::Fixed(0), ..Options::default() }
    }

    pub(crate) fn try_open(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.place(), self.options())
    }

    pub(crate) fn open(&self) -> SqliteStore {
        self.try_open().expect("the store can be opened")
    }

    pub(crate) fn admin(&self) -> SqliteAdministration {
        SqliteAdministration::new(self.place(), self.options())
    }

    /// Moves all of the write-ahead log into the database, so that this file alone is the store.
    pub(crate) fn settle_file(&self) {
        self.tamper("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// The version of the schema that the file says it has.
    pub(crate) fn schema_version(&self) -> i32 {
        let conn = Connection::open(self.file()).expect("a database");
        conn.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a number")
    }

    /// Makes the file what the first version of the program would have made: its tables with their columns, and the same rows.
    pub(crate) fn turn_back_to_the_first_schema(&self) {
        self.settle_file();
        let new = self.beside("new.db");
        std::fs::rename(self.file(), &new).expect("a file");
        let conn = Connection::open(self.file()).expect("a new database");
        conn.execute_batch(include_str!("../../migrations/0001_initial.sql")).expect("the first schema");
        conn.execute("ATTACH ?1 AS new", [new.to_string_lossy()]).expect("a database");
        let texts = |sql: &str| -> Vec<String> {
            let mut query = conn.prepare(sql).expect("a query");
            query.query_map([], |row| row.get(0)).expect("rows").map(|text| text.expect("a text")).collect()
        };
        // A table that is gone since then had nothing in it that is kept here.
        for table in texts(
            "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name IN (SELECT name FROM new.sqlite_schema WHERE type = 'table')",
        ) {
            let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}', 'main')")).join(", ");
            // A column that is gone since then has nothing in it.
            let values = texts(&format!(
                "SELECT iif(name IN (SELECT name FROM pragma_table_info('{table}', 'new')), name, iif(type = 'TEXT', '''''', '0'))
                 FROM pragma_table_info('{table}', 'main')"
            ));
            let sql = format!("INSERT INTO main.{table} ({columns}) SELECT {} FROM new.{table}", values.join(", "));
            conn.execute_batch(&sql).expect("its rows");
        }
        // The first program wrote a priority for every part, and nothing of reservations into a claim.
        let log = "UPDATE main.events SET data = json_remove(data, '$.reserve') WHERE kind = 'task_claimed';
                   UPDATE main.events SET data = json_insert(data, '$.priority', 2) WHERE kind = 'task_added'";
        conn.execute_batch(log).expect("its log");
        let id: i64 = conn.query_row("PRAGMA new.application_id", [], |row| row.get(0)).expect("a number");
        conn.execute_batch(&format!("PRAGMA application_id = {id}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL")).expect("a header");
    }

    /// Changes the file behind the store's back.
    pub(crate) fn tamper(&self, sql: &str) {
        let conn = Connection::open(self.file()).expect("a database");
        conn.execute_batch(sql).expect(sql);
    }
}

/// Says a line that is accepted.
pub(crate) fn ok(store: &mut SqliteStore, line: &str) -> Value {
    say(store, line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Says a line that is refused with this code.
pub(crate) fn refused(store: &mut SqliteStore, line: &str, code: ErrorCode) {
    match say(store, line) {
        Ok(reply) => panic!("{line}: {reply}"),
        Err(error) => assert_eq!(error.code(), code, "{line}: {error}"),
    }
}

pub(crate) fn state(store: &mut SqliteStore) -> State {
    store.snapshot().expect("reads").state().expect("reads")
}

pub(crate) fn log(store: &mut SqliteStore) -> Vec<Event> {
    let all = EventFilter { limit: i64::MAX as usize, bytes_max: usize::MAX, ..EventFilter::default() };
    store.snapshot().expect("reads").events(&all).expect("reads")
}

/// The tables are what the specification makes of the log.
pub(crate) fn assert_replays(store: &mut SqliteStore) {
    let replayed = replay(&log(store)).expect("the log could have happened");
    assert_eq!(replayed.difference(&state(store)), None);
}

pub(crate) fn code_of<T: std::fmt::Debug>(outcome: Result<T, OpError>) -> ErrorCode {
    outcome.expect_err("refused").code()
}
