//! Who may approve or reject a task in review: a person, and where the task names a role, agents that have it and did not do the work.

use crate::agent::Agent;
use crate::rejection::Rejection;
use crate::rules::authority::{Authority, speaks_for};
use crate::seeded;
use crate::task::Task;

/// Whether the caller may judge the task: `agent` is the session that calls, if it is known.
///
/// # Errors
/// `denied`.
pub fn check(task: &Task, verb: &'static str, authority: Authority, agent: Option<&Agent>) -> Result<(), Rejection> {
    let (Some(role), Some(agent)) = (&task.spec.reviewer, agent) else { return authority.check_operator(verb) };
    if !agent.can(role) {
        return Err(Rejection::Denied {
            message: format!("task {} is reviewed by agents with the role {role}, which {} does not have", task.id, agent.name),
            hint: "ask such an agent, or a person: `oarlock agents --role ROLE`",
        });
    }
    let is_own = |worker| speaks_for(worker, &agent.name) || speaks_for(&agent.name, worker);
    if task.grant.as_ref().is_some_and(|grant| is_own(&grant.agent)) && !seeded::is(seeded::OWN_WORK_REVIEWED) {
        return Err(Rejection::Denied {
            message: format!("{} did the work of task {} and cannot review it", agent.name, task.id),
            hint: "ask another agent with that role, or a person",
        });
    }
    Ok(())
}
