//! How an identity begins, and how the bits of one are read: what of both is refused.

use std::str::FromStr;

use super::{EPOCH_SHIFT, Fresh, START_MAX, StoreId, StoreIdentity};
use crate::rejection::Rejection;
use crate::seeded;
use crate::time::WallTime;

impl FromStr for StoreId {
    type Err = Rejection;
    fn from_str(text: &str) -> Result<Self, Rejection> {
        let is_hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        let wrong = || Rejection::invalid("this is not the identity of a store", "it has 32 hexadecimal digits");
        if is_hex { u128::from_str_radix(text, 16).map(Self).map_err(|_| wrong()) } else { Err(wrong()) }
    }
}

impl StoreIdentity {
    /// A new identity, above every number that is known to have been given. Its epoch is the number of hours of the wall clock, or
    /// the next after the known one; within it the numbers begin anywhere, so that those of two stores of one hour differ.
    ///
    /// # Errors
    /// `limit_reached` should the numbers ever pass 2^53.
    pub fn begin(fresh: Fresh, now: WallTime, known_seq: Option<u64>) -> Result<Self, Rejection> {
        let hours = u64::try_from(now.0 / 3_600_000).unwrap_or(0);
        let epoch = hours.max(known_seq.map_or(0, |seq| (seq >> EPOCH_SHIFT) + 1));
        let epochs = 1 << (53 - EPOCH_SHIFT);
        if epoch >= epochs {
            return Err(Rejection::LimitReached { what: "epochs".into(), limit: epochs - 1, actual: epoch });
        }
        let start = if seeded::is(seeded::EPOCH_STARTS_AT_ZERO) { 0 } else { fresh.start % START_MAX };
        Ok(Self::new(StoreId(fresh.id), (epoch << EPOCH_SHIFT) + start, 0))
    }
}
