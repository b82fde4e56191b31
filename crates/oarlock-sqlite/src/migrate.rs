//! Schema versions: numbered files, applied in order, each in its own transaction.
//!
//! A cold command reads one number (`user_version`) and is done. A migration library would add a
//! table of its own and several queries to each of them, for a loop over a list here.

use oarlock_ops::store::{StoreError, StoreResult};
use rusqlite::Connection;

use crate::error::{damaged, store_error};

/// Every migration, oldest first; number N brings the schema to version N.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_shown.sql"),
    include_str!("../migrations/0003_news.sql"),
    include_str!("../migrations/0004_grant_reserve.sql"),
    include_str!("../migrations/0005_setbacks.sql"),
    include_str!("../migrations/0006_identity.sql"),
    include_str!("../migrations/0007_files.sql"),
    include_str!("../migrations/0008_graph.sql"),
    include_str!("../migrations/0009_live_agents.sql"),
    include_str!("../migrations/0010_near.sql"),
    include_str!("../migrations/0011_senders.sql"),
    include_str!("../migrations/0012_outside.sql"),
    include_str!("../migrations/0013_intents.sql"),
    include_str!("../migrations/0014_landing.sql"),
    include_str!("../migrations/0015_proposals.sql"),
];

/// "OARL", so that the file shows what it is (see the `file` command and SQLite's application_id).
const APPLICATION_ID: i32 = 0x4F41_524C;

/// The newest version this program knows.
pub(crate) fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// The schema version of an open file.
pub(crate) fn version(conn: &Connection) -> StoreResult<i32> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(store_error)
}

/// An empty store in memory as the first `version` migrations make it.
pub(crate) fn at_version(version: i32) -> StoreResult<Connection> {
    let conn = Connection::open_in_memory().map_err(store_error)?;
    for sql in MIGRATIONS.iter().take(usize::try_from(version).unwrap_or(0)) {
        conn.execute_batch(sql).map_err(store_error)?;
    }
    conn.execute_batch(&format!("PRAGMA user_version = {version}")).map_err(store_error)?;
    Ok(conn)
}

/// Refuses files that are not Oarlock's or come from a newer program; says whether migrations are missing.
pub(crate) fn is_behind(conn: &Connection) -> StoreResult<bool> {
    let version = version(conn)?;
    if version > newest() {
        return Err(StoreError::Damaged {
            message: format!("the store has schema version {version}, this program knows up to {}", newest()),
            hint: "it was written by a newer Oarlock: use that one, or a backup".into(),
        });
    }
    Ok(version < newest())
}

/// Refuses an SQLite file of another program.
pub(crate) fn check_application(conn: &Connection) -> StoreResult<()> {
    let id: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(store_error)?;
    if id == APPLICATION_ID {
        return Ok(());
    }
    let pages: i64 = conn.query_row("PRAGMA page_count", [], |row| row.get(0)).map_err(store_error)?;
    if pages == 0 {
        return Err(damaged("its file is empty or was cut off"));
    }
    Err(StoreError::Damaged {
        message: "the file is an SQLite database of another program".into(),
        hint: "pass the place of an Oarlock store with --store sqlite:PATH".into(),
    })
}

/// Brings the schema up to date.
pub(crate) fn migrate(conn: &Connection) -> StoreResult<()> {
    conn.execute_batch("BEGIN IMMEDIATE").map_err(store_error)?;
    let migrated = apply_missing(conn);
    let end = if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" };
    conn.execute_batch(end).map_err(store_error)?;
    migrated
}

fn apply_missing(conn: &Connection) -> StoreResult<()> {
    // Read again inside the transaction: another process may have been faster.
    let done = usize::try_from(version(conn)?).unwrap_or(0);
    for sql in MIGRATIONS.iter().skip(done) {
        conn.execute_batch(sql).map_err(store_error)?;
    }
    conn.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}", newest())).map_err(store_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_stays_read_and_what_asks_for_an_ack_is_urgent() {
        let conn = at_version(1).expect("it was shipped");
        conn.execute_batch(
            "INSERT INTO agents VALUES ('ada', 'ada.1', NULL, '[]', NULL, 1, NULL, NULL, '{}', '', NULL, NULL, 1, 1, 1, 1, NULL, NULL, 4);
             INSERT INTO messages VALUES (3, 'M-3', 'bob', NULL, 'x', 1, NULL, 0), (4, 'M-4', 'bob.tests.x', NULL, 'x', 1, NULL, 1),
               (5, 'M-5', 'bob', NULL, 'x', 1, NULL, 1), (6, 'M-6', 'cy', NULL, 'x', 1, NULL, 0);
             INSERT INTO events VALUES (3, 1, 1, 'message_sent', 'bob', 'bob.2', NULL, '', '{}'), (4, 1, 1, 'message_sent', 'bob', 'bob.2', NULL, '', '{}'),
               (5, 1, 1, 'message_sent', 'bob', 'bob.2', NULL, '', '{}'), (6, 1, 1, 'message_sent', 'bob', NULL, NULL, '', '{}');
             INSERT INTO deliveries VALUES ('ada', 3, 1), ('ada', 4, 0), ('ada', 5, 0), ('ada', 6, 0);",
        )
        .expect("rows of that version");
        migrate(&conn).expect("it is brought up to date");
        let mut rows = conn.prepare("SELECT message, shown, urgent, sender FROM deliveries ORDER BY message").expect("the new columns");
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).expect("rows");
        let rows: Vec<(i64, bool, bool, String)> = rows.collect::<Result<_, _>>().expect("rows");
        // A helper's messages are those of its agent, as far as a page is concerned.
        let row = |message, shown, urgent, sender: &str| (message, shown, urgent, sender.to_owned());
        assert_eq!(rows, [row(3, true, false, "bob"), row(4, true, true, "bob"), row(5, false, true, "bob"), row(6, false, true, "cy")]);
    }
}
