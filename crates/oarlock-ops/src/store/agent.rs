//! Agents.

use oarlock_model::AgentName;
use oarlock_model::agent::Agent;
use oarlock_model::rules::holdings::Held;

use std::collections::{BTreeMap, BTreeSet};

use super::StoreResult;

/// Reading agents: one row for each, of its current session.
pub trait AgentView {
    /// The agent of this name.
    fn agent(&self, name: &AgentName) -> StoreResult<Option<Agent>>;
    /// Those of these agents that there are, in no certain order.
    fn agents_named(&self, names: &[&AgentName]) -> StoreResult<Vec<Agent>>;
    /// All agents by name, ended ones included.
    fn agents(&self) -> StoreResult<Vec<Agent>>;
    /// Live sessions that have a process: at most `limit` of them by name, after the first `skip`.
    fn owned_agents(&self, skip: usize, limit: usize) -> StoreResult<Vec<Agent>>;
    /// How many there are.
    fn owned_agent_count(&self) -> StoreResult<usize>;
    /// Live sessions without a process that belong to another boot of this machine than this, at most `limit`.
    fn agents_of_other_boots(&self, boot_id: &str, limit: usize) -> StoreResult<Vec<Agent>>;
    /// Live sessions whose process is one of these, by name.
    fn agents_of_processes(&self, processes: &[String]) -> StoreResult<Vec<Agent>>;
    /// Live sessions with a process that belong to this run of a client, by name.
    fn agents_of_harness(&self, harness: &str) -> StoreResult<Vec<Agent>>;
    /// Live sessions that were seen within their timeout or have a process, those seen last first, at most `limit`.
    fn present_agents(&self, limit: usize) -> StoreResult<Vec<Agent>>;
    /// The live sessions of an agent and its helpers, whose names begin with its own and a dot, by name.
    fn live_family(&self, root: &AgentName) -> StoreResult<Vec<Agent>>;
    /// The holdings of the live sessions of an agent and its helpers.
    fn holdings_of(&self, root: &AgentName) -> StoreResult<Held>;
}

/// Those of these agents that there are, by name.
///
/// # Errors
/// Store errors.
pub fn agents_by_name(agents: &dyn AgentView, names: BTreeSet<&AgentName>) -> StoreResult<BTreeMap<AgentName, Agent>> {
    let names: Vec<&AgentName> = names.into_iter().collect();
    let found = if names.is_empty() { Vec::new() } else { agents.agents_named(&names)? };
    Ok(found.into_iter().map(|agent| (agent.name.clone(), agent)).collect())
}
