//! Who calls: the agent that the command line or the environment names, else the processes above.

use oarlock_host::process::ProcessId;
use oarlock_model::{AgentName, SessionId};
use oarlock_ops::caller::{Caller, Identity};

/// The caller with this `--as`, `--session` and `--idempotency-key`, for a call with this need of an identity. The processes above are read only where
/// neither a name nor a session is given.
#[must_use]
pub fn caller(name: Option<AgentName>, session: Option<SessionId>, key: Option<String>, identity: Identity) -> Caller {
    let unknown = name.is_none() && session.is_none() && identity != Identity::Made;
    Caller { name, session, key, ancestors: if unknown { ancestors() } else { Vec::new() }, ..Caller::default() }
}

/// The identities of the processes above this one, nearest first.
pub fn ancestors() -> Vec<String> {
    ProcessId::current().map(|me| me.ancestors().iter().map(ProcessId::to_text).collect()).unwrap_or_default()
}
