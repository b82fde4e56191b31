//! Samples: taken in turns so that a slow moment of the machine meets every side, and reported by their median.

use std::time::Instant;

use crate::output::Outcome;

/// The middle and the ends of some samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Of samples in any order.
    ///
    /// # Errors
    /// There are none.
    pub(super) fn of(samples: &[f64]) -> Outcome<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else { return Err("nothing was measured".into()) };
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Ok(Self { median, min: *min, max: *max })
    }

    /// Of one value.
    pub(super) fn only(value: f64) -> Self {
        Self { median: value, min: value, max: value }
    }
}

/// The `part` (0 to 1) of sorted samples: the least one that this many are not above.
///
/// # Errors
/// There are none.
pub(super) fn quantile(sorted: &[u64], part: f64) -> Outcome<u64> {
    let last = sorted.len().checked_sub(1).ok_or("nothing was measured")?;
    let rank = (part * sorted.len() as f64).ceil() as usize;
    Ok(sorted[rank.saturating_sub(1).min(last)])
}

/// One side of a comparison: each call takes one sample.
pub(super) type Side<'a> = &'a mut dyn FnMut() -> Outcome<f64>;

/// Lets the sides take samples in turns, `each` per round, after one sample each that does not count.
/// Returns, for each side, the median of every round.
///
/// # Errors
/// Those of the sides.
pub(super) fn in_turns(rounds: usize, each: usize, sides: &mut [Side<'_>]) -> Outcome<Vec<Vec<f64>>> {
    for side in sides.iter_mut() {
        side()?;
    }
    let mut medians = vec![Vec::with_capacity(rounds); sides.len()];
    for _ in 0..rounds {
        let mut samples = vec![Vec::with_capacity(each); sides.len()];
        for _ in 0..each {
            for (side, samples) in sides.iter_mut().zip(&mut samples) {
                samples.push(side()?);
            }
        }
        for (medians, samples) in medians.iter_mut().zip(&samples) {
            medians.push(Spread::of(samples)?.median);
        }
    }
    Ok(medians)
}

/// The ratio of two sides, round by round.
///
/// # Errors
/// There were no rounds.
pub(super) fn ratio(of: &[f64], to: &[f64]) -> Outcome<Spread> {
    let ratios: Vec<f64> = of.iter().zip(to).filter(|(_, to)| **to > 0.0).map(|(of, to)| of / to).collect();
    Spread::of(&ratios)
}

/// How many seconds something takes.
///
/// # Errors
/// Its own.
pub(super) fn seconds(what: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let start = Instant::now();
    what()?;
    Ok(start.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_middle_and_ends() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]).expect("samples"), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).expect("samples").median, 2.5);
        assert!(Spread::of(&[]).is_err());
    }

    #[test]
    fn quantiles_are_samples() {
        let sorted: Vec<u64> = (1..=1_000).collect();
        for (part, wanted) in [(0.0, 1), (0.5, 500), (0.99, 990), (0.999, 999), (1.0, 1_000)] {
            assert_eq!(quantile(&sorted, part).expect("samples"), wanted);
        }
        assert!(quantile(&[], 0.5).is_err());
    }

    #[test]
    fn sides_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let mut a = || {
            order.borrow_mut().push('a');
            Ok(2.0)
        };
        let mut b = || {
            order.borrow_mut().push('b');
            Ok(3.0)
        };
        let medians = in_turns(2, 2, &mut [&mut a, &mut b]).expect("sides without errors");
        assert_eq!(*order.borrow(), "ababababab");
        assert_eq!(ratio(&medians[1], &medians[0]).expect("rounds"), Spread::only(1.5));
    }
}
