//! The agents that parts may be given to: what each can do, has to do, and how fast it was.

use std::collections::BTreeMap;

use oarlock_model::AgentName;
use oarlock_model::event::Fact;
use oarlock_model::task::{Task, TaskState};
use oarlock_plan::{Candidate, MINUTES_DEFAULT};

use crate::OpError;
use crate::context::Reading;
use crate::store::{EventFilter, TaskFilter};

/// Open tasks and finished ones that are looked at.
const TASKS_MAX: usize = 500;

/// The agents that are active now, in the order of their names.
pub(crate) fn active(cx: &Reading<'_>) -> Result<Vec<Candidate>, OpError> {
    let (loads, speeds) = (loads(cx)?, speeds(cx)?);
    let mut out = Vec::new();
    for agent in cx.view.agents()? {
        if !agent.is_live() || !cx.is_active(&agent.name)? {
            continue;
        }
        out.push(Candidate {
            capabilities: agent.capabilities.iter().chain(&agent.role).map(ToString::to_string).collect(),
            load_minutes: loads.get(&agent.name).copied().unwrap_or(0),
            speed_percent: speeds.get(&agent.name).copied().unwrap_or(100),
            name: agent.name.to_string(),
        });
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(out)
}

/// Minutes of what each agent holds or is assigned.
fn loads(cx: &Reading<'_>) -> Result<BTreeMap<AgentName, u64>, OpError> {
    let open = [TaskState::Claimed, TaskState::Ready, TaskState::Blocked, TaskState::Scheduled];
    let filter = TaskFilter { states: open.to_vec(), limit: TASKS_MAX, bytes_max: usize::MAX, ..TaskFilter::default() };
    let mut loads = BTreeMap::new();
    for task in cx.view.tasks(&filter)? {
        let whose = task.holder().map(|grant| grant.agent.clone()).or_else(|| task.spec.assigned.clone());
        if let Some(agent) = whose {
            *loads.entry(agent).or_insert(0) += minutes(&task);
        }
    }
    Ok(loads)
}

/// Estimated minutes that each agent did in a hundred, over the last tasks that it finished and that had an estimate.
fn speeds(cx: &Reading<'_>) -> Result<BTreeMap<AgentName, u64>, OpError> {
    let after_seq = cx.view.last_seq()?.saturating_sub(20 * TASKS_MAX as u64);
    let filter = EventFilter {
        after_seq,
        kinds: vec!["task_done".to_owned(), "task_submitted".to_owned()],
        limit: TASKS_MAX,
        bytes_max: usize::MAX,
        ..EventFilter::default()
    };
    let mut done: BTreeMap<AgentName, (u64, u64)> = BTreeMap::new();
    for event in cx.view.events(&filter)? {
        let (Fact::TaskDone(_) | Fact::TaskSubmitted(_), Some(agent)) = (&event.fact, &event.agent) else { continue };
        let Some(id) = subject(&event.fact) else { continue };
        let Some(task) = cx.view.task(id)? else { continue };
        let (Some(estimate), Some(grant)) = (task.spec.estimate_minutes, &task.grant) else { continue };
        let took_ms = event.at.0.saturating_sub(grant.since.0).max(1).unsigned_abs();
        let (estimated_ms, all_ms) = done.entry(agent.clone()).or_default();
        *estimated_ms += u64::from(estimate) * 60_000;
        *all_ms += took_ms;
    }
    Ok(done.into_iter().map(|(agent, (estimated_ms, took_ms))| (agent, estimated_ms.saturating_mul(100) / took_ms.max(1))).collect())
}

fn subject(fact: &Fact) -> Option<&oarlock_model::TaskId> {
    match fact {
        Fact::TaskDone(done) => Some(&done.id),
        Fact::TaskSubmitted(submitted) => Some(&submitted.id),
        _ => None,
    }
}

fn minutes(task: &Task) -> u64 {
    task.spec.estimate_minutes.map_or(MINUTES_DEFAULT, u64::from)
}
