//! Errors of operations and the one table of their codes.

use oarlock_model::Rejection;
use serde_json::{Value, json};
use thiserror::Error;

use crate::store::StoreError;

/// Why an operation did not do what was asked.
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
        /// What is wrong, where.
        message: String,
        /// What to do.
        hint: String,
        /// Facts for programs.
        details: Value,
    },
    /// The command line itself is wrong.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// It is done, but the caller cannot be told: trying again would do it twice.
    #[error("{message}")]
    ReplyLost {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// What another door of the same table has told, a gateway for example.
    #[error("{message}")]
    Told {
        /// The code, of this table.
        code: &'static str,
        /// What is wrong.
        message: String,
        /// What to do.
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

/// One row of the table of error codes (the contract's "Exit codes and error codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code's word.
    pub code: &'static str,
    /// The exit code of the command line.
    pub exit: u8,
    /// The HTTP status of a gateway.
    pub http: u16,
    /// Whether the same call may succeed later without any change of it.
    pub retryable: bool,
}

const fn row(code: &'static str, exit: u8, http: u16, retryable: bool) -> Code {
    Code { code, exit, http, retryable }
}

/// The table.
pub const CODES: &[Code] = &[
    row("usage", 2, 400, false),
    row("invalid_request", 2, 400, false),
    row("identity_required", 2, 401, false),
    row("not_found", 3, 404, false),
    row("lease_held", 4, 409, false),
    row("version_conflict", 4, 409, false),
    row("reservation_overlap", 4, 409, false),
    row("already_exists", 4, 409, false),
    row("state_conflict", 4, 409, false),
    row("key_reused", 4, 409, false),
    row("stale_token", 5, 410, false),
    row("stale_session", 5, 410, false),
    row("lease_lost", 5, 410, false),
    row("limit_reached", 6, 422, false),
    row("store_busy", 7, 503, true),
    row("store_unavailable", 7, 503, true),
    row("nothing_ready", 8, 409, true),
    row("timed_out", 8, 409, true),
    row("messages_waiting", 8, 409, true),
    row("not_enough_agents", 8, 409, true),
    row("denied", 9, 403, false),
    row("data_damaged", 65, 422, false),
    row("interrupted", 130, 499, false),
    row("internal", 70, 500, false),
];

impl OpError {
    /// The row of the table for this error.
    pub fn code(&self) -> Code {
        let code = match self {
            OpError::Rejected(rejection) => rejection.code(),
            OpError::Told { code, .. } => code,
            OpError::Store(StoreError::Busy(_)) => "store_busy",
            OpError::Store(StoreError::Unavailable { .. } | StoreError::Gone { .. }) | OpError::ReplyLost { .. } => "store_unavailable",
            OpError::Store(StoreError::Damaged { .. }) | OpError::Damaged { .. } => "data_damaged",
            OpError::Usage { .. } => "usage",
            OpError::Interrupted | OpError::Store(StoreError::Interrupted) => "interrupted",
            OpError::Store(StoreError::Internal(_)) | OpError::Internal(_) => "internal",
        };
        let row = CODES.iter().find(|row| row.code == code).copied().unwrap_or(row("internal", 70, 500, false));
        Code { retryable: row.retryable && !matches!(self, OpError::ReplyLost { .. }) && !self.is_all_done(), ..row }
    }

    /// Whether a claim found nothing because everything is done: asking again is in vain.
    pub fn is_all_done(&self) -> bool {
        match self {
            OpError::Rejected(Rejection::NothingReady { rest, .. }) => rest.all_done,
            OpError::Told { code: "nothing_ready", details, .. } => details["all_done"] == true,
            _ => false,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            OpError::Rejected(rejection) => rejection.hint(),
            OpError::Store(StoreError::Busy(_)) => "try again, or wait longer with --lock-timeout 2m".into(),
            OpError::Store(StoreError::Unavailable { hint, .. } | StoreError::Gone { hint, .. } | StoreError::Damaged { hint, .. }) => {
                hint.clone()
            }
            OpError::Damaged { hint, .. } | OpError::Usage { hint, .. } | OpError::ReplyLost { hint, .. } | OpError::Told { hint, .. } => {
                hint.clone()
            }
            OpError::Interrupted | OpError::Store(StoreError::Interrupted) => "what was held has been given back".into(),
            OpError::Store(StoreError::Internal(_)) | OpError::Internal(_) => {
                "this is a bug: please report it with the command that caused it".into()
            }
        }
    }

    /// The error object of the contract.
    pub fn json(&self) -> Value {
        let code = self.code();
        let (details, retry_after_ms) = match self {
            OpError::Rejected(rejection) => (rejection.details(), rejection.retry_after_ms()),
            OpError::Damaged { details, .. } => (details.clone(), None),
            OpError::Told { details, retry_after_ms, .. } => (details.clone(), *retry_after_ms),
            OpError::Store(StoreError::Busy(_)) => (Value::Null, Some(250)),
            _ => (Value::Null, None),
        };
        let mut error = json!({"code": code.code, "message": self.to_string(), "hint": self.hint(), "retryable": code.retryable});
        if let Some(ms) = retry_after_ms {
            error["retry_after_ms"] = json!(ms);
        }
        if !details.is_null() {
            error["details"] = details;
        }
        json!({ "error": error })
    }

    /// Reads an error object; none when it is not one of this table.
    pub fn from_json(value: &Value) -> Option<Self> {
        let error = value.get("error")?;
        let code = CODES.iter().find(|row| error["code"] == row.code)?.code;
        Some(OpError::Told {
            code,
            message: error["message"].as_str()?.to_owned(),
            hint: error["hint"].as_str().unwrap_or_default().to_owned(),
            retry_after_ms: error["retry_after_ms"].as_i64(),
            details: error["details"].clone(),
        })
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
    fn every_code_stands_once_and_has_one_exit() {
        for (n, row) in CODES.iter().enumerate() {
            assert!(CODES[n + 1..].iter().all(|other| other.code != row.code), "{}", row.code);
        }
    }

    #[test]
    fn an_error_object_that_was_read_is_the_same_again() {
        let rest = Box::new(oarlock_model::rejection::Unready { all_done: true, ..Default::default() });
        let agent = "ada".parse().expect("a name");
        let all_done = OpError::from(Rejection::NothingReady { agent, rest, why: None });
        assert!(!all_done.is_not_yet() && !all_done.code().retryable);
        let others = [OpError::from(Rejection::not_found("task", "T-9")), StoreError::Busy("x".into()).into(), OpError::Interrupted];
        for error in others.into_iter().chain([all_done]) {
            let told = OpError::from_json(&error.json()).expect("it is one");
            assert_eq!((told.json(), told.code()), (error.json(), error.code()));
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
