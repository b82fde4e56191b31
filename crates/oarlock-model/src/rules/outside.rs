//! Work of those who know nothing of the store (semantics 1): it stays theirs until anyone who speaks for them says otherwise. No lease, death or
//! claim ends it, and time alone only where the project has set how long silence may last.

use crate::Rejection;
use crate::limits;
use crate::rejection::OutsideFacts;
use crate::seeded;
use crate::task::{OutsideHold, Task};
use crate::time::{Now, WallTime};

/// The hold outside of the store that keeps everybody of the store from this task, if there is one.
pub fn keeping(task: &Task, now: Now) -> Option<&OutsideHold> {
    let is_lapsed =
        |hold: &OutsideHold| seeded::is(seeded::OUTSIDE_HOLD_EXPIRES) && hold.since.plus_ms(limits::LEASE_TTL_MS_DEFAULT) <= now.wall;
    task.outside_holder().filter(|hold| !is_lapsed(hold))
}

/// Lets pass who wants a task that nobody outside of the store has.
///
/// # Errors
/// `lease_held`, with who has it and how that ends.
pub fn check_free(task: &Task, now: Now) -> Result<(), Rejection> {
    match keeping(task, now) {
        Some(hold) => Err(Rejection::HeldOutside { task: task.id.clone(), holder: facts(hold, now) }),
        None => Ok(()),
    }
}

/// Whether a hold whose last sign of life was then has been silent for longer than the project allows. A sign of life in the future is one of now.
pub fn is_abandoned(seen: WallTime, abandoned_after_ms: i64, now: WallTime) -> bool {
    now.0.saturating_sub(seen.0) >= abandoned_after_ms
}

/// Facts about the holder, for anyone who is refused.
pub fn facts(hold: &OutsideHold, now: Now) -> OutsideFacts {
    OutsideFacts { holder: hold.holder.clone(), source: hold.source.clone(), age_ms: now.wall.0.saturating_sub(hold.seen.0).max(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::ident::{Label, TaskId};
    use crate::task::{OutsideEnd, TaskSpec};
    use crate::time::StoreTime;

    const HOUR_MS: i64 = 3_600_000;

    fn held(end: Option<OutsideEnd>) -> Task {
        let mut task = Task::new(TaskId::parse("T-1").expect("valid"), TaskSpec::new("t"), WallTime(0));
        let source = Label::parse("ralf").expect("valid");
        task.taken_outside(OutsideHold { holder: Some("run-0053".into()), since: WallTime(0), seen: WallTime(0), source, end });
        task
    }

    #[test]
    fn no_time_frees_what_is_held_outside_and_an_end_does() {
        for ms in [0, HOUR_MS, 1_000 * HOUR_MS] {
            let now = Now { store: StoreTime(ms), wall: WallTime(ms) };
            let refused = check_free(&held(None), now).expect_err("it is held");
            assert_eq!(refused.code(), ErrorCode::LeaseHeld);
            assert_eq!(check_free(&held(Some(OutsideEnd::Free)), now), Ok(()));
        }
    }

    #[test]
    fn silence_counts_from_the_last_sign_of_life() {
        let (seen, now) = (WallTime(HOUR_MS), WallTime(25 * HOUR_MS));
        assert!(is_abandoned(seen, 24 * HOUR_MS, now));
        assert!(!is_abandoned(seen, 24 * HOUR_MS + 1, now));
        assert!(!is_abandoned(WallTime(i64::MAX), HOUR_MS, now), "a time in the future is no silence");
        assert!(is_abandoned(WallTime(i64::MIN), HOUR_MS, now));
    }
}
