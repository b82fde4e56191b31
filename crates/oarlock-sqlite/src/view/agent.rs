//! Agents.

use oarlock_model::AgentName;
use oarlock_model::agent::Agent;
use oarlock_model::rules::holdings::Held;
use oarlock_ops::store::{AgentView, StoreResult};

use super::SqliteView;
use crate::error::store_error;
use crate::rows::agent;

impl AgentView for SqliteView<'_> {
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

    fn agents_of_other_boots(&self, boot_id: &str, limit: usize) -> StoreResult<Vec<Agent>> {
        agent::of_other_boots(self.conn, boot_id, limit).map_err(store_error)
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
