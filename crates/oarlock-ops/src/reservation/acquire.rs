//! Taking reservations, alone or with a claim: all or nothing.

use oarlock_model::event::{ReservationEnd, ReservationEnded, ReservationMade};
use oarlock_model::rejection::OverlapFacts;
use oarlock_model::reservation::{Mode, Reservation, Target};
use oarlock_model::rules::liveness::AgentState;
use oarlock_model::rules::reserve::{StarvedClaim, Wanted, conflicts, goes_before};
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{AgentName, Rejection, ReservationId, SessionId, TaskId, limits, planted};
use std::collections::BTreeSet;

use crate::OpError;
use crate::context::{Deciding, Reading};
use crate::shapes::{ReservationShape, reservation_ttl_ms};
use crate::task::claim;

/// How a reservation is made.
pub(crate) struct Terms {
    pub(crate) task: Option<TaskId>,
    pub(crate) ttl_ms: i64,
    pub(crate) reason: Option<String>,
}

/// What stands in the way of `wanted`: live reservations of others.
pub(crate) fn overlaps(cx: &Reading<'_>, wanted: &[Wanted], session: Option<&SessionId>) -> Result<Vec<OverlapFacts>, OpError> {
    let mut overlaps = Vec::new();
    let reservations = cx.view.reservations()?;
    check_work(&reservations, wanted)?;
    for held in reservations {
        let Some(hit) = wanted.iter().find(|wanted| conflicts(&held, wanted, session)) else { continue };
        let ttl_ms = reservation_ttl_ms(cx, &held)?;
        if ttl_ms > 0 {
            overlaps.push(OverlapFacts {
                wanted: hit.target.to_string(),
                pattern: held.target.to_string(),
                agent: held.agent,
                task: held.task,
                reason: held.reason,
                ttl_ms,
            });
        }
    }
    Ok(overlaps)
}

/// All of this happens while nobody else can write: patterns that take long to compare are refused before it begins.
fn check_work(held: &[Reservation], wanted: &[Wanted]) -> Result<(), Rejection> {
    // Characters of names with wildcards, and of everything.
    fn sum<'a>(targets: impl Iterator<Item = &'a Target>) -> (u64, u64) {
        let of = |target: &Target| match target {
            Target::Paths(pattern) => (pattern.work(), pattern.as_str().len() as u64),
            Target::Resource(_) => (0, 0),
        };
        targets.map(of).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
    let (held, wanted) = (sum(held.iter().map(|held| &held.target)), sum(wanted.iter().map(|wanted| &wanted.target)));
    let steps = held.0.saturating_mul(wanted.1).saturating_add(held.1.saturating_mul(wanted.0));
    if steps > limits::PATTERN_STEPS_MAX {
        let what = "steps to compare the patterns with those that are held: use fewer wildcards, or fewer patterns";
        return Err(Rejection::LimitReached { what: what.into(), limit: limits::PATTERN_STEPS_MAX, actual: steps });
    }
    Ok(())
}

/// Refuses what others hold, and what a claim waits for that goes first. `task` is the one that is to be claimed; absent for a reservation made
/// by hand.
pub(crate) fn check(cx: &Deciding<'_>, wanted: &[Wanted], task: Option<&Task>) -> Result<(), OpError> {
    check_for(cx, &cx.me()?.session, wanted, task)
}

/// The same for a session that need not be the caller's.
fn check_for(cx: &Deciding<'_>, session: &SessionId, wanted: &[Wanted], task: Option<&Task>) -> Result<(), OpError> {
    // Before anything is granted: a claim whose reservations then failed could not be taken back.
    let held = cx.view().reservations()?.len();
    if held + wanted.len() > limits::RESERVATIONS_MAX {
        return Err(Rejection::limit("reservations", limits::RESERVATIONS_MAX, held + wanted.len()).into());
    }
    let own = cx.view().reservations_of(session)?;
    cx.holdings().check_reservations(cx.held(session)?.reservations, wanted)?;
    let mut overlaps = overlaps(&cx.reading(), wanted, Some(session))?;
    overlaps.append(&mut goes_first(cx, wanted, task, &own)?);
    if overlaps.is_empty() { Ok(()) } else { Err(Rejection::ReservationOverlap { overlaps }.into()) }
}

