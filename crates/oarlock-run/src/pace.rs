//! How long a worker waits before its next claim: not at all while tasks get done, longer and longer while none does.

use std::time::Duration;

use oarlock_model::seeded;

use crate::outcome::Outcome;

/// A worker whose program gave a task back waits this long before its next claim, doubled each time, so that the two do not
/// chase each other.
const RELEASED_FIRST: Duration = Duration::from_secs(1);
/// How often the pause after tasks that were given back doubles.
const RELEASED_DOUBLINGS_MAX: u32 = 5;
/// The pause after the second failure in a row, doubled with each further one: when whatever the program needs is away, every task would
/// fail within seconds, and a queue would be used up.
const FAILED_FIRST: Duration = Duration::from_secs(1);
/// The longest pause after failures: this long after an outage the worker tries again.
const FAILED_MAX: Duration = Duration::from_secs(60);

/// The recent outcomes that a worker has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Tasks given back one after the other.
    releases: u32,
    /// Failures since something was finished.
    failures: u32,
}

impl Pace {
    /// Counts what came of an attempt.
    pub(crate) fn saw(&mut self, outcome: Outcome) {
        self.releases = if outcome == Outcome::Released { self.releases.saturating_add(1) } else { 0 };
        match outcome {
            Outcome::Done | Outcome::Submitted | Outcome::Split => self.failures = 0,
            Outcome::Failed => self.failures = self.failures.saturating_add(1),
            Outcome::Released | Outcome::Cancelled | Outcome::Lost => {}
        }
    }

    /// How long to wait before the next claim, if at all.
    pub(crate) fn pause(&self) -> Option<Duration> {
        let released = self.releases.checked_sub(1).map(|times| RELEASED_FIRST * 2_u32.pow(times.min(RELEASED_DOUBLINGS_MAX)));
        released.max(self.pause_after_failures())
    }

    /// The message to people when failures make the worker wait.
    pub(crate) fn warning(&self) -> Option<String> {
        let pause = self.pause_after_failures()?;
        Some(format!("{} failures in a row: the next claim waits {} s", self.failures, pause.as_secs()))
    }

    fn pause_after_failures(&self) -> Option<Duration> {
        let doublings = self.failures.checked_sub(2)?.min(16);
        if seeded::is(seeded::FAILURES_AT_FULL_SPEED) {
            return None;
        }
        Some((FAILED_FIRST * 2_u32.pow(doublings)).min(FAILED_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(outcomes: &[Outcome]) -> Vec<u64> {
        let mut pace = Pace::default();
        let pause_after = |outcome: &Outcome| {
            pace.saw(*outcome);
            pace.pause().map_or(0, |pause| pause.as_secs())
        };
        outcomes.iter().map(pause_after).collect()
    }

    #[test]
    fn failures_in_a_row_slow_a_worker_down_and_a_success_ends_that() {
        assert_eq!(pauses(&[Outcome::Failed; 9]), [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pauses(&[Outcome::Failed, Outcome::Failed, Outcome::Done, Outcome::Failed, Outcome::Failed]), [0, 1, 0, 0, 1]);
        // Neither a success nor a failure.
        assert_eq!(pauses(&[Outcome::Failed, Outcome::Failed, Outcome::Lost, Outcome::Cancelled]), [0, 1, 1, 1]);
    }

    #[test]
    fn a_task_that_is_given_back_again_and_again_is_not_chased() {
        assert_eq!(pauses(&[Outcome::Released; 8]), [1, 2, 4, 8, 16, 32, 32, 32]);
        assert_eq!(pauses(&[Outcome::Released, Outcome::Done]), [1, 0]);
    }

    #[test]
    fn who_waits_says_so() {
        let mut pace = Pace::default();
        pace.saw(Outcome::Failed);
        assert_eq!(pace.warning(), None);
        (0..2).for_each(|_| pace.saw(Outcome::Failed));
        assert_eq!(pace.warning().as_deref(), Some("3 failures in a row: the next claim waits 2 s"));
    }
}
