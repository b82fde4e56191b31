//! When a failed task may be tried again, and when it has had enough (semantics 11).

use crate::event::DeathReason;
use crate::ident::Token;
use crate::limits;
use crate::seeded;

/// Milliseconds to wait after failure number `failures` (from 1): `first_ms`, doubled with each further failure, at most a quarter of an
/// hour; and up to half as much on top, chosen by the grant's token. The jitter keeps tasks that failed together from coming back
/// together (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015); it only adds, so the wait is never shorter
/// than the configured one.
pub fn backoff_ms(first_ms: i64, failures: u32, token: Token) -> i64 {
    let doublings = failures.saturating_sub(1).min(20);
    let full = first_ms.clamp(1, limits::RETRY_BACKOFF_MS_MAX).saturating_mul(1 << doublings).min(limits::RETRY_BACKOFF_MS_MAX);
    let jitter = (spread(token.0) % ((full / 2).unsigned_abs() + 1)) as i64;
    if seeded::is(seeded::JITTER_SHORTENS) { full - jitter } else { full + jitter }
}

/// Whether a task that has just failed for the `failures`th time is dead.
pub fn death_by_failure(failures: u32, max_attempts: u32) -> Option<DeathReason> {
    has_had_enough(failures, max_attempts).then_some(DeathReason::Failures)
}

/// Whether a task whose lease was just lost for the `losses`th time is dead. Its failures do not count here: a person may have given it back
/// after the last one that was allowed.
pub fn death_by_loss(losses: u32, max_attempts: u32) -> Option<DeathReason> {
    has_had_enough(losses, max_attempts).then_some(DeathReason::Losses)
}

fn has_had_enough(times: u32, max_attempts: u32) -> bool {
    times >= max_attempts && !seeded::is(seeded::RETRIED_FOR_EVER)
}

/// Spreads consecutive numbers over the whole range (the finaliser of SplitMix64, Steele et al., OOPSLA 2014).
fn spread(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_and_jitter_only_adds() {
        for (first_ms, failures, full) in [
            (15_000, 1, 15_000),
            (15_000, 2, 30_000),
            (15_000, 3, 60_000),
            (15_000, 7, 900_000),
            (15_000, 1_000, 900_000),
            (1_000, 1, 1_000),
            (1_000, 4, 8_000),
        ] {
            let waits: Vec<i64> = (0..200).map(|token| backoff_ms(first_ms, failures, Token(token))).collect();
            assert!(waits.iter().all(|ms| (full..=full + full / 2).contains(ms)), "failures {failures} from {first_ms}: {waits:?}");
            assert!(waits.iter().any(|ms| *ms > full + full / 4), "no jitter: {waits:?}");
        }
        // However long the first is, a quarter of an hour and half of it again is the most.
        assert!((900_000..=1_350_000).contains(&backoff_ms(limits::DURATION_MS_MAX, 1_000, Token(7))));
    }

    #[test]
    fn failures_and_losses_are_counted_apart() {
        assert_eq!((death_by_failure(2, 3), death_by_loss(2, 3)), (None, None));
        assert_eq!(death_by_failure(3, 3), Some(DeathReason::Failures));
        assert_eq!(death_by_loss(3, 3), Some(DeathReason::Losses));
    }
}