/// Claims that wait for reservations and go before this one.
fn goes_first(cx: &Deciding<'_>, wanted: &[Wanted], task: Option<&Task>, own: &[Reservation]) -> Result<Vec<OverlapFacts>, OpError> {
    let now = cx.now();
    let starved_claims = cx.view().starved_claims()?;
    // Of equally urgent claims that starve, the one that has waited longest goes first: they never stop each other for ever.
    let mine = starved_claims.iter().find(|(id, starved)| task.is_some_and(|task| task.id == *id) && starved.counts_for_ms(now) > 0);
    let mut first = Vec::new();
    for (id, starved) in &starved_claims {
        let Some(wanted) = wanted.iter().find(|wanted| starved.overlaps(wanted)) else { continue };
        // Who holds what it waits for is never kept away: that agent may need this to finish.
        if task.is_some_and(|task| task.id == *id) || own.iter().any(|held| starved.waits_for(held)) {
            continue;
        }
        let Some(node) = cx.view().node(id)?.filter(|node| node.state == TaskState::Ready) else { continue };
        let is_as_urgent = task.is_none_or(|task| task.priority == node.priority);
        let has_waited_less = is_as_urgent && mine.is_some_and(|(mine, own)| (own.since, mine) < (starved.since, id));
        if has_waited_less || !goes_before(starved, node.priority, task.map(|task| task.priority), now) {
            continue;
        }
        if let Some(agent) = could_take(&cx.reading(), id, starved)? {
            first.push(OverlapFacts {
                wanted: wanted.target.to_string(),
                pattern: wanted.target.to_string(),
                reason: Some(format!("{id} waits for it and goes first")),
                ttl_ms: frees_in_ms(cx, starved)?,
                agent,
                task: Some(id.clone()),
            });
        }
    }
    Ok(first)
}

/// An active agent that could take the task, if there is one. Claims in vain are not noted as presence: an agent that tried a moment ago
/// counts as active.
fn could_take(cx: &Reading<'_>, id: &TaskId, starved: &StarvedClaim) -> Result<Option<AgentName>, OpError> {
    let task = cx.task(id)?;
    for agent in cx.view.agents()? {
        let has_tried = agent.is_live() && agent.name == starved.by && starved.counts_for_ms(cx.now) > 0;
        let is_there = has_tried || cx.agent_state(&agent) == AgentState::Active;
        if is_there && claim::misfit(cx, &task, &agent)?.is_none() {
            return Ok(Some(agent.name));
        }
    }
    Ok(None)
}

/// When the first of the reservations that a claim waits for ends, in milliseconds.
fn frees_in_ms(cx: &Deciding<'_>, starved: &StarvedClaim) -> Result<i64, OpError> {
    let mut first = None;
    for held in cx.view().reservations()?.iter().filter(|held| starved.waits_for(held)) {
        let ttl_ms = reservation_ttl_ms(&cx.reading(), held)?;
        first = first.into_iter().chain(Some(ttl_ms).filter(|ms| *ms > 0)).min();
    }
    Ok(first.unwrap_or(0))
}

/// The check before a claim with `--reserve`; a claim in vain is remembered, so that it does not starve.
pub(crate) fn check_for_claim(cx: &mut Deciding<'_>, task: &Task) -> Result<(), OpError> {
    let wanted = wanted_by(task);
    let checked = check(cx, &wanted, Some(task));
    if matches!(&checked, Err(OpError::Rejected(Rejection::ReservationOverlap { .. }))) {
        let (now, by) = (cx.now().store, cx.me()?.name.clone());
        let starved = cx.view().starved_claims()?;
        // A claim that nobody has tried for a while starts waiting anew.
        let before = starved.iter().find(|(id, s)| *id == task.id && s.counts_for_ms(cx.now()) > 0);
        let since = before.map_or(now, |(_, s)| s.since);
        for (id, _) in starved.iter().filter(|(id, _)| *id != task.id) {
            // What was done, cancelled or claimed another way waits no more.
            if cx.view().task_state(id)?.is_none_or(TaskState::is_finished) {
                cx.tx().write_starved(id, None)?;
            }
        }
        cx.tx().write_starved(&task.id, Some(&StarvedClaim { by, wanted, since, last_try: now }))?;
        cx.keep()?;
    }
    checked
}

/// Makes the reservations of a claim that was checked before.
pub(crate) fn with_claim(cx: &mut Deciding<'_>, task: &Task) -> Result<Vec<ReservationShape>, OpError> {
    let made = make(cx, wanted_by(task), &terms_of(task))?;
    cx.tx().write_starved(&task.id, None)?;
    Ok(made)
}

fn terms_of(task: &Task) -> Terms {
    let ttl_ms = task.grant.as_ref().map_or(0, |grant| grant.ttl_ms);
    Terms { task: Some(task.id.clone()), ttl_ms, reason: Some(task.spec.title.clone()) }
}

