//! Where a task rests when nobody holds it (semantics 12): the one rule behind add, release, fail,
//! requeue, reject, depend, and behind time passing.

use crate::task::{Resting, Task};
use crate::time::{Now, StoreTime, WallTime};

/// The facts that decide where a task rests.
#[derive(Clone, Copy, Debug)]
pub struct RestingFacts {
    /// Whether it has unfinished, dead or cancelled children.
    pub open_children: bool,
    /// Whether something it needs is not done.
    pub unmet_needs: bool,
    /// Its not-before, in wall time.
    pub not_before: Option<WallTime>,
    /// The end of its back-off.
    pub retry_at: Option<StoreTime>,
    /// Since when it could be claimed before; kept, so that given-back work does not lose its place.
    pub ready_at: Option<StoreTime>,
}

impl RestingFacts {
    /// The facts of an existing task; what others are in is passed in.
    pub fn of(task: &Task, open_children: bool, unmet_needs: bool) -> Self {
        Self { open_children, unmet_needs, not_before: task.spec.not_before, retry_at: task.retry_at, ready_at: task.ready_at }
    }
}

/// Whether a task can have needs that are not done: its own, or those of a task above it. Where it cannot, nothing has to be read.
pub fn may_have_unmet_needs(task: &Task) -> bool {
    !task.needs.is_empty() || task.spec.parent.is_some()
}

/// Where a task with these facts rests.
pub fn resting(facts: RestingFacts, now: Now) -> Resting {
    let later = facts.not_before.is_some_and(|at| at > now.wall);
    let backing_off = facts.retry_at.filter(|at| *at > now.store);
    if facts.open_children {
        Resting::Waiting
    } else if facts.unmet_needs {
        Resting::Blocked
    } else if later || backing_off.is_some() {
        Resting::Scheduled { retry_at: backing_off }
    } else {
        Resting::Ready { ready_at: facts.ready_at.unwrap_or(now.store) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_that_holds_decides() {
        let now = Now { store: StoreTime(100), wall: WallTime(1_000) };
        let free = RestingFacts { open_children: false, unmet_needs: false, not_before: None, retry_at: None, ready_at: None };
        assert_eq!(resting(free, now), Resting::Ready { ready_at: StoreTime(100) });
        assert_eq!(resting(RestingFacts { ready_at: Some(StoreTime(7)), ..free }, now), Resting::Ready { ready_at: StoreTime(7) });
        assert_eq!(
            resting(RestingFacts { retry_at: Some(StoreTime(101)), ..free }, now),
            Resting::Scheduled { retry_at: Some(StoreTime(101)) }
        );
        assert_eq!(resting(RestingFacts { retry_at: Some(StoreTime(100)), ..free }, now).state(), crate::task::TaskState::Ready);
        let later = RestingFacts { not_before: Some(WallTime(1_001)), ..free };
        assert_eq!(resting(later, now), Resting::Scheduled { retry_at: None });
        assert_eq!(resting(RestingFacts { unmet_needs: true, ..later }, now), Resting::Blocked);
        assert_eq!(resting(RestingFacts { unmet_needs: true, open_children: true, ..later }, now), Resting::Waiting);
    }
}
