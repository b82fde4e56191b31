//! What time and death have already made true: settled before anything else is decided (semantics 8, 11, 12).

use oarlock_model::agent::{Agent, Owner};
use oarlock_model::event::{AgentLost, DeathProof, LeaseLost, LossReason, ReservationEnd, ReservationEnded, TaskDied, TaskReadied};
use oarlock_model::rules::retry;
use oarlock_model::task::Task;
use oarlock_model::{ReservationId, SessionId, TaskId, limits, planted};

use crate::OpError;
use crate::context::Deciding;
use crate::store::{OwnerSight, StoreResult, View};
use crate::task::{rest, urgency};

/// How much is settled in one transaction; the next one goes on.
const BATCH: usize = 1_000;

/// Whether there is anything to settle.
pub(crate) fn is_due(view: &dyn View) -> StoreResult<bool> {
    if !view.may_be_due()? {
        return Ok(false);
    }
    if !view.due_tasks(1)?.is_empty() || !view.expired_reservations(1)?.is_empty() {
        return Ok(true);
    }
    Ok(to_be_checked(view)?.iter().any(|agent| death_proof(view, agent).is_some()))
}

/// The sessions that one call checks for their death. Where more have a process than one call can ask the system for, each call takes
/// another part of them: which one follows from the moment and the end of the log, so that callers without a common memory take turns.
pub(crate) fn to_be_checked(view: &dyn View) -> StoreResult<Vec<Agent>> {
    let limit = limits::OWNERS_CHECKED_MAX;
    let mut agents = view.owned_agents(0, limit)?;
    if agents.len() == limit {
        let parts = view.owned_agent_count()?.div_ceil(limit) as u64;
        let part = spread(view.now().store.0.unsigned_abs() ^ view.last_seq()?) % parts.max(1);
        agents = view.owned_agents(usize::try_from(part).unwrap_or(0) * limit, limit)?;
    }
    agents.extend(view.agents_of_other_boots(limit)?);
    Ok(agents)
}

/// A number that looks as if drawn by lot (the finaliser of SplitMix64): calls at regular times must not take the same part each time.
fn spread(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Settles: sessions proven dead, tasks fallen due, reservations run out.
pub(crate) fn settle(cx: &mut Deciding<'_>) -> Result<(), OpError> {
    if !cx.view().may_be_due()? {
        return Ok(());
    }
    for agent in to_be_checked(cx.view())? {
        if let Some(proof) = death_proof(cx.view(), &agent) {
            lose_session(cx, &agent, proof)?;
        }
    }
    for id in cx.view().due_tasks(BATCH)? {
        cx.emit(TaskReadied { id })?;
    }
    for id in cx.view().expired_reservations(BATCH)? {
        cx.emit(ReservationEnded { id, reason: ReservationEnd::Expired })?;
    }
    Ok(())
}

fn death_proof(view: &dyn View, agent: &Agent) -> Option<DeathProof> {
    let grace_ms = match &agent.owner {
        Owner::Lock { grace_ms, .. } => *grace_ms,
        _ => 0,
    };
    match view.owner_sight(agent) {
        _ if planted::is(planted::DEATH_UNSEEN) => None,
        OwnerSight::OtherBoot => Some(DeathProof::Rebooted),
        // Clients restart such owners on purpose: the death counts when it has lasted.
        OwnerSight::Died if view.now().store.since_ms(agent.presence.seen) >= grace_ms => Some(DeathProof::OwnerDied),
        _ => None,
    }
}

/// Ends a session that cannot act any more and frees what it held.
pub(crate) fn lose_session(cx: &mut Deciding<'_>, agent: &Agent, proof: DeathProof) -> Result<(), OpError> {
    cx.emit(AgentLost { name: agent.name.clone(), session: agent.session.clone(), proof })?;
    let reason = match proof {
        DeathProof::OwnerDied | DeathProof::Rebooted => LossReason::OwnerDied,
        DeathProof::Restored => LossReason::Restored,
    };
    for id in cx.view().claims_of(&agent.session)? {
        let task = cx.task(&id)?;
        lose_lease(cx, &task, reason, true)?;
    }
    end_reservations_of(cx, &agent.session)
}

/// Ends the lease of a claimed task whose holder lost it. With `resting`, the task goes back to where
/// it rests; otherwise it is to be granted at once. Whether it lives on.
pub(crate) fn lose_lease(cx: &mut Deciding<'_>, task: &Task, reason: LossReason, resting: bool) -> Result<bool, OpError> {
    let Some(grant) = task.holder() else { return Ok(true) };
    // A restore is nobody's fault: it does not count against the task.
    let losses = if reason == LossReason::Restored { task.losses } else { task.losses + 1 };
    let death = retry::death(task.failures, losses, task.spec.max_attempts);
    let rests = match death {
        None if resting => Some(rest::resting_place(cx.view(), task)?),
        _ => None,
    };
    cx.emit(LeaseLost {
        task: task.id.clone(),
        holder: grant.agent.clone(),
        holder_session: grant.session.clone(),
        token: grant.token,
        reason,
        losses,
        resting: rests,
    })?;
    end_reservations_of_task(cx, &task.id)?;
    if let Some(reason) = death {
        let unmet_needs = rest::unmet_needs(cx.view(), task)?;
        cx.emit(TaskDied { id: task.id.clone(), reason, failures: task.failures, losses })?;
        urgency::refresh(cx, unmet_needs)?;
    }
    Ok(death.is_none())
}

/// Ends everything a session has reserved.
pub(crate) fn end_reservations_of(cx: &mut Deciding<'_>, session: &SessionId) -> Result<(), OpError> {
    let ids = cx.view().reservations_of(session)?.into_iter().map(|r| r.id).collect();
    end_reservations(cx, ids, ReservationEnd::SessionEnded)
}

/// Ends what came with the claim of a task.
pub(crate) fn end_reservations_of_task(cx: &mut Deciding<'_>, task: &TaskId) -> Result<(), OpError> {
    let ids = cx.view().reservations_of_task(task)?.into_iter().map(|r| r.id).collect();
    end_reservations(cx, ids, ReservationEnd::LeaseEnded)
}

fn end_reservations(cx: &mut Deciding<'_>, ids: Vec<ReservationId>, reason: ReservationEnd) -> Result<(), OpError> {
    for id in ids {
        cx.emit(ReservationEnded { id, reason })?;
    }
    Ok(())
}
