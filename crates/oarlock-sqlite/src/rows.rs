//! SQL and row mapping, one module for each noun. Functions take a connection and plain values.

pub(crate) mod agent;
pub(crate) mod entry;
pub(crate) mod event;
pub(crate) mod graph;
pub(crate) mod inbox;
pub(crate) mod landing;
pub(crate) mod lease;
pub(crate) mod message;
pub(crate) mod meta;
pub(crate) mod offer;
pub(crate) mod outside;
pub(crate) mod proposal;
pub(crate) mod queue;
pub(crate) mod reply;
pub(crate) mod reservation;
pub(crate) mod task;
pub(crate) mod whole;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::bad_row;

/// The result of SQL.
pub(crate) type Sql<T> = rusqlite::Result<T>;

/// A statement that is about to be run.
pub(crate) fn prepared<'c>(conn: &'c Connection, sql: &str) -> Sql<CachedStatement<'c>> {
    #[cfg(test)]
    crate::statements::note();
    conn.prepare_cached(sql)
}

/// All rows of a query.
pub(crate) fn all<T>(conn: &Connection, sql: &str, params: impl Params, map: impl FnMut(&Row<'_>) -> Sql<T>) -> Sql<Vec<T>> {
    prepared(conn, sql)?.query_map(params, map)?.collect()
}

/// The rows of a query, no more once they have `bytes_max` bytes; the first always comes. The rest is not read.
pub(crate) fn within<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    bytes_max: usize,
    mut map: impl FnMut(&Row<'_>) -> Sql<(T, usize)>,
) -> Sql<Vec<T>> {
    let mut statement = prepared(conn, sql)?;
    let mut rows = statement.query(params)?;
    let (mut items, mut bytes) = (Vec::new(), 0_usize);
    while let Some(row) = rows.next()? {
        let (item, more) = map(row)?;
        bytes = bytes.saturating_add(more);
        if bytes > bytes_max && !items.is_empty() {
            break;
        }
        items.push(item);
    }
    Ok(items)
}

/// The rows of a statement for many things, which it gets as a list in JSON: a thousand of them at a time.
pub(crate) fn of_all<T, V: Serialize>(conn: &Connection, sql: &str, things: &[V], map: impl Fn(&Row<'_>) -> Sql<T>) -> Sql<Vec<T>> {
    let mut found = Vec::new();
    for some in things.chunks(1_000) {
        found.append(&mut all(conn, sql, [to_json(&some)?], &map)?);
    }
    Ok(found)
}

/// The first row of a query, if there is one.
pub(crate) fn first<T>(conn: &Connection, sql: &str, params: impl Params, map: impl FnOnce(&Row<'_>) -> Sql<T>) -> Sql<Option<T>> {
    prepared(conn, sql)?.query_row(params, map).optional()
}

/// Runs a statement that must change exactly one row: anything else means that the log and the
/// tables do not fit together.
pub(crate) fn change_one(conn: &Connection, what: &'static str, sql: &str, params: impl Params) -> Sql<()> {
    match prepared(conn, sql)?.execute(params)? {
        1 => Ok(()),
        n => Err(bad_row(what, format!("{n} rows instead of one"))),
    }
}

/// Runs a statement that may change any number of rows.
pub(crate) fn change(conn: &Connection, sql: &str, params: impl Params) -> Sql<usize> {
    prepared(conn, sql)?.execute(params)
}

/// The number of rows that a counting query says.
pub(crate) fn count(conn: &Connection, sql: &str, params: impl Params) -> Sql<usize> {
    let counted: i64 = prepared(conn, sql)?.query_row(params, |row| row.get(0))?;
    usize::try_from(counted).map_err(|_| bad_row("number", counted))
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Sql<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A column of JSON text.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Sql<T> {
    let text = row.get_ref(index)?.as_str()?;
    serde_json::from_str(text).map_err(|error| bad_row("JSON", error))
}

/// A column of JSON text that may be absent.
pub(crate) fn json_or<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Sql<Option<T>> {
    match row.get_ref(index)?.as_str_or_null()? {
        Some(text) => serde_json::from_str(text).map(Some).map_err(|error| bad_row("JSON", error)),
        None => Ok(None),
    }
}

/// A column with an identifier.
pub(crate) fn id<T: std::str::FromStr<Err = oarlock_model::Rejection>>(row: &Row<'_>, index: usize) -> Sql<T> {
    row.get_ref(index)?.as_str()?.parse().map_err(|error| bad_row("identifier", error))
}

/// A column with an identifier that may be absent.
pub(crate) fn id_or<T: std::str::FromStr<Err = oarlock_model::Rejection>>(row: &Row<'_>, index: usize) -> Sql<Option<T>> {
    match row.get_ref(index)?.as_str_or_null()? {
        Some(text) => text.parse().map(Some).map_err(|error| bad_row("identifier", error)),
        None => Ok(None),
    }
}

/// The number of an event or task as SQLite keeps it: below 2^53, so it always fits.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative.
pub(crate) fn uint(row: &Row<'_>, index: usize) -> Sql<u64> {
    let number: i64 = row.get(index)?;
    u64::try_from(number).map_err(|_| bad_row("number", number))
}

/// A number that is never negative and may be absent.
pub(crate) fn uint_or(row: &Row<'_>, index: usize) -> Sql<Option<u64>> {
    let number: Option<i64> = row.get(index)?;
    number.map(|number| u64::try_from(number).map_err(|_| bad_row("number", number))).transpose()
}

/// A word of an enum that serde knows, for example `exclusive`.
pub(crate) fn word<T: Serialize>(value: &T) -> Sql<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        other => Err(rusqlite::Error::ToSqlConversionFailure(format!("not a word: {other:?}").into())),
    }
}

/// The enum of a word.
pub(crate) fn from_word<T: DeserializeOwned>(text: &str) -> Sql<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| bad_row("word", error))
}
