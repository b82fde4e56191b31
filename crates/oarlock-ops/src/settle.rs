//! What time and death have already made true: settled before anything else is decided (semantics 8, 11, 12).

use oarlock_model::agent::{Agent, Owner};
use oarlock_model::event::{AgentLost, DeathProof, LeaseLost, LossReason, ReservationEnd, ReservationEnded, TaskDied, TaskReadied};
use oarlock_model::rules::retry;
use oarlock_model::task::Task;
use oarlock_model::{SessionId, TaskId, limits, planted};

use crate::OpError;
use crate::context::Deciding;
use crate::portions::Extent;
use crate::store::{OwnerSight, StoreResult, View};
use crate::task::{rest, urgency};

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

/// Settles: sessions proven dead, tasks fallen due, reservations run out; as much as fits into one portion.
pub(crate) fn settle(cx: &mut Deciding<'_>) -> Result<Extent, OpError> {
    if !cx.view().may_be_due()? {
        return Ok(Extent::All);
    }
    for agent in to_be_checked(cx.view())? {
        if let Some(proof) = death_proof(cx.view(), &agent)
            && lose_some(cx, &agent, proof)? == Extent::Part
        {
            return Ok(Extent::Part);
        }
    }
    let due = cx.view().due_tasks(cx.room())?;
    let ended = cx.view().expired_reservations(cx.room())?;
    for id in due {
        if cx.room() == 0 {
            return Ok(Extent::Part);
        }
        cx.emit(TaskReadied { id })?;
    }
    for id in ended {
        if cx.room() == 0 {
            return Ok(Extent::Part);
        }
        cx.emit(ReservationEnded { id, reason: ReservationEnd::Expired })?;
    }
    Ok(if cx.room() == 0 { Extent::Part } else { Extent::All })
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

/// Ends a session that cannot act any more and frees what it held, all at once.
pub(crate) fn lose_session(cx: &mut Deciding<'_>, agent: &Agent, proof: DeathProof) -> Result<(), OpError> {
    cx.emit(AgentLost { name: agent.name.clone(), session: agent.session.clone(), proof })?;
    for id in cx.view().claims_of(&agent.session)? {
        let task = cx.task(&id)?;
        lose_lease(cx, &task, loss_by(proof), true)?;
    }
    for id in cx.view().reservations_of(&agent.session)?.into_iter().map(|r| r.id) {
        cx.emit(ReservationEnded { id, reason: ReservationEnd::SessionEnded })?;
    }
    Ok(())
}

/// The same, but of a session that holds more than fits into this portion only as much as does. That one has lost what it has lost, and
/// ends with its last portion: its death is proven to every call until then.
fn lose_some(cx: &mut Deciding<'_>, agent: &Agent, proof: DeathProof) -> Result<Extent, OpError> {
    if cx.room() == 0 {
        return Ok(Extent::Part);
    }
    let (held, reserved) = first_held(cx, &agent.session)?;
    if held.len() + reserved < cx.room() {
        lose_session(cx, agent, proof)?;
        return Ok(Extent::All);
    }
    for id in held {
        if cx.room() == 0 {
            return Ok(Extent::Part);
        }
        let task = cx.task(&id)?;
        lose_lease(cx, &task, loss_by(proof), true)?;
    }
    if end_reservations_of(cx, &agent.session)? == Extent::Part || cx.room() == 0 {
        return Ok(Extent::Part);
    }
    cx.emit(AgentLost { name: agent.name.clone(), session: agent.session.clone(), proof })?;
    Ok(Extent::All)
}

fn loss_by(proof: DeathProof) -> LossReason {
    match proof {
        DeathProof::OwnerDied | DeathProof::Rebooted => LossReason::OwnerDied,
        DeathProof::Restored => LossReason::Restored,
    }
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

/// The first leases of a session, and how many reservations it has, both as far as they fit into this portion.
pub(crate) fn first_held(cx: &Deciding<'_>, session: &SessionId) -> StoreResult<(Vec<TaskId>, usize)> {
    let room = cx.room() + 1;
    Ok((cx.view().first_claims_of(session, room)?, cx.view().first_reservations_of(session, false, room)?.len()))
}

/// Ends what a session has reserved, as much as fits into this portion.
pub(crate) fn end_reservations_of(cx: &mut Deciding<'_>, session: &SessionId) -> Result<Extent, OpError> {
    for id in cx.view().first_reservations_of(session, false, cx.room() + 1)?.into_iter().map(|r| r.id) {
        if cx.room() == 0 {
            return Ok(Extent::Part);
        }
        cx.emit(ReservationEnded { id, reason: ReservationEnd::SessionEnded })?;
    }
    Ok(Extent::All)
}

/// Ends what came with the claim of a task.
pub(crate) fn end_reservations_of_task(cx: &mut Deciding<'_>, task: &TaskId) -> Result<(), OpError> {
    for id in cx.view().reservations_of_task(task)?.into_iter().map(|r| r.id) {
        cx.emit(ReservationEnded { id, reason: ReservationEnd::LeaseEnded })?;
    }
    Ok(())
}
