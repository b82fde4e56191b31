//! Who calls: what is said of it, else the processes above.

use oarlock_host::process::ProcessId;
use oarlock_model::rules::authority::Authority;
use oarlock_model::{AgentName, SessionId};
use oarlock_ops::caller::Caller;
use oarlock_ops::caller::Identity;

/// What a command line or an environment says of its caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// `--as`.
    pub name: Option<AgentName>,
    /// `--session`.
    pub session: Option<SessionId>,
    /// `--idempotency-key`.
    pub key: Option<String>,
}

impl Given {
    /// The caller of a call that needs to know its agent so. Only where nothing is said are the processes above looked at.
    pub fn caller(&self, identity: Identity) -> Caller {
        let unknown = self.name.is_none() && self.session.is_none() && identity != Identity::Made;
        Caller {
            name: self.name.clone(),
            session: self.session.clone(),
            ancestors: if unknown { ancestors() } else { Vec::new() },
            key: self.key.clone(),
            authority: Authority::Operator,
            root: None,
        }
    }
}

/// The identities of the processes above this one, nearest first.
pub fn ancestors() -> Vec<String> {
    ProcessId::current().map(|me| me.ancestors().iter().map(ProcessId::to_text).collect()).unwrap_or_default()
}
