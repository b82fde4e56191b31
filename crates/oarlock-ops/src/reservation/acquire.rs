//! Taking reservations, alone or with a claim: all or nothing.

use oarlock_model::event::{ReservationEnd, ReservationEnded, ReservationMade};
use oarlock_model::reservation::{Mode, Reservation, Target};
use oarlock_model::rules::holdings::Holdings;
use oarlock_model::rules::reserve::{StarvedClaim, Wanted, forgotten};
use oarlock_model::task::{Grant, Task, TaskSpec, TaskState};
use oarlock_model::{AgentName, Rejection, ReservationId, SessionId, TaskId, limits, seeded};
use std::collections::BTreeSet;

use crate::OpError;
use crate::context::{Deciding, Reading};
use crate::reservation::obstacles::{Claimant, Obstacles};
use crate::shapes::ReservationShape;
use crate::store::StoreResult;

/// A claim in vain that the same agent tried so shortly before is not written again, in milliseconds.
const NOTED_AGAIN_MS: i64 = limits::STARVED_FORGET_MS / 8;

/// How a reservation is made.
pub(crate) struct Terms {
    pub(crate) task: Option<TaskId>,
    pub(crate) ttl_ms: i64,
    pub(crate) reason: Option<String>,
}

/// Refuses what others hold, and what a claim waits for that goes first. `task` is the one that is to be claimed; absent for a reservation made
/// by hand.
pub(crate) fn check(cx: &Deciding<'_>, wanted: &[Wanted], task: Option<&Task>) -> Result<(), OpError> {
    check_for(cx, &cx.me()?.session, wanted, task)
}

/// The same for a session that need not be the caller's.
fn check_for(cx: &Deciding<'_>, session: &SessionId, wanted: &[Wanted], task: Option<&Task>) -> Result<(), OpError> {
    // Before anything is granted: a claim whose reservations then failed could not be taken back.
    Room::read(&cx.reading(), session)?.check(cx.holdings(), wanted)?;
    let task = task.map(|task| Claimant { id: &task.id, priority: task.priority });
    let (overlaps, more) = Obstacles::of(Some(session), limits::PATTERN_STEPS_MAX).all(&cx.reading(), wanted, task)?;
    if overlaps.is_empty() { Ok(()) } else { Err(Rejection::ReservationOverlap { overlaps, more }.into()) }
}

/// How many reservations there are, in the store and of the caller.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    in_store: usize,
    of_caller: usize,
}

impl Room {
    /// Counts them.
    pub(crate) fn read(cx: &Reading<'_>, session: &SessionId) -> StoreResult<Self> {
        Ok(Self { in_store: cx.view.reservation_count()?, of_caller: cx.held(session)?.reservations })
    }

    /// Whether there is room for these as well.
    pub(crate) fn check(&self, holdings: Holdings, wanted: &[Wanted]) -> Result<(), Rejection> {
        let in_store = self.in_store + wanted.len();
        if in_store > limits::RESERVATIONS_MAX {
            return Err(Rejection::limit("reservations", limits::RESERVATIONS_MAX, in_store));
        }
        holdings.check_reservations(self.of_caller, wanted)
    }

    /// Number of reservations made in addition.
    pub(crate) fn made(&mut self, reservations: usize) {
        self.in_store += reservations;
        self.of_caller += reservations;
    }
}

/// The check before a claim of this task with `--reserve`; a claim in vain is remembered, so that it does not starve.
pub(crate) fn check_for_claim(cx: &mut Deciding<'_>, task: &Task) -> Result<(), OpError> {
    let wanted = wanted_by(&task.spec);
    let checked = check(cx, &wanted, Some(task));
    if matches!(&checked, Err(OpError::Rejected(Rejection::ReservationOverlap { .. }))) {
        note_in_vain(cx, vec![(task.id.clone(), wanted)])?;
        cx.keep()?;
    }
    checked
}

/// Remembers claims in vain, and forgets those that wait no more or were not tried for the longest time.
pub(crate) fn note_in_vain(cx: &mut Deciding<'_>, tasks: Vec<(TaskId, Vec<Wanted>)>) -> Result<(), OpError> {
    if tasks.is_empty() {
        return Ok(());
    }
    let (now, by) = (cx.now().store, cx.me()?.name.clone());
    let mut starved = cx.view().starved_claims()?;
    for (id, wanted) in tasks {
        // A claim that nobody has tried for a while starts waiting again.
        let at = starved.iter().position(|(other, claim)| *other == id && claim.counts_for_ms(cx.now()) > 0);
        let is_same = |before: &StarvedClaim| before.by == by && before.wanted == wanted && now.since_ms(before.last_try) < NOTED_AGAIN_MS;
        if at.is_some_and(|at| is_same(&starved[at].1)) {
            continue;
        }
        let since = at.map_or(now, |at| starved[at].1.since);
        starved.retain(|(other, _)| *other != id);
        let claim = StarvedClaim { by: by.clone(), wanted, since, last_try: now };
        cx.tx().write_starved(&id, Some(&claim))?;
        starved.push((id, claim));
    }
    for (id, claim) in &starved {
        // A task that was done, cancelled or claimed another way waits no more.
        if claim.last_try < now && cx.view().task_state(id)?.is_none_or(TaskState::is_finished) {
            cx.tx().write_starved(id, None)?;
        }
    }
    for id in forgotten(&starved) {
        cx.tx().write_starved(&id, None)?;
    }
    Ok(())
}

/// Makes the reservations of a claim that was checked before.
pub(crate) fn with_claim(cx: &mut Deciding<'_>, task: &Task) -> Result<Vec<ReservationShape>, OpError> {
    let made = make(cx, wanted_by(&task.spec), &terms_of(task))?;
    cx.tx().write_starved(&task.id, None)?;
    Ok(made)
}

fn terms_of(task: &Task) -> Terms {
    let ttl_ms = task.grant.as_ref().map_or(0, |grant| grant.ttl_ms);
    Terms { task: Some(task.id.clone()), ttl_ms, reason: Some(task.spec.title.clone()) }
}

/// The new reservations of a held task when its write set or resources change.
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
    let is_followed = |grant: &&Grant| grant.reserve && !seeded::is(seeded::UPDATE_RESERVES_NOTHING);
    let Some(grant) = before.holder().filter(is_followed) else { return Ok(None) };
    let (old, wanted) = (wanted_by(&before.spec), wanted_by(&after.spec));
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

/// Makes and ends what [`follow`] has found; returns the changes.
pub(crate) fn followed(cx: &mut Deciding<'_>, task: &Task, following: Following) -> Result<Vec<ReservationShape>, OpError> {
    let Following { holder: (agent, session), new, gone } = following;
    for id in gone {
        // Said by the caller: should that be another agent, the holder hears of it.
        cx.emit(ReservationEnded { id, reason: ReservationEnd::Released })?;
    }
    make_for(cx, &agent, &session, new, &terms_of(task))
}

/// The reservations of a claim with `--reserve`.
pub(crate) fn wanted_by(spec: &TaskSpec) -> Vec<Wanted> {
    let paths = spec.writes.iter().cloned().map(Target::Paths);
    let resources = spec.resources.iter().cloned().map(Target::Resource);
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
    for id in Obstacles::of(Some(session), limits::PATTERN_STEPS_MAX).conflicting(cx.view(), &wanted)? {
        cx.emit(ReservationEnded { id, reason: ReservationEnd::Expired })?;
    }
    let mut made = Vec::new();
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
        made.push(reservation);
    }
    Ok(ReservationShape::of_all(cx.view(), cx.now(), &made)?)
}
