//! Errors of operations.

use oarlock_model::rejection::OverlapFacts;
use oarlock_model::{ErrorCode, Rejection};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use crate::hint;
use crate::shapes::MessageShape;
use crate::store::StoreError;

/// The error object of the contract, as every door prints it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorObject {
    /// The error.
    pub error: ErrorFacts,
}

/// The fields of an error object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorFacts {
    /// The error code. It determines the exit code and the HTTP status.
    pub code: ErrorCode,
    /// The fault, in one line.
    pub message: String,
    /// The next step.
    #[serde(default)]
    pub hint: String,
    /// Whether the same call may succeed later without any change of it.
    #[serde(default)]
    pub retryable: bool,
    /// The time after which it is worth another try, in milliseconds; absent where waiting does not help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<i64>,
    /// Facts for programs, such as a holder, versions or paths; absent where there are none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

/// The details of `nothing_ready` that other programs decide by.
#[derive(Deserialize)]
struct AllDone {
    all_done: bool,
}

/// The details of `reservation_overlap`.
#[derive(Deserialize)]
struct Overlaps {
    overlaps: Vec<OverlapFacts>,
}

/// The details of `messages_waiting`.
#[derive(Deserialize)]
struct Waiting {
    messages: Vec<MessageShape>,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum OpError {
    /// A lawful no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file the caller named cannot be read, or holds something else than it should.
    #[error("{message}")]
    Damaged {
        /// The problem, with its place.
        message: String,
        /// The next step for the caller.
        hint: String,
        /// Facts for programs.
        details: Value,
    },
    /// The command line itself is wrong.
    #[error("{message}")]
    Usage {
        /// The problem.
        message: String,
        /// The next step for the caller.
        hint: String,
    },
    /// The operation succeeded, but the reply cannot be delivered: trying again would do it twice.
    #[error("{message}")]
    ReplyLost {
        /// The problem.
        message: String,
        /// The next step for the caller.
        hint: String,
    },
    /// An error that another process reported, for example a gateway.
    #[error("{message}")]
    Reported {
        /// The code.
        code: ErrorCode,
        /// The problem.
        message: String,
        /// The next step for the caller.
        hint: String,
        /// After how long it is worth asking again.
        retry_after_ms: Option<i64>,
        /// Facts for programs.
        details: Value,
    },
    /// The caller was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// A bug.
    #[error("internal error: {0}")]
    Internal(String),
}

impl OpError {
    /// Its code.
    pub fn code(&self) -> ErrorCode {
        match self {
            OpError::Rejected(rejection) => rejection.code(),
            OpError::Reported { code, .. } => *code,
            OpError::Store(StoreError::Busy(_)) => ErrorCode::StoreBusy,
            OpError::Store(StoreError::Unavailable { .. } | StoreError::Gone { .. }) | OpError::ReplyLost { .. } => {
                ErrorCode::StoreUnavailable
            }
            OpError::Store(StoreError::Damaged { .. }) | OpError::Damaged { .. } => ErrorCode::DataDamaged,
            OpError::Usage { .. } => ErrorCode::Usage,
            OpError::Interrupted | OpError::Store(StoreError::Interrupted) => ErrorCode::Interrupted,
            OpError::Store(StoreError::Internal(_)) | OpError::Internal(_) => ErrorCode::Internal,
        }
    }

    /// Whether the same call may succeed later without any change of it.
    pub fn is_retryable(&self) -> bool {
        self.code().is_retryable() && !matches!(self, OpError::ReplyLost { .. }) && !self.is_all_done()
    }

    /// Whether a claim found nothing because everything is done: asking again is in vain.
    pub fn is_all_done(&self) -> bool {
        match self {
            OpError::Rejected(Rejection::NothingReady { rest, .. }) => rest.all_done,
            OpError::Reported { code: ErrorCode::NothingReady, details, .. } => {
                AllDone::deserialize(details).is_ok_and(|told| told.all_done)
            }
            _ => false,
        }
    }

