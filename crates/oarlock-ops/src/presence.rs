//! Who is there: judged by session, heartbeats, and the known state of the session's process.

use oarlock_model::agent::{Agent, Owner};
use oarlock_model::event::DeathProof;
use oarlock_model::rules::liveness::{self, AgentState};
use oarlock_model::{Now, seeded};

use crate::owners::{OwnerLiveness, Owners};

/// The state of an agent, by its session and its owner's liveness.
pub fn state(owners: &dyn Owners, agent: &Agent, now: Now) -> AgentState {
    liveness::agent_state(agent, owners.liveness(agent) == OwnerLiveness::Alive, now)
}

/// The proof that a session is over, if there is one: its machine was started again, or its process is gone and the time within which clients
/// restart such a process is over.
pub fn death_proof(owners: &dyn Owners, agent: &Agent, now: Now) -> Option<DeathProof> {
    let grace_ms = match &agent.owner {
        Owner::Lock { grace_ms, .. } => *grace_ms,
        _ => 0,
    };
    match owners.liveness(agent) {
        _ if seeded::is(seeded::DEATH_UNSEEN) => None,
        OwnerLiveness::OtherBoot => Some(DeathProof::Rebooted),
        OwnerLiveness::Died if now.store.since_ms(agent.presence.seen) >= grace_ms => Some(DeathProof::OwnerDied),
        _ => None,
    }
}

/// Whether somebody can count on an agent: it is active, and its death is not proven, even where no call has settled that yet.
pub fn is_there(owners: &dyn Owners, agent: &Agent, now: Now) -> bool {
    state(owners, agent, now) == AgentState::Active && death_proof(owners, agent, now).is_none()
}
