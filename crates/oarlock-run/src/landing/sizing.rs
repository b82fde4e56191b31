//! How many submissions are tested as one: many while tests pass, few after a failure, one at a time while more than three in ten fail.

/// Submissions of one batch.
pub(super) const BATCH_MAX: usize = 16;
/// Outcomes that decide whether batches are worth it.
const OUTCOMES_KEPT: usize = 20;
/// Outcomes that there must be before they decide.
const OUTCOMES_MIN: usize = 4;
/// Failures, in percent, above which submissions are tested one at a time.
const FAILURES_MAX_PERCENT: usize = 30;

/// How large the next batch is.
#[derive(Debug)]
pub(super) struct Sizing {
    /// After a failed batch: the next one ends before what failed.
    pub(super) limit: usize,
    /// The last outcomes of tests of single submissions and of batches: whether each failed.
    outcomes: Vec<bool>,
}

impl Default for Sizing {
    fn default() -> Self {
        Self { limit: BATCH_MAX, outcomes: Vec::new() }
    }
}

impl Sizing {
    /// Submissions of the next batch, at most.
    pub(super) fn size(&self) -> usize {
        let failures = self.outcomes.iter().filter(|failed| **failed).count();
        let is_red = self.outcomes.len() >= OUTCOMES_MIN && failures * 100 > self.outcomes.len() * FAILURES_MAX_PERCENT;
        if is_red { 1 } else { self.limit.clamp(1, BATCH_MAX) }
    }

    /// This many submissions have landed, or one was refused.
    pub(super) fn settled(&mut self, landed: usize, refused: usize) {
        self.outcomes.extend(std::iter::repeat_n(false, landed));
        self.outcomes.extend(std::iter::repeat_n(true, refused));
        let old = self.outcomes.len().saturating_sub(OUTCOMES_KEPT);
        self.outcomes.drain(..old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_failures_end_batches() {
        let mut sizing = Sizing::default();
        assert_eq!(sizing.size(), BATCH_MAX);
        sizing.settled(1, 1);
        assert_eq!(sizing.size(), BATCH_MAX, "too few to tell");
        sizing.settled(1, 1);
        assert_eq!(sizing.size(), 1);
        sizing.settled(OUTCOMES_KEPT, 0);
        assert_eq!(sizing.size(), BATCH_MAX);
    }
}
