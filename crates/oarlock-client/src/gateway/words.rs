//! What client and gateway call things: the common flags of the command line as headers, and as fields of a request.

/// The headers; each common field goes before its header.
pub mod header {
    /// `--as`.
    pub const AGENT: &str = "oarlock-agent";
    /// `--session`.
    pub const SESSION: &str = "oarlock-session";
    /// `--idempotency-key`; the name is that of the draft standard (draft-ietf-httpapi-idempotency-key-header).
    pub const KEY: &str = "idempotency-key";
    /// The processes above the caller, nearest first, separated by commas.
    pub const PROCESSES: &str = "oarlock-processes";
    /// How long the call has waited before, in milliseconds.
    pub const WAITED: &str = "oarlock-waited";
    /// The identity of the store that an answer comes from; in a request, the one that is meant.
    pub const STORE: &str = "oarlock-store";
    /// `wait=SECONDS`: answer 202 after so long, though the call would wait on (RFC 7240, section 4.3).
    pub const PREFER: &str = "prefer";
}

/// The fields.
pub mod field {
    /// `--as`.
    pub const AGENT: &str = "as";
    /// `--session`.
    pub const SESSION: &str = "session";
    /// `--idempotency-key`; where the verb has no field of this name, `key` is the same.
    pub const KEY: &str = "idempotency_key";
}
