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
    /// For how long it still counts unless it is tried again, in milliseconds.
    pub fn counts_for_ms(&self, now: Now) -> i64 {
        self.last_try.plus_ms(limits::STARVED_FORGET_MS).since_ms(now.store)
    }
}

/// Whether a starved claim stops a new grant: it has waited long enough, is still being tried, and overlaps.
pub fn starved_claim_stops(starved: &StarvedClaim, wanted: &Wanted, now: Now) -> bool {
    now.store.since_ms(starved.since) >= limits::STARVED_AFTER_MS
        && starved.counts_for_ms(now) > 0
        && starved.wanted.iter().any(|other| {
            (other.mode == Mode::Exclusive || wanted.mode == Mode::Exclusive) && targets_overlap(&other.target, &wanted.target)
        })
}
