//! Agents.

use oarlock_host::owner::{OwnerState, probe};
use oarlock_host::process::{Liveness, ProcessId};
use oarlock_model::agent::{Agent, Owner};
use oarlock_model::rules::holdings::Held;
use oarlock_model::{AgentName, SessionId};
use oarlock_ops::store::{AgentView, OwnerSight, StoreResult};

use super::SqliteView;
use crate::error::store_error;
use crate::rows::agent;

impl AgentView for SqliteView<'_> {
    fn owner_sight(&self, agent: &Agent) -> OwnerSight {
        if !agent.is_live() {
            return OwnerSight::Unknown;
        }
        let (theirs, ours) = (&agent.host.boot_id, &self.host.boot_id);
        if !theirs.is_empty() && !ours.is_empty() && theirs != ours {
            return OwnerSight::OtherBoot;
        }
        match &agent.owner {
            Owner::None => OwnerSight::Unknown,
            Owner::Process { process } => sight_of(process),
            Owner::Lock { process, .. } => self.locked_owner(&agent.session, process),
        }
    }

    fn turn(&self) -> Option<u64> {
        self.witness.turn()
    }

    fn agent(&self, name: &AgentName) -> StoreResult<Option<Agent>> {
        agent::get(self.conn, name).map_err(store_error)
    }

    fn agents_named(&self, names: &[&AgentName]) -> StoreResult<Vec<Agent>> {
        agent::named(self.conn, names).map_err(store_error)
    }

    fn agents(&self) -> StoreResult<Vec<Agent>> {
        agent::list(self.conn).map_err(store_error)
    }

    fn owned_agents(&self, skip: usize, limit: usize) -> StoreResult<Vec<Agent>> {
        agent::owned(self.conn, skip, limit).map_err(store_error)
    }

    fn owned_agent_count(&self) -> StoreResult<usize> {
        agent::owned_count(self.conn).map_err(store_error)
    }

    fn agents_of_other_boots(&self, limit: usize) -> StoreResult<Vec<Agent>> {
        agent::of_other_boots(self.conn, &self.host.boot_id, limit).map_err(store_error)
    }

    fn agents_of_processes(&self, processes: &[String]) -> StoreResult<Vec<Agent>> {
        agent::of_processes(self.conn, processes).map_err(store_error)
    }

    fn agents_of_harness(&self, harness: &str) -> StoreResult<Vec<Agent>> {
        agent::of_harness(self.conn, harness).map_err(store_error)
    }

    fn present_agents(&self, limit: usize) -> StoreResult<Vec<Agent>> {
        agent::present(self.conn, self.now.store, limit).map_err(store_error)
    }

    fn live_family(&self, root: &AgentName) -> StoreResult<Vec<Agent>> {
        agent::live_family(self.conn, root).map_err(store_error)
    }

    fn holdings_of(&self, root: &AgentName) -> StoreResult<Held> {
        agent::holdings_of(self.conn, root).map_err(store_error)
    }
}

impl SqliteView<'_> {
    /// The lock that stands for a session's life, and the process where there is no such file.
    fn locked_owner(&self, session: &SessionId, process: &str) -> OwnerSight {
        match probe(self.owners, session.as_str()) {
            Ok(OwnerState::Held) => OwnerSight::Alive,
            Ok(OwnerState::Free) => OwnerSight::Died,
            // A missing file proves nothing by itself.
            Ok(OwnerState::Missing) | Err(_) => sight_of(process),
        }
    }
}

fn sight_of(process: &str) -> OwnerSight {
    match ProcessId::parse(process).map(|process| process.liveness()) {
        Ok(Liveness::Alive) => OwnerSight::Alive,
        Ok(Liveness::Dead) => OwnerSight::Died,
        Ok(Liveness::Unknown) | Err(_) => OwnerSight::Unknown,
    }
}
