//! How many workers a run has while the amount of work changes.

/// The workers that are wanted for the parts that are held and those that are ready, within the range.
pub fn wanted(range: (usize, usize), held: usize, ready: usize) -> usize {
    let (min, max) = range;
    held.saturating_add(ready).clamp(min.min(max), max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_follow_the_work_within_their_range() {
        for (range, held, ready, want) in [
            ((1, 8), 0, 0, 1),
            ((1, 8), 0, 1, 1),
            ((1, 8), 1, 3, 4),
            ((2, 8), 1, 0, 2),
            ((1, 8), 8, 20, 8),
            ((3, 3), 0, 100, 3),
            ((1, 8), usize::MAX, usize::MAX, 8),
            ((9, 8), 0, 0, 8),
        ] {
            assert_eq!(wanted(range, held, ready), want, "{range:?} {held} {ready}");
        }
    }
}
