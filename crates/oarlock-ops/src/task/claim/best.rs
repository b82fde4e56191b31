//! The claim of the best tasks: a bounded part of the queue is judged inside of the write lock, all of it in a snapshot.

use oarlock_model::agent::Agent;
use oarlock_model::rejection::Unready;
use oarlock_model::rules::claim;
use oarlock_model::rules::holdings::Holdings;
use oarlock_model::{Now, Rejection, StoreTime, TaskId, limits, seeded};
use std::collections::BTreeSet;

use super::{Claim, Claimed};
use crate::OpError;
use crate::context::{Deciding, Reading};
use crate::reservation::acquire;
use crate::reservation::obstacles::Obstacles;
use crate::search::{Asked, Findings, Found, FoundTasks};
use crate::store::{EventFilter, unread_count};
use crate::task::choice::{Candidates, Chooser, PassedOver, Verdict, all_expired};
use crate::topic::Topics;

impl Claim {
    /// Takes the best tasks. Those at the head of the queue are judged here, a bounded number of them. Where that is not enough, and for
    /// every refusal, a search goes through all of them outside of the lock, and what it found is judged again.
    pub(super) fn claim_best(&self, cx: &mut Deciding<'_>, me: &Agent, held: usize, room: usize) -> Result<Vec<Claimed>, OpError> {
        if let Some(root) = &self.subtree
            && cx.view().task_state(root)?.is_none()
        {
            return Err(Rejection::not_found("task", root).into());
        }
        // Fewer than were asked for, where fewer leases or bytes are left.
        let wanted = self.count.unwrap_or(1);
        let wanted = if seeded::is(seeded::LEASES_UNCOUNTED) { wanted } else { wanted.min(room) };
        let taking = Taking { wanted, held, bytes_left: limits::PAGE_BYTES_MAX, claims: Vec::new() };
        match cx.take_found() {
            Some(Found::Tasks(found)) => self.claim_found(cx, me, taking, found),
            _ => self.claim_first(cx, me, taking),
        }
    }

    /// The part of the queue that is read inside of the lock.
    fn claim_first(&self, cx: &mut Deciding<'_>, me: &Agent, mut taking: Taking) -> Result<Vec<Claimed>, OpError> {
        let Some(expired) = cx.view().expired_offers(limits::LEASES_READ_MAX)? else { return Err(cx.search_first(Asked::ByRequest)) };
        let mut offers = Candidates::with(expired.offers, taking.wanted);
        let unfit = cx.unfit().clone();
        let mut chooser = self.chooser(me, cx.holdings(), limits::PATTERN_STEPS_MAX, &unfit);
        let mut misses = 0;
        while taking.goes_on(me) {
            let Some(offer) = offers.next(cx.view())? else { break };
            let is_exhausted = match chooser.judge(&cx.reading(), &offer) {
                Ok(Verdict::Fits) => {
                    taking.took(self.take(cx, &offer)?, &mut chooser);
                    continue;
                }
                // More comparing than is done here is left to the search.
                Err(OpError::Rejected(Rejection::LimitReached { .. })) => true,
                verdict => verdict.map(|_| false)?,
            };
            misses += 1;
            if is_exhausted || misses > limits::CLAIM_MISSES_MAX || chooser.targets > limits::CLAIM_TARGETS_MAX {
                if seeded::is(seeded::SEARCH_ENDS_EARLY) {
                    break;
                }
                return Err(cx.search_first(Asked::ByRequest));
            }
        }
        if taking.claims.is_empty() {
            if seeded::is(seeded::SEARCH_ENDS_EARLY) {
                let rest = Box::new(Unready::default());
                return Err(Rejection::NothingReady { agent: me.name.clone(), rest, why: None }.into());
            }
            // Present facts stay: tasks that died because their lease was lost once too often.
            cx.keep()?;
            return Err(cx.search_first(Asked::ByRequest));
        }
        Self::note_in_vain(cx, chooser.in_vain)?;
        Ok(taking.claims)
    }

