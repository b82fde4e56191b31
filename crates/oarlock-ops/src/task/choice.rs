//! Choosing tasks for a claim: what there is in claim order, and which of it an agent may have now.

use oarlock_model::agent::Agent;
use oarlock_model::rules::claim::{self, Ineligible};
use oarlock_model::rules::holdings::Holdings;
use oarlock_model::{AgentName, Rejection, TaskId, limits, seeded};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::OpError;
use crate::context::Reading;
use crate::reservation::acquire::{Room, wanted_by};
use crate::reservation::obstacles::{Claimant, Obstacles};
use crate::search::Blockers;
use crate::search::Obstacle;
use crate::store::{Expired, GraphView, Offer, QueuePlace, QueueView, ReservationView, StoreResult};

/// Offers of one page.
const PAGE: usize = 64;

/// The claimable tasks, in claim order: ready tasks read page by page, merged with tasks whose lease has expired.
pub(crate) struct Candidates {
    expired: VecDeque<Offer>,
    ready: VecDeque<Offer>,
    rest: Rest,
    /// Ready tasks that are read at once, after the first of them.
    page: usize,
}

/// The ready tasks that are not read yet.
enum Rest {
    /// Those of the queue behind a place, this many at once.
    Queue(Option<QueuePlace>, usize),
    /// These.
    Only(VecDeque<TaskId>),
}

impl Candidates {
    /// Offers, of which about `wanted` will be looked at, and these among them.
    pub(crate) fn with(expired: Vec<Offer>, wanted: usize) -> Self {
        let rest = Rest::Queue(None, wanted.clamp(1, PAGE));
        Self { expired: expired.into(), ready: VecDeque::new(), rest, page: PAGE }
    }

    /// Offers of which `wanted` are shown, from behind a place in the queue on. One more shows whether there are further ones.
    pub(crate) fn listed(mut expired: Vec<Offer>, wanted: usize, after: Option<QueuePlace>) -> Self {
        expired.retain(|offer| after.is_none_or(|after| offer.place > after));
        let page = wanted.saturating_add(1);
        Self { expired: expired.into(), ready: VecDeque::new(), rest: Rest::Queue(after, page), page }
    }

    /// These ready tasks, and these offers among them.
    pub(crate) fn only(expired: Vec<Offer>, ready: Vec<TaskId>) -> Self {
        Self { expired: expired.into(), ready: VecDeque::new(), rest: Rest::Only(ready.into()), page: PAGE }
    }

    /// The next one.
    pub(crate) fn next(&mut self, view: &dyn QueueView) -> StoreResult<Option<Offer>> {
        if self.ready.is_empty() {
            self.read_more(view)?;
        }
        let expired_first = match (self.expired.front(), self.ready.front()) {
            (Some(expired), Some(ready)) => expired.place < ready.place,
            (expired, _) => expired.is_some(),
        };
        Ok(if expired_first { self.expired.pop_front() } else { self.ready.pop_front() })
    }

    fn read_more(&mut self, view: &dyn QueueView) -> StoreResult<()> {
        match &mut self.rest {
            Rest::Queue(after, page) => {
                let read = view.ready_offers(*after, *page)?;
                self.rest = match read.last().filter(|_| read.len() == *page) {
                    Some(last) => Rest::Queue(Some(last.place), self.page),
                    None => Rest::Only(VecDeque::new()),
                };
                self.ready = read.into();
            }
            Rest::Only(ids) => {
                while self.ready.is_empty()
                    && let Some(id) = ids.pop_front()
                {
                    self.ready.extend(view.offer(&id)?);
                }
            }
        }
        Ok(())
    }
}

/// Whether a task is for the agent that claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may be taken now.
    Fits,
    /// It is none of those that the claim asks for.
    NotAsked,
    /// It is for others.
    Ineligible(Ineligible),
    /// Its paths are not free: another's reservation, a task that goes first, or, without an obstacle, no room for its reservations.
    Reserved(Option<Obstacle>),
}

/// Judges offers for one agent. What does not depend on the offer is read once.
pub(crate) struct Chooser<'c> {
    me: &'c Agent,
    subtree: Option<&'c TaskId>,
    obstacles: Option<Obstacles>,
    holdings: Holdings,
    room: Option<Room>,
    active: BTreeMap<AgentName, bool>,
    inside: BTreeMap<TaskId, bool>,
    /// Tasks that are not to be chosen.
    unfit: Option<&'c BTreeSet<TaskId>>,
    /// Patterns and resources that were checked.
    pub(crate) targets: usize,
    /// The first tasks that only reservations kept from the agent, to be remembered. They may go before those that are judged later.
    pub(crate) in_vain: Vec<TaskId>,
}

impl<'c> Chooser<'c> {
    /// For an agent that asks for the tasks of a tree, if one is given, and, if obstacles are given, for what they write as well.
    pub(crate) fn of(me: &'c Agent, subtree: Option<&'c TaskId>, obstacles: Option<Obstacles>, holdings: Holdings) -> Self {
        Self {
            me,
            subtree,
            obstacles,
            holdings,
            room: None,
            active: BTreeMap::new(),
            inside: BTreeMap::new(),
            unfit: None,
            targets: 0,
            in_vain: Vec::new(),
        }
    }

    /// None of these tasks is chosen.
    pub(crate) fn without(self, unfit: &'c BTreeSet<TaskId>) -> Self {
        Self { unfit: Some(unfit), ..self }
    }

    /// Reads all reservations now, instead of some of them for each offer.
    pub(crate) fn read_all(&mut self, view: &dyn ReservationView) -> StoreResult<()> {
        self.obstacles.as_mut().map_or(Ok(()), |obstacles| obstacles.read_all(view))
    }

