//! Who is there: judged here and nowhere else, by session, heartbeats, and what is known of the process behind the session.

use oarlock_model::Now;
use oarlock_model::agent::Agent;
use oarlock_model::rules::liveness::{self, AgentState};

use crate::owners::{OwnerSight, Owners};

/// The state of an agent, by its session and by whoever was seen to live or to fall silent.
pub fn state(owners: &dyn Owners, agent: &Agent, now: Now) -> AgentState {
    by_sight(owners.sight(agent), agent, now)
}

/// Whether somebody can count on an agent: it is active, and its death is not proven, even where no call has settled that yet.
pub fn is_there(owners: &dyn Owners, agent: &Agent, now: Now) -> bool {
    let sight = owners.sight(agent);
    !sight.is_dead() && by_sight(sight, agent, now) == AgentState::Active
}

fn by_sight(sight: OwnerSight, agent: &Agent, now: Now) -> AgentState {
    liveness::agent_state(agent, sight == OwnerSight::Alive, now)
}
