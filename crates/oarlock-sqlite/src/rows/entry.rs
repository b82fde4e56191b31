//! State entries.

use oarlock_model::state::Entry;
use oarlock_model::{AgentName, StateKey, WallTime};
use oarlock_ops::store::EntryPage;
use rusqlite::{Connection, Row, params};

use super::{Sql, all, change_one, first, id, id_or, int, json_or, uint, within};

const GET: &str = "SELECT key, value, version, updated_at, updated_by FROM entries WHERE key = ?1";
const LIST: &str = "SELECT key, value, version, updated_at, updated_by FROM entries ORDER BY key";
/// Keys are ASCII: none that begins with the prefix comes after it and the last character there is.
const LIST_PREFIX: &str = "
SELECT key, value, version, updated_at, updated_by FROM entries
WHERE value IS NOT NULL AND key >= ?2 AND key < ?1 || char(1114111) AND substr(key, 1, length(?1)) = ?1 AND key IS NOT ?3
ORDER BY key LIMIT ?4";
const PUT: &str = "
INSERT INTO entries (key, value, version, updated_at, updated_by) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, updated_at = excluded.updated_at, updated_by = excluded.updated_by
WHERE excluded.version > version";

fn map(row: &Row<'_>) -> Sql<Entry> {
    Ok(Entry {
        key: id(row, 0)?,
        value: json_or(row, 1)?,
        version: uint(row, 2)?,
        updated_at: WallTime(row.get(3)?),
        updated_by: id_or(row, 4)?,
    })
}

pub(crate) fn get(conn: &Connection, key: &StateKey) -> Sql<Option<Entry>> {
    first(conn, GET, [key.as_str()], map)
}

/// All entries, deleted ones included.
pub(crate) fn list(conn: &Connection) -> Sql<Vec<Entry>> {
    all(conn, LIST, [], map)
}

/// Entries with a value, by key.
pub(crate) fn with_prefix(conn: &Connection, prefix: &str, page: &EntryPage<'_>) -> Sql<Vec<Entry>> {
    let after = page.after.map(StateKey::as_str);
    let from = after.filter(|after| *after > prefix).unwrap_or(prefix);
    within(conn, LIST_PREFIX, params![prefix, from, after, int(page.limit as u64)], page.bytes_max, |row| {
        let bytes = row.get_ref(1)?.as_str_or_null()?.map_or(0, str::len);
        Ok((map(row)?, bytes))
    })
}

pub(crate) fn put(conn: &Connection, key: &StateKey, value: Option<String>, version: u64, at: WallTime, by: Option<&AgentName>) -> Sql<()> {
    change_one(conn, "a rising version of a state entry", PUT, params![key.as_str(), value, int(version), at.0, by.map(AgentName::as_str)])
}
