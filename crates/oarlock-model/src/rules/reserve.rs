//! Which reservations stand in whose way (semantics 14, 13).

use crate::ident::{AgentName, SessionId, TaskId};
use crate::limits;
use crate::rejection::Rejection;
use crate::reservation::{Mode, Reservation, Target};
use crate::rules::near::Near;
use crate::seeded;
use crate::time::{Now, StoreTime};

/// Something wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What.
    pub target: Target,
    /// How.
    pub mode: Mode,
}

/// Whether two targets can mean the same thing: some path matches both, or it is the same resource.
pub fn targets_overlap(a: &Target, b: &Target) -> bool {
    match (a, b) {
        (Target::Paths(a), Target::Paths(b)) if seeded::is(seeded::OVERLAP_BY_PREFIX) => {
            let (a, b) = (a.to_string(), b.to_string());
            a.starts_with(&b) || b.starts_with(&a)
        }
        (Target::Paths(a), Target::Paths(b)) => a.overlaps(b),
        (Target::Resource(a), Target::Resource(b)) => a == b,
        _ => false,
    }
}

/// Whether a held reservation is in the way of something wanted by `session` (absent: by nobody
/// that is known). Nobody is in its own way, and sharers are not in each other's.
pub fn conflicts(held: &Reservation, wanted: &Wanted, session: Option<&SessionId>) -> bool {
    session != Some(&held.session)
        && (held.mode == Mode::Exclusive || wanted.mode == Mode::Exclusive)
        && targets_overlap(&held.target, &wanted.target)
}

/// The comparing that one call may do: patterns that take long to compare must not hold others up.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    max: u64,
    taken: u64,
}

impl Steps {
    /// At most this many steps, as [`crate::pattern::Pattern::steps_against`] counts them.
    #[must_use]
    pub fn at_most(max: u64) -> Self {
        Self { max, taken: 0 }
    }

    /// How many were taken.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// [`conflicts`], counted.
    ///
    /// # Errors
    /// `limit_reached` once all steps are taken.
    pub fn conflicts(&mut self, held: &Reservation, wanted: &Wanted, session: Option<&SessionId>) -> Result<bool, Rejection> {
        self.take(&held.target, &wanted.target)?;
        Ok(conflicts(held, wanted, session))
    }

    /// [`targets_overlap`], counted.
    ///
    /// # Errors
    /// `limit_reached` once all steps are taken.
    pub fn overlap(&mut self, a: &Target, b: &Target) -> Result<bool, Rejection> {
        self.take(a, b)?;
        Ok(targets_overlap(a, b))
    }

    fn take(&mut self, a: &Target, b: &Target) -> Result<(), Rejection> {
        self.taken = self.taken.saturating_add(match (a, b) {
            (Target::Paths(a), Target::Paths(b)) => a.steps_against(b),
            _ => 1,
        });
        if self.taken > self.max {
            let what = "steps to compare the patterns with those that are held: use fewer wildcards, or fewer patterns";
            return Err(Rejection::LimitReached { what: what.into(), limit: self.max, actual: self.taken });
        }
        Ok(())
    }
}

/// The wanted targets, indexed so that obstacles are found without comparing each with each.
pub struct WantedNear<'w> {
    wanted: &'w [Wanted],
    near: Near<usize>,
}

impl<'w> WantedNear<'w> {
    /// Files the wanted targets.
    #[must_use]
    pub fn of(wanted: &'w [Wanted]) -> Self {
        Self { wanted, near: wanted.iter().enumerate().map(|(at, wanted)| (&wanted.target, at)).collect() }
    }