    /// Takes the tasks that a search found. Others may have taken some of them, or reserved their paths.
    fn claim_found(&self, cx: &mut Deciding<'_>, me: &Agent, mut taking: Taking, found: FoundTasks) -> Result<Vec<Claimed>, OpError> {
        if let Some((read_at, first_end)) = found.first_end {
            cx.tx().note_first_end(read_at, first_end)?;
        }
        Self::note_in_vain(cx, found.in_vain)?;
        cx.keep()?;
        if let Some(nothing) = found.nothing {
            return Err(nothing.into());
        }
        let unfit = cx.unfit().clone();
        let mut chooser = self.chooser(me, cx.holdings(), limits::PATTERN_STEPS_MAX, &unfit);
        for id in found.candidates {
            if !taking.goes_on(me) {
                break;
            }
            let Some(offer) = cx.view().offer(&id)? else { continue };
            let verdict = match chooser.judge(&cx.reading(), &offer) {
                // The rest is for another search.
                Err(OpError::Rejected(Rejection::LimitReached { .. })) => break,
                verdict => verdict?,
            };
            if verdict == Verdict::Fits || seeded::is(seeded::FOUND_IS_BELIEVED) {
                taking.took(self.take(cx, &offer)?, &mut chooser);
            }
        }
        if taking.claims.is_empty() {
            cx.keep()?;
            return Err(cx.search_first(Asked::ByRequest));
        }
        Ok(taking.claims)
    }

    /// Goes through the whole queue for tasks to claim; the refusal if there are none.
    pub(super) fn find(
        &self,
        cx: &Reading<'_>,
        me: &Agent,
        unfit: &BTreeSet<TaskId>,
        passed_over: &mut PassedOver,
    ) -> Result<FoundTasks, OpError> {
        let enough = self.count.unwrap_or(1) + limits::CLAIM_SPARE;
        let expired = all_expired(cx.view)?;
        passed_over.expired = expired.offers.iter().map(|offer| offer.id.clone()).collect();
        let first_end = expired.first_end.filter(|end| *end > cx.now.store).map(|end| (cx.now.store, end));
        let mut found = FoundTasks { first_end, ..FoundTasks::default() };
        if claim::has_room(me, cx.view.claim_count(&me.session)?) {
            let mut offers = match &self.subtree {
                Some(root) => Candidates::only(expired.offers, cx.view.ready_in_tree(root)?),
                None => Candidates::with(expired.offers, limits::PAGE_ITEMS_DEFAULT),
            };
            let mut chooser = self.chooser(me, cx.holdings(), limits::SEARCH_STEPS_MAX, unfit);
            chooser.read_all(cx.view)?;
            while found.candidates.len() < enough {
                let Some(offer) = offers.next(cx.view)? else { break };
                match chooser.judge(cx, &offer) {
                    Ok(Verdict::Fits) => found.candidates.push(offer.id),
                    Ok(verdict) => passed_over.note(verdict),
                    // The steps are over. Earlier findings count.
                    Err(OpError::Rejected(Rejection::LimitReached { .. })) if !found.candidates.is_empty() => break,
                    Err(error) => return Err(error),
                }
            }
            found.in_vain = chooser.in_vain;
        } else {
            passed_over.at_limit = me.max_claims;
        }
        if found.candidates.is_empty() {
            let rest = Unready { unread: unread_count(cx.view, &me.name)?, ..self.look(cx.view)?.facts(cx.view)? };
            let why = passed_over.in_words();
            found.nothing = Some(Rejection::NothingReady { agent: me.name.clone(), rest: Box::new(rest), why });
        }
        Ok(found)
    }

