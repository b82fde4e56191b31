//! Effects of time and death that are due: settled before anything else is decided (semantics 8, 11, 12).

use oarlock_model::agent::Agent;
use oarlock_model::event::{
    AgentLost, DeathProof, IntentDropped, LeaseLost, LossReason, ReservationEnd, ReservationEnded, TaskDied, TaskReadied,
};
use oarlock_model::rules::retry;
use oarlock_model::task::Task;
use oarlock_model::{AgentName, Rejection, SessionId, TaskId, limits};
use std::collections::{BTreeMap, BTreeSet};

use crate::OpError;
use crate::context::Deciding;
use crate::outside::Intent;
use crate::owners::Owners;
use crate::portions::Extent;
use crate::presence::death_proof;
use crate::proposal::close;
use crate::store::{StoreResult, View};
use crate::task::{rest, urgency};

/// Whether there is anything to settle, and which of the sessions that were looked at are dead.
pub(crate) fn due(view: &dyn View, owners: &dyn Owners) -> StoreResult<Option<Vec<AgentName>>> {
    if !view.may_be_due(owners.boot_id())? {
        return Ok(None);
    }
    let dead: Vec<AgentName> = to_be_checked(view, owners)?
        .into_iter()
        .filter(|agent| death_proof(owners, agent, view.now()).is_some())
        .map(|agent| agent.name)
        .collect();
    let is_due = !dead.is_empty()
        || !view.due_tasks(1)?.is_empty()
        || !view.expired_reservations(1)?.is_empty()
        || !view.due_proposals(1)?.is_empty();
    Ok(is_due.then_some(dead))
}

/// The sessions that one look checks for their death. Where more have a process than one can ask the system for, each look takes the next
/// part of them: all who share the store count on, so a death is found after as many looks as there are parts. Where nothing is shared, the
/// part follows from the moment and the end of the log.
pub(crate) fn to_be_checked(view: &dyn View, owners: &dyn Owners) -> StoreResult<Vec<Agent>> {
    let limit = limits::OWNERS_CHECKED_MAX;
    let mut agents = view.owned_agents(0, limit)?;
    if agents.len() == limit {
        let count = view.owned_agent_count()?;
        let parts = parts_of(count);
        let turn = match owners.turn() {
            Some(turn) => turn,
            None => spread(view.now().store.0.unsigned_abs() ^ view.last_seq()?),
        };
        let size = count.div_ceil(parts);
        agents = view.owned_agents(usize::try_from(turn % parts as u64).unwrap_or(0) * size, size)?;
    }
    agents.extend(view.agents_of_other_boots(owners.boot_id(), limit)?);
    Ok(agents)
}

/// In how many parts this many sessions are checked. One call may look two or three times: with a number that shares no factor with these, each
/// kind of look comes to every part.
fn parts_of(count: usize) -> usize {
    let fewest = count.div_ceil(limits::OWNERS_CHECKED_MAX).max(1);
    (fewest..).find(|parts| *parts == 1 || (parts % 2 != 0 && parts % 3 != 0)).unwrap_or(fewest)
}

/// Those who stand in the way of a call and are dead, although no look has come to them yet.
pub(crate) fn dead_in_the_way(view: &dyn View, owners: &dyn Owners, refused: &Rejection) -> StoreResult<Vec<AgentName>> {
    let mut dead = BTreeSet::new();
    for name in refused.in_the_way() {
        if !dead.contains(name) && is_dead(view, owners, name)? {
            dead.insert(name.clone());
        }
    }
    Ok(dead.into_iter().collect())
}

/// Whether the session of an agent is dead and has not been ended yet.
pub(crate) fn is_dead(view: &dyn View, owners: &dyn Owners, name: &AgentName) -> StoreResult<bool> {
    Ok(view.agent(name)?.is_some_and(|agent| agent.is_live() && death_proof(owners, &agent, view.now()).is_some()))
}

