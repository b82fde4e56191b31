//! The obstacles to paths and resources that a call wants: reservations of others, and claims that wait for them and go
//! first (semantics 13, 14).
//!
//! Only what could overlap is read: see [`oarlock_model::rules::near`]. What does not depend on the wanted is read once for a call.

use oarlock_model::agent::Agent;
use oarlock_model::rejection::OverlapFacts;
use oarlock_model::reservation::{Mode, Reservation, Target};
use oarlock_model::rules::claim;
use oarlock_model::rules::liveness::{self, AgentState};
use oarlock_model::rules::near::Near;
use oarlock_model::rules::reserve::{StarvedClaim, Steps, Wanted, WantedNear, goes_before};
use oarlock_model::task::{Grant, TaskState};
use oarlock_model::{AgentName, ReservationId, SessionId, TaskId, limits};
use std::collections::{BTreeMap, BTreeSet};

use crate::OpError;
use crate::context::Reading;
use crate::search::Obstacle;
use crate::shapes::reservation_ttls_ms;
use crate::store::{ReservationView, StoreResult};

/// The task that a claim is about.
#[derive(Clone, Copy)]
pub(crate) struct Claimant<'t> {
    /// Its id.
    pub(crate) id: &'t TaskId,
    /// Its priority.
    pub(crate) priority: u8,
}

/// The obstacles of one call, which may ask for many tasks or paths.
pub(crate) struct Obstacles {
    /// Whose own reservations are none; absent where nobody is known.
    session: Option<SessionId>,
    /// The comparing of all the call.
    steps_left: u64,
    /// That of one task or list of paths.
    steps: Steps,
    all: Option<AllReservations>,
    starved: Option<Starved>,
    present: Option<Vec<Agent>>,
    holders: BTreeMap<AgentName, Option<Agent>>,
    grants: BTreeMap<TaskId, Option<Grant>>,
}

/// All reservations, for a call that asks for very many tasks.
struct AllReservations {
    list: Vec<Reservation>,
    near: Near<usize>,
}

/// The claims in vain, filed under what they want.
struct Starved {
    claims: Vec<(TaskId, StarvedClaim)>,
    near: Near<(usize, usize)>,
}

impl Obstacles {
    /// For a call of this session that takes at most this many steps to compare patterns, and [`limits::PATTERN_STEPS_MAX`] of them for
    /// one task.
    pub(crate) fn of(session: Option<&SessionId>, steps_max: u64) -> Self {
        Self {
            session: session.cloned(),
            steps_left: steps_max,
            steps: Steps::at_most(steps_max.min(limits::PATTERN_STEPS_MAX)),
            all: None,
            starved: None,
            present: None,
            holders: BTreeMap::new(),
            grants: BTreeMap::new(),
        }
    }

    /// Reads all reservations now, instead of some of them for each task.
    pub(crate) fn read_all(&mut self, view: &dyn ReservationView) -> StoreResult<()> {
        let list = view.reservations()?;
        let near = list.iter().enumerate().map(|(at, held)| (&held.target, at)).collect();
        self.all = Some(AllReservations { list, near });
        Ok(())
    }

    /// For a question, which holds nobody up however long it takes.
    pub(crate) fn of_question(session: Option<&SessionId>) -> Self {
        Self { steps: Steps::at_most(limits::SEARCH_STEPS_MAX), ..Self::of(session, limits::SEARCH_STEPS_MAX) }
    }

