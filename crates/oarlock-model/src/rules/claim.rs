//! Who may have which task (semantics 13): filters, never an order.

use crate::agent::Agent;
use crate::task::{Task, TaskSpec};

/// Why a task is not for this agent. The order is that of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It asks for a capability the agent does not have.
    Capability,
    /// It is assigned to another agent, which is active.
    Assigned,
}

/// Whether the agent may have the task; `assignee_active` tells whether the agent it is assigned to
/// is active now (an assignment to an agent that is not binds nobody).
pub fn misfit(spec: &TaskSpec, agent: &Agent, assignee_active: bool) -> Option<Misfit> {
    if !spec.capabilities.iter().all(|capability| agent.can(capability)) {
        return Some(Misfit::Capability);
    }
    match &spec.assigned {
        Some(assignee) if *assignee != agent.name && assignee_active => Some(Misfit::Assigned),
        _ => None,
    }
}

/// Whether the agent's load limit lets it hold one lease more.
pub fn has_room(agent: &Agent, claims: usize) -> bool {
    agent.max_claims.is_none_or(|max| claims < max as usize)
}

/// The number of the attempt that a grant of this task now begins.
pub fn next_attempt(task: &Task) -> u32 {
    task.failures + task.losses + 1
}
