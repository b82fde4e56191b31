//! Which reservations stand in whose way (semantics 14, 13).

use crate::ident::{AgentName, SessionId};
use crate::limits;
use crate::planted;
use crate::reservation::{Mode, Reservation, Target};
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
        (Target::Paths(a), Target::Paths(b)) if planted::is(planted::OVERLAP_BY_PREFIX) => {
            let (a, b) = (a.to_string(), b.to_string());
            a.starts_with(&b) || b.starts_with(&a)
        }
        (Target::Paths(a), Target::Paths(b)) => a.overlaps(b),
        (Target::Resource(a), Target::Resource(b)) => a == b,
        _ => false,
    }
}

/// Whether a held reservation stands in the way of something wanted by `session` (absent: by nobody
/// that is known). Nobody is in its own way, and sharers are not in each other's.
pub fn conflicts(held: &Reservation, wanted: &Wanted, session: Option<&SessionId>) -> bool {
    session != Some(&held.session)
        && (held.mode == Mode::Exclusive || wanted.mode == Mode::Exclusive)
        && targets_overlap(&held.target, &wanted.target)
}

/// A claim that wants what others have reserved, remembered so that wide write sets do not starve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarvedClaim {
    /// Who tried last.
    pub by: AgentName,
    /// What it wants.
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

    /// Whether it wants what somebody else wants.
    pub fn overlaps(&self, wanted: &Wanted) -> bool {
        self.wanted.iter().any(|other| {
            (other.mode == Mode::Exclusive || wanted.mode == Mode::Exclusive) && targets_overlap(&other.target, &wanted.target)
        })
    }

    /// Whether it waits for this reservation.
    pub fn waits_for(&self, held: &Reservation) -> bool {
        self.wanted.iter().any(|wanted| conflicts(held, wanted, None))
    }
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
        Some(priority) if starved_priority < priority => !planted::is(planted::URGENT_STARVES),
        Some(priority) if starved_priority > priority => false,
        _ => has_waited,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::WallTime;

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
