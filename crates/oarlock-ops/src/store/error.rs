//! Faults below an operation.

use thiserror::Error;

/// An error of the store.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Others held the store for longer than the caller wanted to wait.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// The store cannot be reached or written now.
    #[error("{message}")]
    Unavailable {
        /// The fault.
        message: String,
        /// The next step for the caller.
        hint: String,
    },
    /// The store was deleted, or another one is in its place: trying again does not help.
    #[error("{message}")]
    Gone {
        /// The fault.
        message: String,
        /// The next step for the caller.
        hint: String,
    },
    /// The store cannot be read: damaged, or written by a newer version.
    #[error("{message}")]
    Damaged {
        /// The problem, with its place.
        message: String,
        /// The next step for the caller.
        hint: String,
    },
    /// The caller does not want to wait any longer.
    #[error("interrupted")]
    Interrupted,
    /// A bug.
    #[error("{0}")]
    Internal(String),
}

impl StoreError {
    /// The operating system does not identify this process, so it cannot have a session.
    pub fn unidentified_process(error: &std::io::Error) -> Self {
        Self::Unavailable { message: format!("this process cannot be identified: {error}"), hint: "is /proc mounted?".into() }
    }
}

/// The result of a store's method.
pub type StoreResult<T> = Result<T, StoreError>;