    /// The reservations that are in the way, if that is the reason.
    pub fn overlaps(&self) -> Vec<OverlapFacts> {
        match self {
            OpError::Rejected(Rejection::ReservationOverlap { overlaps, .. }) => overlaps.clone(),
            OpError::Reported { code: ErrorCode::ReservationOverlap, details, .. } => {
                Overlaps::deserialize(details).map(|told| told.overlaps).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// The next step.
    pub fn hint(&self) -> String {
        match self {
            OpError::Rejected(rejection) => hint::of(rejection),
            OpError::Store(StoreError::Busy(_)) => "try again, or wait longer with --lock-timeout 2m".into(),
            OpError::Store(StoreError::Unavailable { hint, .. } | StoreError::Gone { hint, .. } | StoreError::Damaged { hint, .. }) => {
                hint.clone()
            }
            OpError::Damaged { hint, .. }
            | OpError::Usage { hint, .. }
            | OpError::ReplyLost { hint, .. }
            | OpError::Reported { hint, .. } => hint.clone(),
            OpError::Interrupted | OpError::Store(StoreError::Interrupted) => {
                "leases and reservations that the call took are given back".into()
            }
            OpError::Store(StoreError::Internal(_)) | OpError::Internal(_) => {
                "this is a bug: please report it with the command that caused it".into()
            }
        }
    }

    /// The messages that it shows, where those are why.
    pub fn messages(&self) -> Vec<MessageShape> {
        let shown = match self {
            OpError::Rejected(Rejection::MessagesWaiting { messages, .. }) => messages,
            OpError::Reported { code: ErrorCode::MessagesWaiting, details, .. } => {
                return Waiting::deserialize(details).map(|told| told.messages).unwrap_or_default();
            }
            _ => return Vec::new(),
        };
        Vec::deserialize(shown).unwrap_or_default()
    }

    /// Facts for programs; null when there are none.
    pub fn details(&self) -> Value {
        match self {
            OpError::Rejected(rejection) => rejection.details(),
            OpError::Damaged { details, .. } | OpError::Reported { details, .. } => details.clone(),
            _ => Value::Null,
        }
    }

    /// The time after which the same call is worth another try, in milliseconds; nothing where waiting does not help.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            OpError::Rejected(rejection) => rejection.retry_after_ms(),
            OpError::Reported { retry_after_ms, .. } => *retry_after_ms,
            OpError::Store(StoreError::Busy(_)) => Some(250),
            _ => None,
        }
    }

    /// The error object of the contract.
    pub fn object(&self) -> ErrorObject {
        let error = ErrorFacts {
            code: self.code(),
            message: self.to_string(),
            hint: self.hint(),
            retryable: self.is_retryable(),
            retry_after_ms: self.retry_after_ms(),
            details: self.details(),
        };
        ErrorObject { error }
    }

    /// The error object of the contract as a JSON value.
    pub fn json(&self) -> Value {
        json!(self.object())
    }

    /// Reads an error object; none when it is not one of this table.
    pub fn from_json(value: &Value) -> Option<Self> {
        let ErrorFacts { code, message, hint, retryable: _, retry_after_ms, details } = ErrorObject::deserialize(value).ok()?.error;
        Some(OpError::Reported { code, message, hint, retry_after_ms, details })
    }

    /// Whether waiting may change the answer: nothing is ready yet, or somebody has it.
    pub fn is_not_yet(&self) -> bool {
        use oarlock_model::task::TaskState;
        match self {
            OpError::Rejected(
                Rejection::LeaseHeld { .. }
                | Rejection::HeldOutside { .. }
                | Rejection::AssignedElsewhere { .. }
                | Rejection::ReservationOverlap { .. }
                | Rejection::TimedOut { .. },
            ) => true,
            OpError::Rejected(Rejection::NothingReady { rest, .. }) => !rest.all_done,
            OpError::Rejected(Rejection::StateConflict { state, .. }) => {
                matches!(state, TaskState::Blocked | TaskState::Scheduled | TaskState::Waiting)
            }
            _ => false,
        }
    }
}

impl From<serde_json::Error> for OpError {
    fn from(error: serde_json::Error) -> Self {
        OpError::Internal(format!("failed to write JSON: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_object_that_was_read_is_the_same_again() {
        let rest = Box::new(oarlock_model::rejection::Unready { all_done: true, ..Default::default() });
        let agent = "ada".parse().expect("a name");
        let all_done = OpError::from(Rejection::NothingReady { agent, rest, why: None });
        assert!(!all_done.is_not_yet() && !all_done.is_retryable());
        let others = [OpError::from(Rejection::not_found("task", "T-9")), StoreError::Busy("x".into()).into(), OpError::Interrupted];
        for error in others.into_iter().chain([all_done]) {
            let told = OpError::from_json(&error.json()).expect("it is one");
            assert_eq!((told.json(), told.code(), told.is_retryable()), (error.json(), error.code(), error.is_retryable()));
        }
        assert_eq!(OpError::from_json(&json!({"error": {"code": "made_up", "message": "x"}})), None);
    }

    #[test]
    fn the_error_object_has_the_fields_of_the_contract() {
        let json = OpError::from(Rejection::not_found("task", "T-9")).json();
        assert_eq!(json["error"]["code"], "not_found");
        assert_eq!(json["error"]["retryable"], false);
        assert!(json["error"]["hint"].is_string());
        assert_eq!(json["error"]["details"]["id"], "T-9");
    }
}
