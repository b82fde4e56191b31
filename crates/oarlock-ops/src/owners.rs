//! The port of the host: what the machine that a call is made on says of the processes that sessions stand for (semantics 8). A store keeps
//! sessions and asks no system: its handle only has at hand what speaks for the machine.

use oarlock_model::SessionId;
use oarlock_model::agent::{Agent, Owner};

/// The liveness of the process behind a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerLiveness {
    /// It lives.
    Alive,
    /// Its death is proven: its lock could be had, or its process is gone.
    Died,
    /// The session belongs to another boot of this machine.
    OtherBoot,
    /// Nothing can be said.
    Unknown,
}

impl OwnerLiveness {
    /// Whether the death of the session is proven.
    pub fn is_dead(self) -> bool {
        matches!(self, Self::Died | Self::OtherBoot)
    }
}

/// The processes of a machine.
pub trait Owners {
    /// The boot of the machine, when it is known: sessions of another boot are lost.
    fn boot_id(&self) -> &str;
    /// Whether this owner of a session lives. It is asked of live sessions of this boot only.
    fn owner_liveness(&self, session: &SessionId, owner: &Owner) -> OwnerLiveness;
    /// A number that rises by one with each look that takes it, by anyone who shares the store; none where nobody can share one.
    fn turn(&self) -> Option<u64>;
}

impl dyn Owners + '_ {
    /// The liveness of the process behind a session.
    pub fn liveness(&self, agent: &Agent) -> OwnerLiveness {
        if !agent.is_live() {
            return OwnerLiveness::Unknown;
        }
        let (theirs, ours) = (agent.host.boot_id.as_str(), self.boot_id());
        if !theirs.is_empty() && !ours.is_empty() && theirs != ours {
            return OwnerLiveness::OtherBoot;
        }
        if agent.owner == Owner::None { OwnerLiveness::Unknown } else { self.owner_liveness(&agent.session, &agent.owner) }
    }
}

/// No machine: where nobody's life is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Unseen;

impl Owners for Unseen {
    fn boot_id(&self) -> &str {
        ""
    }

    fn owner_liveness(&self, _session: &SessionId, _owner: &Owner) -> OwnerLiveness {
        OwnerLiveness::Unknown
    }

    fn turn(&self) -> Option<u64> {
        None
    }
}