    /// Whether the call has no steps left.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.steps_left == 0
    }

    /// The first obstacle. `task` is the one that is to be claimed; absent for a reservation made by hand.
    ///
    /// # Errors
    /// `limit_reached` when the comparing takes too long for one task, or for the call.
    pub(crate) fn first(&mut self, cx: &Reading<'_>, wanted: &[Wanted], task: Option<Claimant<'_>>) -> Result<Option<Obstacle>, OpError> {
        self.steps = Steps::at_most(self.steps_left.min(limits::PATTERN_STEPS_MAX));
        let first = self.look_for_first(cx, wanted, task);
        self.steps_left = self.steps_left.saturating_sub(self.steps.taken());
        first
    }

    fn look_for_first(&mut self, cx: &Reading<'_>, wanted: &[Wanted], task: Option<Claimant<'_>>) -> Result<Option<Obstacle>, OpError> {
        let filed = WantedNear::of(wanted);
        for held in self.near(cx.view, wanted)? {
            if filed.first_conflict(&held, self.session.as_ref(), &mut self.steps)?.is_some() && self.ttl_ms(cx, &held)? > 0 {
                return Ok(Some(Obstacle::Held(held.id)));
            }
        }
        for (id, _) in self.overlapping_claims(cx.view, wanted)? {
            if self.goes_first(cx, id, task)?.is_some() {
                return Ok(self.starved.as_ref().map(|starved| Obstacle::GoesFirst(starved.claims[id].0.clone())));
            }
        }
        Ok(None)
    }

    /// Reservations of others in the way: the first [`limits::OVERLAPS_MAX`], and how many more there are.
    pub(crate) fn held(&mut self, cx: &Reading<'_>, wanted: &[Wanted]) -> Result<(Vec<OverlapFacts>, usize), OpError> {
        let filed = WantedNear::of(wanted);
        let (mut hits, mut conflicting) = (Vec::new(), Vec::new());
        for held in self.near(cx.view, wanted)? {
            if let Some(hit) = filed.first_conflict(&held, self.session.as_ref(), &mut self.steps)? {
                hits.push(hit);
                conflicting.push(held);
            }
        }
        let ttls_ms = reservation_ttls_ms(cx.view, cx.now, &conflicting)?;
        let (mut overlaps, mut more) = (Vec::new(), 0);
        for ((hit, held), ttl_ms) in hits.into_iter().zip(conflicting).zip(ttls_ms) {
            if ttl_ms == 0 {
                continue;
            }
            if overlaps.len() == limits::OVERLAPS_MAX {
                more += 1;
                continue;
            }
            overlaps.push(OverlapFacts {
                wanted: hit.target.to_string(),
                pattern: held.target.to_string(),
                agent: held.agent,
                task: held.task,
                reason: held.reason,
                ttl_ms,
                goes_first: false,
            });
        }
        Ok((overlaps, more))
    }

    /// The same, and what goes first.
    pub(crate) fn all(
        &mut self,
        cx: &Reading<'_>,
        wanted: &[Wanted],
        task: Option<Claimant<'_>>,
    ) -> Result<(Vec<OverlapFacts>, usize), OpError> {
        let (mut overlaps, mut more) = self.held(cx, wanted)?;
        for (at, hit) in self.overlapping_claims(cx.view, wanted)? {
            let Some(agent) = self.goes_first(cx, at, task)? else { continue };
            if overlaps.len() == limits::OVERLAPS_MAX {
                more += 1;
                continue;
            }
            let Some((id, starved)) = self.starved.as_ref().map(|starved| starved.claims[at].clone()) else { continue };
            overlaps.push(OverlapFacts {
                wanted: wanted[hit].target.to_string(),
                pattern: wanted[hit].target.to_string(),
                reason: Some(format!("{id} waits for it and goes first")),
                ttl_ms: self.frees_in_ms(cx, &starved)?,
                agent,
                task: Some(id),
                goes_first: true,
            });
        }
        Ok((overlaps, more))
    }

    /// Reservations that stand in the way of the wanted targets whether or not their time has run out.
    pub(crate) fn conflicting(&mut self, view: &dyn ReservationView, wanted: &[Wanted]) -> Result<Vec<ReservationId>, OpError> {
        let filed = WantedNear::of(wanted);
        let mut found = Vec::new();
        for held in self.near(view, wanted)? {
            if filed.first_conflict(&held, self.session.as_ref(), &mut self.steps)?.is_some() {
                found.push(held.id);
            }
        }
        Ok(found)
    }

    fn near(&self, view: &dyn ReservationView, wanted: &[Wanted]) -> StoreResult<Vec<Reservation>> {
        let targets: Vec<&Target> = wanted.iter().map(|wanted| &wanted.target).collect();
        let Some(all) = &self.all else { return view.reservations_near(&targets) };
        let found: BTreeSet<usize> = targets.into_iter().flat_map(|target| all.near.near(target).copied()).collect();
        Ok(found.into_iter().map(|at| all.list[at].clone()).collect())
    }

    /// How long a reservation still holds. Many have one holder, and many one task.
    fn ttl_ms(&mut self, cx: &Reading<'_>, held: &Reservation) -> StoreResult<i64> {
        if !self.holders.contains_key(&held.agent) {
            self.holders.insert(held.agent.clone(), cx.view.agent(&held.agent)?);
        }
        if let Some(task) = held.task.as_ref().filter(|task| !self.grants.contains_key(*task)) {
            self.grants.insert(task.clone(), cx.view.running_grant(task)?);
        }
        let holder = self.holders.get(&held.agent).and_then(Option::as_ref);
        let grant = held.task.as_ref().and_then(|task| self.grants.get(task)).and_then(Option::as_ref);
        Ok(liveness::reservation_ttl_ms(held, holder, grant, cx.now))
    }

    fn starved(&mut self, view: &dyn ReservationView) -> StoreResult<&Starved> {
        if self.starved.is_none() {
            let claims = view.starved_claims()?;
            let mut near = Near::default();
            for (at, (_, claim)) in claims.iter().enumerate() {
                claim.wanted.iter().enumerate().for_each(|(number, wanted)| near.insert(&wanted.target, (at, number)));
            }
            self.starved = Some(Starved { claims, near });
        }
        Ok(self.starved.get_or_insert_with(|| Starved { claims: Vec::new(), near: Near::default() }))
    }

    /// A claim of this task is in vain, and will be remembered: from here on it goes first where the rule says so.
    pub(crate) fn in_vain(&mut self, cx: &Reading<'_>, id: &TaskId, wanted: Vec<Wanted>, by: &AgentName) -> StoreResult<()> {
        self.starved(cx.view)?;
        let Some(starved) = &mut self.starved else { return Ok(()) };
        let now = cx.now.store;
        let before = starved.claims.iter_mut().rev().find(|(other, _)| other == id);
        let since = match before {
            Some((_, before)) => {
                // Its former entries find nothing any more.
                before.wanted.clear();
                if before.counts_for_ms(cx.now) > 0 { before.since } else { now }
            }
            None => now,
        };
        let at = starved.claims.len();
        wanted.iter().enumerate().for_each(|(number, wanted)| starved.near.insert(&wanted.target, (at, number)));
        starved.claims.push((id.clone(), StarvedClaim { by: by.clone(), wanted, since, last_try: now }));
        Ok(())
    }

    /// The claims in vain that want something of this too, by task, each with the first of it.
    fn overlapping_claims(&mut self, view: &dyn ReservationView, wanted: &[Wanted]) -> Result<BTreeMap<usize, usize>, OpError> {
        self.starved(view)?;
        let (Some(starved), steps) = (&self.starved, &mut self.steps) else { return Ok(BTreeMap::new()) };
        let mut found = BTreeMap::new();
        for (number, wanted) in wanted.iter().enumerate() {
            for &(at, other) in starved.near.near(&wanted.target) {
                let Some(other) = starved.claims[at].1.wanted.get(other) else { continue };
                let excludes = other.mode == Mode::Exclusive || wanted.mode == Mode::Exclusive;
                if excludes && !found.contains_key(&at) && steps.overlap(&other.target, &wanted.target)? {
                    found.insert(at, number);
                }
            }
        }
        Ok(found)
    }

    /// The agent that could take the task of a claim in vain, if that goes before `task`.
    fn goes_first(&mut self, cx: &Reading<'_>, at: usize, task: Option<Claimant<'_>>) -> Result<Option<AgentName>, OpError> {
        let starved = self.starved(cx.view)?;
        let (id, claim) = starved.claims[at].clone();
        if task.is_some_and(|task| *task.id == id) {
            return Ok(None);
        }
        let Some(node) = cx.view.node(&id)?.filter(|node| node.state == TaskState::Ready) else { return Ok(None) };
        // Of equally urgent claims that starve, the one that has waited longest goes first: they never stop each other for ever.
        let mine = task.and_then(|task| starved.claims.iter().rev().find(|(other, own)| other == task.id && own.counts_for_ms(cx.now) > 0));
        let is_as_urgent = task.is_none_or(|task| task.priority == node.priority);
        let has_waited_less = is_as_urgent && mine.is_some_and(|(mine, own)| (own.since, mine) < (claim.since, &id));
        if has_waited_less || !goes_before(&claim, node.priority, task.map(|task| task.priority), cx.now) {
            return Ok(None);
        }
        // Who holds what it waits for is never kept away: that agent may need this to finish.
        if self.holds_what_is_waited_for(cx.view, &claim)? {
            return Ok(None);
        }
        self.could_take(cx, &id, &claim)
    }

    fn holds_what_is_waited_for(&mut self, view: &dyn ReservationView, claim: &StarvedClaim) -> Result<bool, OpError> {
        let Some(session) = self.session.clone() else { return Ok(false) };
        let filed = WantedNear::of(&claim.wanted);
        for held in self.near(view, &claim.wanted)?.into_iter().filter(|held| held.session == session) {
            if filed.first_conflict(&held, None, &mut self.steps)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An active agent that could take the task, if there is one among those seen last. Claims in vain are not noted as presence: an agent
    /// that tried a moment ago counts as active.
    fn could_take(&mut self, cx: &Reading<'_>, id: &TaskId, claim: &StarvedClaim) -> Result<Option<AgentName>, OpError> {
        let Some(offer) = cx.view.offer(id)? else { return Ok(None) };
        let assignee = match &offer.spec.assigned {
            Some(assignee) => cx.is_active(assignee)?,
            None => false,
        };
        let fits = |agent: &Agent| claim::ineligible(&offer.spec, agent, assignee).is_none();
        if claim.counts_for_ms(cx.now) > 0
            && let Some(tried) = cx.view.agent(&claim.by)?.filter(|agent| agent.is_live() && fits(agent))
        {
            return Ok(Some(tried.name));
        }
        if self.present.is_none() {
            let mut present = cx.view.present_agents(limits::TAKERS_MAX)?;
            present.retain(|agent| cx.agent_state(agent) == AgentState::Active);
            self.present = Some(present);
        }
        Ok(self.present.iter().flatten().find(|agent| fits(agent)).map(|agent| agent.name.clone()))
    }

    /// When the first of the reservations that a claim waits for ends, in milliseconds.
    fn frees_in_ms(&mut self, cx: &Reading<'_>, claim: &StarvedClaim) -> Result<i64, OpError> {
        let filed = WantedNear::of(&claim.wanted);
        let mut first = None;
        for held in self.near(cx.view, &claim.wanted)? {
            if filed.first_conflict(&held, None, &mut self.steps)?.is_some() {
                let ttl_ms = self.ttl_ms(cx, &held)?;
                first = first.into_iter().chain(Some(ttl_ms).filter(|ms| *ms > 0)).min();
            }
        }
        Ok(first.unwrap_or(0))
    }
}

/// All reservations that overlap something of this, no matter who holds them.
pub(crate) fn overlapping(view: &dyn ReservationView, wanted: &[Wanted], steps: &mut Steps) -> Result<Vec<Reservation>, OpError> {
    let targets: Vec<&Target> = wanted.iter().map(|wanted| &wanted.target).collect();
    let filed = WantedNear::of(wanted);
    let mut found = Vec::new();
    for held in view.reservations_near(&targets)? {
        if filed.overlaps(&held.target, steps)? {
            found.push(held);
        }
    }
    Ok(found)
}
