//! Names and answers shared by client and gateway: HTTP headers and request fields for the common flags of the command line, and the answers that are
//! not the reply of a verb.

use serde::{Deserialize, Serialize};

/// The answer 202 to a call that has not finished: ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillWaiting {
    /// Always true.
    pub waiting: bool,
    /// How long the call has waited in all, in milliseconds. The next request says so in the header [`header::WAITED`].
    pub waited_ms: i64,
}

/// The answer to a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// The proof that the gateway knows the key.
    pub proof: String,
}

/// Header names. Where a request has both, the field wins over the header.
pub mod header {
    /// `--as`.
    pub const AGENT: &str = "oarlock-agent";
    /// `--session`.
    pub const SESSION: &str = "oarlock-session";
    /// `--idempotency-key`; the name is that of the draft standard (draft-ietf-httpapi-idempotency-key-header).
    pub const KEY: &str = "idempotency-key";
    /// The processes above the caller, nearest first, separated by commas.
    pub const PROCESSES: &str = "oarlock-processes";
    /// How long this call has already waited, in milliseconds.
    pub const WAITED: &str = "oarlock-waited";
    /// In an answer: the identity of the store it comes from. In a request: the store it is meant for.
    pub const STORE: &str = "oarlock-store";
    /// `wait=SECONDS`: answer 202 when the call has not finished after that time (RFC 7240, section 4.3).
    pub const PREFER: &str = "prefer";
}

/// Field names in a request's JSON.
pub mod field {
    /// `--as`.
    pub const AGENT: &str = "as";
    /// `--session`.
    pub const SESSION: &str = "session";
    /// `--idempotency-key`. `key` means the same if the verb has no field of that name.
    pub const KEY: &str = "idempotency_key";
}
