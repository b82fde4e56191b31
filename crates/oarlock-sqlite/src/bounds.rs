//! Limits on SQLite against a hostile database file (sqlite.org, "Defense Against The Dark Arts").
//!
//! The schema is compared before anything else is read ([`crate::schema`]); these settings hold for what that cannot see.

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::rows::Sql;

/// The longest value or row, in bytes: a document of 16 MiB, each byte escaped in JSON, and room for the rest.
const VALUE_BYTES_MAX: i32 = 256 << 20;

/// The longest statement, in bytes; all of them stand in this crate.
const SQL_BYTES_MAX: i32 = 1 << 20;

/// Databases that can be attached: the replay of `doctor`.
const ATTACHED_MAX: i32 = 1;

/// Steps of SQLite's machine after which it is asked whether it may go on; so seldom, asking costs nothing.
const STEPS_PER_QUESTION: i32 = 1_000_000;

/// Millions of steps in one transaction: half a minute of a processor, and far more than the largest store needs.
const CALL_MILLIONS_MAX: u64 = 2_000;

/// The same for what reads a whole store several times: `doctor`, `backup`, `restore`.
const ADMIN_MILLIONS_MAX: u64 = 50_000;

/// The remaining steps of a connection before its queries count as endless.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<AtomicU64>);

impl Budget {
    /// Begins again, with the next transaction.
    pub(crate) fn renew(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// From now on, each transaction of the connection has a budget of its own.
    pub(crate) fn of_calls(conn: &mut Connection) -> Sql<Self> {
        Self::install(conn, CALL_MILLIONS_MAX)
    }

    fn install(conn: &mut Connection, millions_max: u64) -> Sql<Self> {
        let used = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&used);
        conn.progress_handler(STEPS_PER_QUESTION, Some(move || counter.fetch_add(1, Ordering::Relaxed) >= millions_max))?;
        Ok(Self(used))
    }
}

/// Sets what holds for every connection.
pub(crate) fn set(conn: &mut Connection) -> Sql<()> {
    use DbConfig::{
        SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_TRUSTED_SCHEMA,
    };
    for (setting, is_on) in [
        (SQLITE_DBCONFIG_DEFENSIVE, true),
        (SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        // No migration makes either.
        (SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        conn.set_db_config(setting, is_on)?;
    }
    for (limit, max) in [
        (Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX),
        (Limit::SQLITE_LIMIT_ATTACHED, ATTACHED_MAX),
    ] {
        conn.set_limit(limit, max)?;
    }
    // A page whose cells reach out of it is found when it is read.
    conn.execute_batch("PRAGMA cell_size_check = ON")?;
    Budget::install(conn, ADMIN_MILLIONS_MAX).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::store_error;
    use oarlock_ops::store::StoreError;

    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

    fn conn() -> Connection {
        let mut conn = Connection::open_in_memory().expect("memory");
        set(&mut conn).expect("settings");
        conn
    }

    #[test]
    fn an_endless_query_ends_and_the_next_one_has_a_budget_of_its_own() {
        let mut conn = conn();
        let budget = Budget::install(&mut conn, 3).expect("installed");
        let endless = || conn.query_row(ENDLESS, [], |row| row.get::<_, i64>(0)).map_err(store_error);
        assert!(matches!(endless(), Err(StoreError::Damaged { .. })));
        budget.renew();
        let short = ENDLESS.replace("FROM n)", "FROM n WHERE i < 200000)");
        assert_eq!(conn.query_row(&short, [], |row| row.get::<_, i64>(0)).expect("it ends"), 200_000);
    }

    #[test]
    fn views_and_triggers_do_nothing() {
        let conn = conn();
        conn.execute_batch("CREATE TABLE t (a); CREATE VIEW v AS SELECT 1; CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t; END")
            .expect("a schema");
        assert!(conn.query_row("SELECT * FROM v", [], |_| Ok(())).is_err());
        conn.execute("INSERT INTO t VALUES (1)", []).expect("a row");
        assert_eq!(conn.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).expect("a number"), 1);
        assert!(conn.execute_batch("SELECT hex(zeroblob(400000000))").is_err(), "values have a limit");
    }
}
