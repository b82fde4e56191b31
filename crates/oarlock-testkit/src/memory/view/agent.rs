//! Agents.

use oarlock_model::AgentName;
use oarlock_model::agent::{Agent, Owner};
use oarlock_model::rules::authority;
use oarlock_model::rules::holdings::Held;
use oarlock_ops::store::{AgentView, ReservationView, StoreResult, TaskView};
use std::cmp::Reverse;

use crate::memory::Moment;
use crate::memory::scan::sorted;

impl AgentView for Moment {
    fn agent(&self, name: &AgentName) -> StoreResult<Option<Agent>> {
        Ok(self.world.state.agents.get(name).cloned())
    }

    fn agents_named(&self, names: &[&AgentName]) -> StoreResult<Vec<Agent>> {
        Ok(names.iter().filter_map(|name| self.world.state.agents.get(*name)).cloned().collect())
    }

    fn agents(&self) -> StoreResult<Vec<Agent>> {
        Ok(self.world.state.agents.values().cloned().collect())
    }

    fn owned_agents(&self, skip: usize, limit: usize) -> StoreResult<Vec<Agent>> {
        Ok(self.live_agents().filter(|agent| agent.owner != Owner::None).skip(skip).take(limit).cloned().collect())
    }

    fn owned_agent_count(&self) -> StoreResult<usize> {
        Ok(self.live_agents().filter(|agent| agent.owner != Owner::None).count())
    }

    fn agents_of_other_boots(&self, boot_id: &str, limit: usize) -> StoreResult<Vec<Agent>> {
        let elsewhere = self.live_agents().filter(|agent| agent.owner == Owner::None && agent.host.boot_id != boot_id);
        Ok(sorted(elsewhere, |agent| (agent.host.boot_id.clone(), agent.name.clone())).into_iter().take(limit).cloned().collect())
    }

    fn agents_of_processes(&self, processes: &[String]) -> StoreResult<Vec<Agent>> {
        let is_one = |agent: &&Agent| agent.owner.process().is_some_and(|process| processes.iter().any(|one| one == process));
        Ok(self.live_agents().filter(is_one).cloned().collect())
    }

    fn agents_of_harness(&self, harness: &str) -> StoreResult<Vec<Agent>> {
        let is_of_it = |agent: &&Agent| agent.owner != Owner::None && agent.harness.as_deref() == Some(harness);
        Ok(self.live_agents().filter(is_of_it).cloned().collect())
    }

    fn present_agents(&self, limit: usize) -> StoreResult<Vec<Agent>> {
        let is_seen = |agent: &&Agent| self.now.store.since_ms(agent.presence.seen) <= agent.timeout_ms || agent.owner != Owner::None;
        let present = sorted(self.live_agents().filter(is_seen), |agent| (Reverse(agent.presence.seen), agent.name.clone()));
        Ok(present.into_iter().take(limit).cloned().collect())
    }

    fn live_family(&self, root: &AgentName) -> StoreResult<Vec<Agent>> {
        let is_of_it = |agent: &&Agent| agent.is_live() && authority::speaks_for(root, &agent.name);
        Ok(self.world.state.agents.values().filter(is_of_it).cloned().collect())
    }

    fn holdings_of(&self, root: &AgentName) -> StoreResult<Held> {
        let mut held = Held::default();
        for agent in self.live_family(root)? {
            held.sessions += 1;
            held.leases += self.claim_count(&agent.session)?;
            held.reservations += self.reservations_of(&agent.session)?.len();
        }
        Ok(held)
    }
}