/// A number that looks as if drawn by lot (the finaliser of SplitMix64): calls at regular times must not take the same part each time.
fn spread(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Settles: sessions proven dead, tasks fallen due, reservations run out, proposals past their deadline; as much as fits into one portion. Those in `first` are checked before
/// others. What it names afterwards goes first in the next portion: an end that has begun is not left to another call.
pub(crate) fn reap(cx: &mut Deciding<'_>, first: &mut Vec<AgentName>) -> Result<Extent, OpError> {
    if !cx.view().may_be_due(cx.owners().boot_id())? {
        first.clear();
        return Ok(Extent::All);
    }
    let mut agents = BTreeMap::new();
    for name in first.iter() {
        agents.extend(cx.view().agent(name)?.map(|agent| (name.clone(), agent)));
    }
    let known: Vec<Agent> = agents.values().cloned().collect();
    let others = to_be_checked(cx.view(), cx.owners())?.into_iter().filter(|agent| !agents.contains_key(&agent.name));
    for agent in known.into_iter().chain(others.collect::<Vec<_>>()) {
        if let Some(proof) = death_proof(cx.owners(), &agent, cx.view().now())
            && lose_some(cx, &agent, proof)? == Extent::Part
        {
            if !first.contains(&agent.name) {
                first.insert(0, agent.name);
            }
            return Ok(Extent::Part);
        }
    }
    first.clear();
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
    for proposal in cx.view().due_proposals(cx.room())? {
        if cx.room() == 0 {
            return Ok(Extent::Part);
        }
        close::at_deadline(cx, &proposal)?;
    }
    Ok(if cx.room() == 0 { Extent::Part } else { Extent::All })
}

/// Ends a session that cannot act any more and frees what it held, all at once.
pub(crate) fn lose_session(cx: &mut Deciding<'_>, agent: &Agent, proof: DeathProof) -> Result<(), OpError> {
    cx.emit(AgentLost { name: agent.name.clone(), session: agent.session.clone(), proof })?;
    for id in cx.view().first_held_by(&agent.session, usize::MAX)? {
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
        close::where_reached(cx)?;
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
    close::where_reached(cx)?;
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
    if grant.is_intent() {
        // Its session was never reported: nothing is lost, and it was no attempt.
        drop_intent(cx, task, resting)?;
        return Ok(true);
    }
    // A restore is nobody's fault: it does not count against the task.
    let losses = if reason == LossReason::Restored { task.losses } else { task.losses + 1 };
    let death = retry::death_by_loss(losses, task.spec.max_attempts);
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
    Ok((cx.view().first_held_by(session, room)?, cx.view().first_reservations_of(session, false, room)?.len()))
}

/// Drops these intents, as far as they still stand.
pub(crate) fn drop_intents(cx: &mut Deciding<'_>, intents: &[Intent]) -> Result<(), OpError> {
    for intent in intents {
        let task = cx.task(&intent.task)?;
        if task.intent().is_some_and(|found| found.token == intent.token) {
            drop_intent(cx, &task, true)?;
        }
    }
    Ok(())
}

/// Drops the intent to grant a task, if there is one. With `resting`, the task goes back to where it rests.
pub(crate) fn drop_intent(cx: &mut Deciding<'_>, task: &Task, resting: bool) -> Result<(), OpError> {
    let Some(intent) = task.intent() else { return Ok(()) };
    let resting = if resting { Some(rest::resting_place(cx.view(), task)?) } else { None };
    cx.emit(IntentDropped { task: task.id.clone(), token: intent.token, resting })?;
    end_reservations_of_task(cx, &task.id)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_small_enough_and_every_kind_of_look_comes_to_all_of_them() {
        for count in [1, 63, 64, 65, 128, 129, 192, 400, 10_000] {
            let parts = parts_of(count);
            assert!(count.div_ceil(parts) <= limits::OWNERS_CHECKED_MAX, "{count}");
            for step in 1..=3 {
                let seen: BTreeSet<usize> = (0..parts).map(|look| look * step % parts).collect();
                assert_eq!(seen.len(), parts, "{count} by {step}");
            }
        }
    }
}
