//! The identity of the store, in the one row of `meta`.

use oarlock_model::StoreIdentity;
use oarlock_model::event::NewIdentity;
use rusqlite::{Connection, params};

use super::{Sql, change_one, int, prepared, uint};
use crate::error::bad_row;

const SELECT: &str = "SELECT identity, base, untagged_to FROM meta WHERE id = 1";
const UPDATE: &str = "UPDATE meta SET identity = ?1, base = ?2, untagged_to = 0 WHERE id = 1";
const SELECT_ORIGIN: &str = "SELECT origin FROM meta WHERE id = 1";
const UPDATE_ORIGIN: &str = "UPDATE meta SET origin = ?1 WHERE id = 1";
const SELECT_BASE: &str = "SELECT base FROM meta WHERE id = 1";
const INSERT: &str = "INSERT INTO meta (id, prefix, created_at, identity, base, origin, is_derived) VALUES (1, ?1, ?2, ?3, ?4, ?4, 1)";

/// Writes the row of a new store.
pub(crate) fn insert(conn: &Connection, prefix: &str, created_at: i64, identity: &StoreIdentity) -> Sql<()> {
    change_one(conn, "a new store", INSERT, params![prefix, created_at, identity.id().to_string(), int(identity.base())])
}

/// The identity in the store.
pub(crate) fn identity(conn: &Connection) -> Sql<StoreIdentity> {
    prepared(conn, SELECT)?.query_row([], |row| {
        let id = row.get_ref(0)?.as_str()?.parse().map_err(|error| bad_row("identity", error))?;
        Ok(StoreIdentity::new(id, uint(row, 1)?, uint(row, 2)?))
    })
}

/// A new identity begins.
pub(crate) fn begin(conn: &Connection, new: &NewIdentity) -> Sql<()> {
    change_one(conn, "the identity of the store", UPDATE, params![new.id.to_string(), int(new.base)])
}

/// The number before that of the identity's first event.
pub(crate) fn base(conn: &Connection) -> Sql<u64> {
    prepared(conn, SELECT_BASE)?.query_row([], |row| uint(row, 0))
}

/// The number before that of the log's first event.
pub(crate) fn origin(conn: &Connection) -> Sql<u64> {
    prepared(conn, SELECT_ORIGIN)?.query_row([], |row| uint(row, 0))
}

/// The log begins after this number: it came from elsewhere.
pub(crate) fn set_origin(conn: &Connection, seq: u64) -> Sql<()> {
    change_one(conn, "the beginning of the log", UPDATE_ORIGIN, [int(seq)])
}