    /// The first wanted target with a reservation in its way.
    ///
    /// # Errors
    /// `limit_reached` when there are no steps left.
    pub fn first_conflict(
        &self,
        held: &Reservation,
        session: Option<&SessionId>,
        steps: &mut Steps,
    ) -> Result<Option<&'w Wanted>, Rejection> {
        let mut near: Vec<usize> = self.near.near(&held.target).copied().collect();
        near.sort_unstable();
        for wanted in near.into_iter().filter_map(|at| self.wanted.get(at)) {
            if steps.conflicts(held, wanted, session)? {
                return Ok(Some(wanted));
            }
        }
        Ok(None)
    }

    /// Whether a target overlaps any wanted target.
    ///
    /// # Errors
    /// `limit_reached` when there are no steps left.
    pub fn overlaps(&self, target: &Target, steps: &mut Steps) -> Result<bool, Rejection> {
        for wanted in self.near.near(target).filter_map(|at| self.wanted.get(*at)) {
            if steps.overlap(target, &wanted.target)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A claim that wants what others have reserved, remembered so that wide write sets do not starve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarvedClaim {
    /// Who tried last.
    pub by: AgentName,
    /// The wanted targets.
    pub wanted: Vec<Wanted>,
    /// When it was first in vain.
    pub since: StoreTime,
    /// When it was last tried.
    pub last_try: StoreTime,
}

impl StarvedClaim {
    /// For how long it is remembered unless it is tried again, in milliseconds: after that, its waiting begins again.
    pub fn counts_for_ms(&self, now: Now) -> i64 {
        self.last_try.plus_ms(limits::STARVED_FORGET_MS).since_ms(now.store)
    }
}

/// Claims in vain that a store forgets: it remembers those that were tried last, up to [`limits::STARVED_MAX`] of them that want
/// [`limits::STARVED_TARGETS_MAX`] things together.
#[must_use]
pub fn forgotten(starved: &[(TaskId, StarvedClaim)]) -> Vec<TaskId> {
    let mut latest: Vec<&(TaskId, StarvedClaim)> = starved.iter().collect();
    latest.sort_by(|(a, x), (b, y)| y.last_try.cmp(&x.last_try).then(x.since.cmp(&y.since)).then(a.cmp(b)));
    let mut targets = 0;
    let is_kept = |(at, (_, claim)): (usize, &&(TaskId, StarvedClaim))| {
        targets += claim.wanted.len();
        at == 0 || (at < limits::STARVED_MAX && targets <= limits::STARVED_TARGETS_MAX)
    };
    let kept = latest.iter().enumerate().map(is_kept).take_while(|is_kept| *is_kept).count();
    latest.into_iter().skip(kept).map(|(id, _)| id.clone()).collect()
}

/// Whether a claim that waits for reservations goes before a new grant of what it wants (semantics 13): at once when it is more urgent, after
/// [`limits::STARVED_AFTER_MS`] when it is as urgent, never when it is less urgent. `priority` is that of the claim that is asked
/// for; absent for a reservation made by hand, which counts as equally urgent.
///
/// This is one of the conditions. The others are facts of the store: the task is ready, an active agent could take it, and the caller holds
/// nothing that the claim waits for.
pub fn goes_before(starved: &StarvedClaim, starved_priority: u8, priority: Option<u8>, now: Now) -> bool {
    let has_waited = now.store.since_ms(starved.since) >= limits::STARVED_AFTER_MS;
    match priority {
        Some(priority) if starved_priority < priority => !seeded::is(seeded::URGENT_STARVES),
        Some(priority) if starved_priority > priority => false,
        _ => has_waited,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;
    use crate::time::WallTime;

    fn wanted(text: &str) -> Wanted {
        Wanted { target: Target::Paths(Pattern::parse(text).expect("a pattern")), mode: Mode::Exclusive }
    }

    #[test]
    fn a_store_forgets_the_claims_in_vain_that_were_tried_least_recently() {
        let claim = |n: i64, targets: usize| {
            let by = AgentName::parse("ada").expect("valid");
            let claim = StarvedClaim { by, wanted: vec![wanted("src"); targets], since: StoreTime(0), last_try: StoreTime(n) };
            (TaskId::parse(&format!("T-{n}")).expect("valid"), claim)
        };
        let many: Vec<_> = (0..70).map(|n| claim(n, 1)).collect();
        let gone: Vec<String> = forgotten(&many).iter().map(ToString::to_string).collect();
        assert_eq!(gone, ["T-5", "T-4", "T-3", "T-2", "T-1", "T-0"], "{}", limits::STARVED_MAX);
        let wide = limits::STARVED_TARGETS_MAX - 1;
        assert_eq!(forgotten(&[claim(3, 1), claim(2, wide), claim(1, 1)]).len(), 1);
        assert_eq!(forgotten(&[claim(3, wide + 2)]), [], "the most recent one stays");
    }

    #[test]
    fn comparing_ends_at_its_limit() {
        let held = wanted("src/*a*/b");
        let mut steps = Steps::at_most(100);
        let compared = (0..10).map(|_| steps.overlap(&held.target, &wanted("src/xay/b").target)).take_while(Result::is_ok).count();
        assert!((1..10).contains(&compared), "{compared} comparisons");
    }

    #[test]
    fn the_more_urgent_claim_goes_first_and_an_equal_one_after_a_while() {
        let by = AgentName::parse("ada").expect("valid");
        let starved = StarvedClaim { by, wanted: Vec::new(), since: StoreTime(0), last_try: StoreTime(0) };
        let after = limits::STARVED_AFTER_MS;
        for (own, other, waited_ms, goes_first) in [
            (0, Some(1), 0, true),
            (1, Some(1), after - 1, false),
            (1, Some(1), after, true),
            (2, Some(1), after * 1_000, false),
            (2, None, after - 1, false),
            (4, None, after, true),
        ] {
            let now = Now { store: StoreTime(waited_ms), wall: WallTime(0) };
            assert_eq!(goes_before(&starved, own, other, now), goes_first, "{own} {other:?} {waited_ms}");
        }
    }
}