/// What the reservations of a held task have to become when its write set or resources change.
pub(crate) struct Following {
    /// Of this holder.
    holder: (AgentName, SessionId),
    /// To be made.
    new: Vec<Wanted>,
    /// To be ended.
    gone: Vec<ReservationId>,
}

/// Checks that the reservations of a task that was claimed with `--reserve` can follow a change of it, before anything is
/// emitted. Nothing for any other task: its files were never reserved with it.
///
/// # Errors
/// `reservation_overlap`, `limit_reached`, store errors.
pub(crate) fn follow(cx: &Deciding<'_>, before: &Task, after: &Task) -> Result<Option<Following>, OpError> {
    let is_followed = |grant: &&Grant| grant.reserve && !planted::is(planted::UPDATE_RESERVES_NOTHING);
    let Some(grant) = before.holder().filter(is_followed) else { return Ok(None) };
    let (old, wanted) = (wanted_by(before), wanted_by(after));
    let held: Vec<Reservation> =
        cx.view().reservations_of_task(&before.id)?.into_iter().filter(|held| held.session == grant.session).collect();
    let is_held = |wanted: &Wanted| held.iter().any(|held| held.target == wanted.target && held.mode == Mode::Exclusive);
    let mut new: Vec<Wanted> = Vec::new();
    for wanted in wanted.iter().filter(|wanted| !is_held(wanted)) {
        if !new.contains(wanted) {
            new.push(wanted.clone());
        }
    }
    // Of two with one target the older came with the claim, the other was made by hand and stays.
    let is_gone = |target: &&Target| !wanted.iter().any(|wanted| wanted.target == **target);
    let gone: BTreeSet<&Target> = old.iter().map(|old| &old.target).filter(is_gone).collect();
    let gone = gone.into_iter().filter_map(|target| held.iter().find(|held| held.target == *target)).map(|held| held.id.clone()).collect();
    check_for(cx, &grant.session, &new, Some(before))?;
    Ok(Some(Following { holder: (grant.agent.clone(), grant.session.clone()), new, gone }))
}

/// Makes and ends what [`follow`] has found; says what was made.
pub(crate) fn followed(cx: &mut Deciding<'_>, task: &Task, following: Following) -> Result<Vec<ReservationShape>, OpError> {
    let Following { holder: (agent, session), new, gone } = following;
    for id in gone {
        // Said by the caller: should that be another agent, the holder hears of it.
        cx.emit(ReservationEnded { id, reason: ReservationEnd::Released })?;
    }
    make_for(cx, &agent, &session, new, &terms_of(task))
}

fn wanted_by(task: &Task) -> Vec<Wanted> {
    let paths = task.spec.writes.iter().cloned().map(Target::Paths);
    let resources = task.spec.resources.iter().cloned().map(Target::Resource);
    paths.chain(resources).map(|target| Wanted { target, mode: Mode::Exclusive }).collect()
}

/// Makes reservations that were checked before. Overlapping ones of others can only have run out: they end.
pub(crate) fn make(cx: &mut Deciding<'_>, wanted: Vec<Wanted>, terms: &Terms) -> Result<Vec<ReservationShape>, OpError> {
    let me = cx.me()?.clone();
    make_for(cx, &me.name, &me.session, wanted, terms)
}

fn make_for(
    cx: &mut Deciding<'_>,
    agent: &AgentName,
    session: &SessionId,
    wanted: Vec<Wanted>,
    terms: &Terms,
) -> Result<Vec<ReservationShape>, OpError> {
    let held = cx.view().reservations()?;
    for old in held.iter().filter(|old| wanted.iter().any(|wanted| conflicts(old, wanted, Some(session)))) {
        cx.emit(ReservationEnded { id: old.id.clone(), reason: ReservationEnd::Expired })?;
    }
    let mut shapes = Vec::new();
    for Wanted { target, mode } in wanted {
        let reservation = Reservation {
            id: ReservationId::of(cx.next_token().0),
            target,
            mode,
            agent: agent.clone(),
            session: session.clone(),
            task: terms.task.clone(),
            made: cx.now().store,
            ttl_ms: terms.ttl_ms,
            reason: terms.reason.clone(),
        };
        let Reservation { id, target, mode, task, ttl_ms, reason, .. } = reservation.clone();
        cx.emit_as(Some(agent.clone()), Some(session.clone()), ReservationMade { id, target, mode, task, ttl_ms, reason }.into())?;
        shapes.push(ReservationShape::of(&cx.reading(), &reservation)?);
    }
    Ok(shapes)
}
