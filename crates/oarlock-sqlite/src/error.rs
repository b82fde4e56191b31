//! SQLite's errors in the words of the port.

use oarlock_ops::store::StoreError;
use rusqlite::ErrorCode;
use std::path::Path;

/// The meaning of an SQLite error for the caller.
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    let Some(code) = error.sqlite_error_code() else {
        return match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::QueryReturnedNoRows => damaged(&text),
            // The statement is in this crate and fits the schema: then the schema in the file is another.
            rusqlite::Error::SqlInputError { msg, .. } if tells_of_another_schema(&msg) => damaged(&msg),
            _ => StoreError::Internal(format!("SQLite: {text}")),
        };
    };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy("another process is writing".into()),
        ErrorCode::DiskFull => unavailable("the disk is full".into(), "make room and try again; nothing was changed"),
        ErrorCode::ReadOnly => {
            unavailable(format!("the store cannot be written: {text}"), "make the store's directory and files writable for this user")
        }
        ErrorCode::CannotOpen => unavailable(
            format!("the store cannot be opened: {text}"),
            "look at the permissions of its directory and whether files can be opened there",
        ),
        ErrorCode::SystemIoFailure => unavailable(format!("the disk failed: {text}"), "look at the disk; nothing was changed"),
        ErrorCode::OutOfMemory => unavailable("there is not enough memory".into(), "free some and try again"),
        ErrorCode::FileLockingProtocolFailed => unavailable(format!("locking failed: {text}"), "is the store on a local file system?"),
        // A constraint that fails means, as a row that is missing does, that log and tables do not fit together.
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation => damaged(&text),
        // Nothing but the budget of steps interrupts a query.
        ErrorCode::OperationInterrupted => damaged("a query over it does not come to an end"),
        _ if tells_of_another_schema(&text) => damaged(&text),
        _ => StoreError::Internal(format!("SQLite: {text}")),
    }
}

fn tells_of_another_schema(text: &str) -> bool {
    ["no such table", "no such column", "has no column named"].iter().any(|words| text.contains(words))
}

/// The store cannot be read.
pub(crate) fn damaged(what: &str) -> StoreError {
    StoreError::Damaged {
        message: format!("the store is damaged: {what}"),
        hint: "`oarlock doctor` says more, `oarlock doctor --fix` rebuilds it from its log; `oarlock restore F` takes a backup".into(),
    }
}

/// The store cannot be reached.
pub(crate) fn unavailable(message: String, hint: &str) -> StoreError {
    StoreError::Unavailable { message, hint: hint.into() }
}

/// The store is not there any more.
pub(crate) fn gone(message: String, hint: &str) -> StoreError {
    StoreError::Gone { message, hint: hint.into() }
}

/// An error of the operating system about a path.
pub(crate) fn io_error(doing: &str, path: &Path, error: &std::io::Error) -> StoreError {
    unavailable(
        format!("failed to {doing} {}: {error}", path.display()),
        "check that the folder exists, its permissions, the free space and the limit of open files",
    )
}

/// A value in a row that cannot be what it should be.
pub(crate) fn bad_row(what: &'static str, detail: impl std::fmt::Display) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, format!("{what}: {detail}").into())
}
