//! The codes that errors have at every door, and what each means to those who cannot read: an exit code, an HTTP status.

use std::fmt;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::schema::text_schema;

/// The kind of the error: programs decide on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// The command line is wrong.
    Usage,
    /// The request is invalid for every store.
    InvalidRequest,
    /// The verb acts for an agent, and none is named.
    IdentityRequired,
    /// The named task, agent, file or other thing does not exist.
    NotFound,
    /// Somebody else holds the task.
    LeaseHeld,
    /// The state entry has changed since it was read.
    VersionConflict,
    /// Another agent has reserved one of the paths.
    ReservationOverlap,
    /// The thing to create already exists.
    AlreadyExists,
    /// The task's state does not allow it.
    StateConflict,
    /// The idempotency key was used for another request.
    KeyReused,
    /// The token is not that of the task's last grant.
    StaleToken,
    /// The session is over.
    StaleSession,
    /// The caller's lease on the task is over.
    LeaseLost,
    /// A limit or quota was exceeded.
    LimitReached,
    /// Other processes are writing; try again.
    StoreBusy,
    /// The store, or its gateway, cannot be reached or used.
    StoreUnavailable,
    /// There is no task to claim.
    NothingReady,
    /// The awaited event did not happen in time.
    TimedOut,
    /// Unread messages must be read first.
    MessagesWaiting,
    /// Fewer agents are active than are needed.
    NotEnoughAgents,
    /// The caller is not allowed to do this.
    Denied,
    /// A file or the store has invalid content.
    DataDamaged,
    /// A signal ended the call.
    Interrupted,
    /// A bug.
    Internal,
}

impl ErrorCode {
    /// All codes, in the order of docs/reference/errors.md.
    pub const ALL: [ErrorCode; 24] = [
        Self::Usage,
        Self::InvalidRequest,
        Self::IdentityRequired,
        Self::NotFound,
        Self::LeaseHeld,
        Self::VersionConflict,
        Self::ReservationOverlap,
        Self::AlreadyExists,
        Self::StateConflict,
        Self::KeyReused,
        Self::StaleToken,
        Self::StaleSession,
        Self::LeaseLost,
        Self::LimitReached,
        Self::StoreBusy,
        Self::StoreUnavailable,
        Self::NothingReady,
        Self::TimedOut,
        Self::MessagesWaiting,
        Self::NotEnoughAgents,
        Self::Denied,
        Self::DataDamaged,
        Self::Interrupted,
        Self::Internal,
    ];

    /// One row of the table: the word, the exit code, the HTTP status, whether the same call may succeed later.
    const fn row(self) -> (&'static str, u8, u16, bool) {
        match self {
            Self::Usage => ("usage", 2, 400, false),
            Self::InvalidRequest => ("invalid_request", 2, 400, false),
            Self::IdentityRequired => ("identity_required", 2, 401, false),
            Self::NotFound => ("not_found", 3, 404, false),
            Self::LeaseHeld => ("lease_held", 4, 409, false),
            Self::VersionConflict => ("version_conflict", 4, 409, false),
            Self::ReservationOverlap => ("reservation_overlap", 4, 409, false),
            Self::AlreadyExists => ("already_exists", 4, 409, false),
            Self::StateConflict => ("state_conflict", 4, 409, false),
            Self::KeyReused => ("key_reused", 4, 409, false),
            Self::StaleToken => ("stale_token", 5, 410, false),
            Self::StaleSession => ("stale_session", 5, 410, false),
            Self::LeaseLost => ("lease_lost", 5, 410, false),
            Self::LimitReached => ("limit_reached", 6, 422, false),
            Self::StoreBusy => ("store_busy", 7, 503, true),
            Self::StoreUnavailable => ("store_unavailable", 7, 503, true),
            Self::NothingReady => ("nothing_ready", 8, 409, true),
            Self::TimedOut => ("timed_out", 8, 409, true),
            Self::MessagesWaiting => ("messages_waiting", 8, 409, true),
            Self::NotEnoughAgents => ("not_enough_agents", 8, 409, true),
            Self::Denied => ("denied", 9, 403, false),
            Self::DataDamaged => ("data_damaged", 65, 422, false),
            Self::Interrupted => ("interrupted", 130, 499, false),
            Self::Internal => ("internal", 70, 500, false),
        }
    }

    /// The word that is in error objects.
    pub const fn word(self) -> &'static str {
        self.row().0
    }

    /// The exit code of the command line.
    pub const fn exit(self) -> u8 {
        self.row().1
    }

    /// The HTTP status of a gateway.
    pub const fn http(self) -> u16 {
        self.row().2
    }

    /// Whether the same call may succeed later without any change of it. A single error may know better.
    pub const fn is_retryable(self) -> bool {
        self.row().3
    }

    /// The code that a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.word() == word)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::of_word(&word).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&word), &"an error code"))
    }
}

text_schema!(ErrorCode, "ErrorCode");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_own_word() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::of_word(code.word()), Some(code));
        }
        assert_eq!(ErrorCode::of_word("made_up"), None);
    }
}
