//! Who may have which task (semantics 13): filters, never an order.

use crate::agent::Agent;
use crate::task::{Task, TaskSpec};

/// Why a task is not for this agent. The order is that of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ineligible {
    /// It asks for a capability the agent does not have.
    Capability,
    /// It is assigned to another agent, which is active.
    Assigned,
}

/// Whether the agent can do all that the task asks for.
pub fn is_able(spec: &TaskSpec, agent: &Agent) -> bool {
    spec.capabilities.iter().all(|capability| agent.can(capability))
}

/// Whether the agent may have the task; `assignee_active` shows whether the agent it is assigned to
/// is active now (an assignment to an agent that is not binds nobody).
pub fn ineligible(spec: &TaskSpec, agent: &Agent, assignee_active: bool) -> Option<Ineligible> {
    if !is_able(spec, agent) {
        return Some(Ineligible::Capability);
    }
    match &spec.assigned {
        Some(assignee) if *assignee != agent.name && assignee_active => Some(Ineligible::Assigned),
        _ => None,
    }
}

/// Whether the agent's load limit lets it hold one lease more.
pub fn has_room(agent: &Agent, claims: usize) -> bool {
    agent.max_claims.is_none_or(|max| claims < max as usize)
}

/// Whether work is over: there were tasks, and all of them are done or cancelled. A store without tasks is not done yet, and a
/// task that is dead or waits for approval needs somebody.
pub fn is_all_done(total: u64, done: u64, cancelled: u64) -> bool {
    total > 0 && done + cancelled == total
}

/// The number of the attempt that a grant of this task now begins.
pub fn next_attempt(task: &Task) -> u32 {
    task.failures + task.losses + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_over_when_there_was_some_and_all_of_it_is_done_or_cancelled() {
        let cases = [((0, 0, 0), false), ((3, 3, 0), true), ((3, 1, 2), true), ((2, 0, 2), true), ((3, 2, 0), false), ((1, 0, 0), false)];
        for ((total, done, cancelled), expected) in cases {
            assert_eq!(is_all_done(total, done, cancelled), expected, "{done} done and {cancelled} cancelled of {total}");
        }
    }
}
