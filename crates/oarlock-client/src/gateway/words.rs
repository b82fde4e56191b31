//! Names shared by client and gateway: HTTP headers and request fields for the common flags of the command line.

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
