//! Whether the schema in a file is the one that the migrations make: a table, index, view or trigger more could make any statement do
//! anything, and a repository or a backup can bring such a file.
//!
//! The schema of the newest version is in `migrations/schema.txt`, so that a one-shot command compares texts and is done; a test says
//! when it has to be written again. What differs from it, and every older version, is compared with what the migrations make in memory.

use oarlock_model::seeded;
use oarlock_ops::store::{StoreError, StoreResult};
use rusqlite::Connection;
use std::collections::BTreeSet;

use crate::error::store_error;
use crate::migrate;
use crate::rows;

/// Everything that the newest schema has, in the order in which it was made.
const NEWEST: &str = include_str!("../migrations/schema.txt");

/// The beginning of each object in that file.
const MARK: &str = "-- object ";

/// Names that a message has at most.
const NAMES_MAX: usize = 5;

const SELECT: &str = "SELECT type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY rowid";

/// One row of `sqlite_schema`.
type Object = (String, String, String, Option<String>);

/// Refuses a file whose schema is not that of its version. A newer version than is known is for [`migrate::is_behind`] to refuse.
///
/// # Errors
/// `data_damaged` that names additions, omissions and differences.
pub(crate) fn check(conn: &Connection) -> StoreResult<()> {
    if seeded::is(seeded::EXTRA_SCHEMA_ACCEPTED) || is_newest(conn)? {
        return Ok(());
    }
    let version = migrate::version(conn)?;
    if version > migrate::newest() {
        return Ok(());
    }
    let (found, wanted) = (objects(conn)?, objects(&migrate::at_version(version)?)?);
    let name = |object: &&Object| format!("{} {}", object.0, oarlock_model::ident::shown(&object.1));
    let names = |of: Vec<String>| {
        let more = of.len().saturating_sub(NAMES_MAX);
        let shown = of.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{shown} and {more} more") } else { shown }
    };
    let more: Vec<String> = found.difference(&wanted).collect::<Vec<_>>().iter().map(name).collect();
    let less: Vec<String> = wanted.difference(&found).collect::<Vec<_>>().iter().map(name).collect();
    let what = match (more.is_empty(), less.is_empty()) {
        (true, true) => return Ok(()),
        (false, _) => format!("its schema has objects that Oarlock does not create: {}", names(more)),
        (true, false) => format!("its schema lacks {}", names(less)),
    };
    Err(StoreError::Damaged {
        message: format!("the store is damaged: {what}"),
        hint: "`oarlock doctor --fix` rebuilds it from its log; where did the file come from? `oarlock restore F` takes a backup".into(),
    })
}

/// Whether it is the newest schema, to the letter.
fn is_newest(conn: &Connection) -> StoreResult<bool> {
    let mut expected = NEWEST.split(MARK).skip(1);
    let mut query = conn.prepare(SELECT).map_err(store_error)?;
    let mut rows = query.query([]).map_err(store_error)?;
    while let Some(row) = rows.next().map_err(store_error)? {
        let Some((head, sql)) = expected.next().and_then(|object| object.split_once('\n')) else { return Ok(false) };
        let mut head = head.split(' ');
        let text = |n: usize| row.get_ref(n).ok().and_then(|value| value.as_str_or_null().ok()).flatten().unwrap_or_default().to_owned();
        let is_same = (0..3).all(|n| head.next() == Some(&*text(n)));
        if !is_same || sql.strip_suffix('\n') != Some(&*text(3)) {
            return Ok(false);
        }
    }
    Ok(expected.next().is_none())
}

fn objects(conn: &Connection) -> StoreResult<BTreeSet<Object>> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let all = rows::all(conn, SELECT, [], read).map_err(store_error)?;
    Ok(all.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest() -> Connection {
        migrate::at_version(migrate::newest()).expect("the migrations fit")
    }

    #[test]
    fn the_file_has_the_schema_that_the_migrations_make() {
        let conn = newest();
        let mut query = conn.prepare(SELECT).expect("a query");
        let text = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
            let sql: Option<String> = row.get(3)?;
            let (kind, name, table): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(format!("{MARK}{kind} {name} {table}\n{}\n", sql.unwrap_or_default()))
        };
        let made: String = query.query_map([], text).expect("rows").map(|row| row.expect("text")).collect();
        // After a new migration: UPDATE_EXPECT=1 cargo test -p oarlock-sqlite schema
        expect_test::expect_file!["../migrations/schema.txt"].assert_eq(&made);
        // The written row is read when this is built again.
        assert!(NEWEST != made || is_newest(&conn).expect("it is read"), "the short way is taken");
    }

    #[test]
    fn what_is_more_or_less_is_named() {
        for (sql, name) in [
            ("CREATE TABLE songs (title TEXT)", "table songs"),
            ("CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n", "view v"),
            ("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM tasks; END", "trigger t"),
            ("CREATE INDEX i ON tasks (title)", "index i"),
            ("ALTER TABLE tasks ADD COLUMN bill TEXT AS (hex(zeroblob(1000000)))", "table tasks"),
            ("DROP INDEX tasks_ready", "index tasks_ready"),
        ] {
            let conn = newest();
            conn.execute_batch(sql).expect(sql);
            let error = check(&conn).expect_err(sql).to_string();
            assert!(error.contains(name), "{sql}: {error}");
        }
    }

    #[test]
    fn an_older_schema_is_compared_with_its_own_version() {
        for version in 1..migrate::newest() {
            let conn = migrate::at_version(version).expect("the migrations fit");
            check(&conn).expect("it is as it was made");
            conn.execute_batch("CREATE VIEW v AS SELECT 1").expect("a view");
            assert!(check(&conn).is_err(), "version {version}");
        }
    }
}