    /// Number of reservations made for a taken task.
    pub(crate) fn made(&mut self, reservations: usize) {
        if let Some(room) = &mut self.room {
            room.made(reservations);
        }
    }

    /// Judges one.
    ///
    /// # Errors
    /// `limit_reached` when the comparing of patterns takes too long for the call; store errors.
    pub(crate) fn judge(&mut self, cx: &Reading<'_>, offer: &Offer) -> Result<Verdict, OpError> {
        if self.unfit.is_some_and(|unfit| unfit.contains(&offer.id)) || !self.asks_for(cx.view, offer)? {
            return Ok(Verdict::NotAsked);
        }
        if let Some(ineligible) = self.ineligible(cx, offer)? {
            return Ok(Verdict::Ineligible(ineligible));
        }
        let Some(obstacles) = &mut self.obstacles else { return Ok(Verdict::Fits) };
        let wanted = wanted_by(&offer.spec);
        if wanted.is_empty() || seeded::is(seeded::CLAIM_WITHOUT_ITS_FILES) {
            return Ok(Verdict::Fits);
        }
        self.targets += wanted.len();
        let room = match self.room {
            Some(room) => room,
            None => *self.room.insert(Room::read(cx, &self.me.session)?),
        };
        if room.check(self.holdings, &wanted).is_err() {
            return Ok(Verdict::Reserved(None));
        }
        let obstacle = match obstacles.first(cx, &wanted, Some(Claimant { id: &offer.id, priority: offer.priority })) {
            // It is this task that takes too long to compare.
            Err(OpError::Rejected(Rejection::LimitReached { .. })) if !obstacles.is_exhausted() => return Ok(Verdict::Reserved(None)),
            obstacle => obstacle?,
        };
        let Some(obstacle) = obstacle else { return Ok(Verdict::Fits) };
        if self.in_vain.len() < limits::STARVED_NOTED_MAX {
            obstacles.in_vain(cx, &offer.id, wanted, &self.me.name)?;
            self.in_vain.push(offer.id.clone());
        }
        Ok(Verdict::Reserved(Some(obstacle)))
    }

    /// Why the agent may not have the task, if it may not.
    fn ineligible(&mut self, cx: &Reading<'_>, offer: &Offer) -> Result<Option<Ineligible>, OpError> {
        let is_active = match &offer.spec.assigned {
            Some(assignee) if *assignee != self.me.name => match self.active.get(assignee) {
                Some(is_active) => *is_active,
                None => {
                    let is_active = cx.is_active(assignee)?;
                    self.active.insert(assignee.clone(), is_active);
                    is_active
                }
            },
            _ => false,
        };
        Ok(claim::ineligible(&offer.spec, self.me, is_active))
    }

    /// Whether the task is the one that the claim is about, or a part of it at any depth.
    fn asks_for(&mut self, view: &dyn GraphView, offer: &Offer) -> Result<bool, OpError> {
        let Some(root) = self.subtree else { return Ok(true) };
        if offer.id == *root {
            return Ok(true);
        }
        let (mut path, mut above) = (Vec::new(), offer.spec.parent.clone());
        let is_inside = loop {
            match above {
                None => break false,
                Some(id) if id == *root => break true,
                // Damage can close a circle.
                Some(_) if path.len() > limits::PARENT_DEPTH_MAX => break false,
                Some(id) => match self.inside.get(&id) {
                    Some(is_inside) => break *is_inside,
                    None => {
                        above = view.node(&id)?.and_then(|node| node.parent);
                        path.push(id);
                    }
                },
            }
        };
        self.inside.extend(path.into_iter().map(|id| (id, is_inside)));
        Ok(is_inside)
    }
}

/// The reasons that kept ready tasks from the agent.
#[derive(Default)]
pub(crate) struct PassedOver {
    capability: usize,
    assigned: usize,
    reserved: usize,
    /// The agent's own limit, if that was it.
    pub(crate) at_limit: Option<u32>,
    /// The obstacles of all those.
    pub(crate) blockers: Blockers,
    /// Tasks whose lease had expired, whether or not they were passed over.
    pub(crate) expired: BTreeSet<TaskId>,
}

impl PassedOver {
    /// Nothing yet, where this is in the way already.
    pub(crate) fn besides(blockers: Blockers) -> Self {
        Self { blockers, ..Self::default() }
    }

    /// Notes why this one was passed over.
    pub(crate) fn note(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Fits | Verdict::NotAsked => {}
            Verdict::Ineligible(Ineligible::Capability) => self.capability += 1,
            Verdict::Ineligible(Ineligible::Assigned) => {
                self.assigned += 1;
                self.blockers.is_an_agent = true;
            }
            Verdict::Reserved(obstacle) => {
                self.reserved += 1;
                match obstacle {
                    Some(obstacle) => self.blockers.add(obstacle),
                    // Any reservation that ends may make room.
                    None => self.blockers.is_cut = true,
                }
            }
        }
    }

    /// The same in words, if anything was passed over.
    pub(crate) fn in_words(&self) -> Option<String> {
        if let Some(max) = self.at_limit {
            return Some(format!("it holds {max} tasks already, its limit"));
        }
        let parts: Vec<String> = [
            (self.capability, "needs", "need", "other capabilities"),
            (self.assigned, "is", "are", "assigned to others"),
            (self.reserved, "writes", "write", "files that others have reserved"),
        ]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many, what)| if count == 1 { format!("1 task {one} {what}") } else { format!("{count} tasks {many} {what}") })
        .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// All leases that have expired, however many have to be read.
pub(crate) fn all_expired(view: &dyn QueueView) -> StoreResult<Expired> {
    Ok(view.expired_offers(usize::MAX)?.unwrap_or_default())
}
