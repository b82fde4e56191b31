//! When a failed task may be tried again, and when it has had enough (semantics 11).

use crate::event::DeathReason;
use crate::ident::Token;
use crate::limits;
use crate::planted;

/// Milliseconds to wait after failure number `failures` (from 1): doubling from one second to a
/// quarter of an hour, then between half and all of that, chosen by the grant's token ("equal
/// jitter": Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
pub fn backoff_ms(failures: u32, token: Token) -> i64 {
    let doublings = failures.saturating_sub(1).min(20);
    let full = (limits::RETRY_BACKOFF_MS_FIRST << doublings).min(limits::RETRY_BACKOFF_MS_MAX);
    let half = full / 2;
    half + (spread(token.0) % (half.unsigned_abs() + 1)) as i64
}

/// Whether a task with these counts is dead, and why.
pub fn death(failures: u32, losses: u32, max_attempts: u32) -> Option<DeathReason> {
    if planted::is(planted::RETRIED_FOR_EVER) {
        None
    } else if failures >= max_attempts {
        Some(DeathReason::Failures)
    } else if losses >= max_attempts {
        Some(DeathReason::Losses)
    } else {
        None
    }
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
    fn backoff_grows_and_stays_bounded() {
        for token in 0..200 {
            for failures in 1..40 {
                let ms = backoff_ms(failures, Token(token));
                let full = (1_000_i64 << (failures - 1).min(20)).min(limits::RETRY_BACKOFF_MS_MAX);
                assert!((full / 2..=full).contains(&ms), "failures {failures} token {token}: {ms}");
            }
        }
    }

    #[test]
    fn failures_and_losses_are_counted_apart() {
        assert_eq!(death(2, 2, 3), None);
        assert_eq!(death(3, 0, 3), Some(DeathReason::Failures));
        assert_eq!(death(0, 3, 3), Some(DeathReason::Losses));
    }
}