    fn chooser<'c>(&'c self, me: &'c Agent, holdings: Holdings, steps_max: u64, unfit: &'c BTreeSet<TaskId>) -> Chooser<'c> {
        let obstacles = self.reserve.then(|| Obstacles::of(Some(&me.session), steps_max));
        Chooser::of(me, self.subtree.as_ref(), obstacles, holdings).without(unfit)
    }

    /// Remembers that claims of these tasks were in vain, as far as they are still ready.
    fn note_in_vain(cx: &mut Deciding<'_>, ids: Vec<TaskId>) -> Result<(), OpError> {
        let mut tasks = Vec::new();
        for id in ids {
            if let Some(offer) = cx.view().offer(&id)? {
                tasks.push((id, acquire::wanted_by(&offer.spec)));
            }
        }
        acquire::note_in_vain(cx, tasks)
    }

    /// Whether a waiting claim that found nothing may find something now.
    pub(super) fn may_have_changed(&self, cx: &Reading<'_>, me: &Agent, findings: &mut Findings) -> Result<bool, OpError> {
        let Some(seen) = &mut findings.seen else { return Ok(true) };
        // A lease that expires and an agent that grows stale make no event.
        let since_ms = cx.now.store.since_ms(seen.at);
        let has_expired = match cx.view.expired_offers(limits::LEASES_READ_MAX)? {
            Some(expired) => expired.offers.iter().any(|offer| !seen.expired.contains(&offer.id)),
            None => since_ms >= limits::WAIT_LEASES_AGAIN_MS,
        };
        let is_noted = seen.blockers.is_empty() || !is_note_due(seen.noted, cx.now);
        if has_expired || since_ms >= limits::WAIT_SEARCH_AGAIN_MS || (self.reserve && !is_noted) {
            return Ok(true);
        }
        let max = limits::WAIT_EVENTS_MAX;
        let filter = EventFilter { after_seq: seen.seq, limit: max, bytes_max: limits::PAGE_BYTES_MAX, ..EventFilter::default() };
        let events = cx.view.events(&filter)?;
        let Some(last) = events.last().map(|event| event.seq) else { return Ok(false) };
        if last != cx.view.last_seq()? {
            return Ok(true);
        }
        let mut chooser = self.chooser(me, cx.holdings(), limits::PATTERN_STEPS_MAX, &findings.unfit);
        let mut judged = BTreeSet::new();
        for event in events {
            if seen.blockers.ends_with(&event.fact) {
                return Ok(true);
            }
            // Of a task that changed it is enough to judge that one.
            let Some(id) = event.fact.task().filter(|_| Topics::of(&event.fact).meets(Topics::TASKS)) else {
                continue;
            };
            let Some(offer) = cx.view.offer(id)?.filter(|_| judged.insert(id.clone())) else { continue };
            let mut passed_over = PassedOver::besides(std::mem::take(&mut seen.blockers));
            match chooser.judge(cx, &offer) {
                Ok(Verdict::Fits) | Err(OpError::Rejected(Rejection::LimitReached { .. })) => return Ok(true),
                verdict => passed_over.note(verdict?),
            }
            seen.blockers = passed_over.blockers;
        }
        seen.seq = last;
        Ok(false)
    }
}

/// The tasks that a claim takes.
struct Taking {
    /// Number of wanted tasks.
    wanted: usize,
    /// Number of tasks that the session holds.
    held: usize,
    /// Number of bytes of text that the reply may still get.
    bytes_left: usize,
    /// The tasks taken.
    claims: Vec<Claimed>,
}

impl Taking {
    /// Whether more is wanted, and there is room for it.
    fn goes_on(&self, me: &Agent) -> bool {
        self.claims.len() < self.wanted && self.bytes_left > 0 && claim::has_room(me, self.held)
    }

    /// Notes the taken task; nothing when the task died instead.
    fn took(&mut self, claimed: Option<Claimed>, chooser: &mut Chooser<'_>) {
        if let Some(claimed) = claimed {
            self.held += 1;
            self.bytes_left = self.bytes_left.saturating_sub(claimed.task.text_bytes());
            chooser.made(claimed.reservations.len());
            self.claims.push(claimed);
        }
    }
}

/// Whether claims in vain are to be noted again: they count as long as they are tried.
pub(super) fn is_note_due(noted: StoreTime, now: Now) -> bool {
    now.store.since_ms(noted) >= limits::STARVED_FORGET_MS / 4
}
