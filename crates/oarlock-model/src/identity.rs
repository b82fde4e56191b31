//! The identity of a store: it distinguishes the store, and every number it gives out, from all others.
//!
//! Each `init`, `restore` and `import` begins a new one. Numbers of events go on above its base; ids of sessions, messages and
//! reservations, and cursors, count from there and end with its tag, so that what one store gave is no valid text in another.

mod begin;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

use crate::seeded;

/// Bits of an event's number below its epoch: four thousand million events in each epoch, and the whole stays below 2^53, which
/// every JSON reader keeps exactly.
pub const EPOCH_SHIFT: u32 = 32;

/// An epoch begins below this number in its low bits: half of them are left for its events.
const START_MAX: u64 = 1 << 31;

/// Characters of a tag, at most.
const TAG_CHARS_MAX: u32 = 6;

/// The beginning of the form of a number that an earlier identity gave.
const EARLIER: char = 'e';

/// 128 random bits, as 32 hexadecimal digits where they are written. Zero has no tag: the stores of tests may have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StoreId(pub u128);

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for StoreId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StoreId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Random numbers for a new identity, passed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// 128 bits.
    pub id: u128,
    /// Where the numbers begin within their epoch; the part above 2^31 is left out.
    pub start: u64,
}

/// The identity of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreIdentity {
    id: StoreId,
    tag: String,
    base: u64,
    untagged_to: u64,
}

impl StoreIdentity {
    /// The identity with these bits whose first event has the number `base + 1`. Up to `untagged_to` the store gave its numbers
    /// without a tag, before it had an identity; 0 when it never did.
    #[must_use]
    pub fn new(id: StoreId, base: u64, untagged_to: u64) -> Self {
        Self { tag: tag_of(id), id, base, untagged_to }
    }

    /// The bits.
    pub fn id(&self) -> StoreId {
        self.id
    }

    /// At most six of `a-z0-9`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The number before that of the first event of this identity.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The last number that was given without a tag; 0 when there is none.
    pub fn untagged_to(&self) -> u64 {
        self.untagged_to
    }

    /// The epoch of its first event.
    pub fn epoch(&self) -> u64 {
        (self.base + 1) >> EPOCH_SHIFT
    }

    /// A text with the tag behind it.
    pub fn tagged(&self, text: &str) -> String {
        if self.tag.is_empty() { text.to_owned() } else { format!("{text}-{}", self.tag) }
    }

    /// The number, if this identity has tagged it; none for a number of another identity.
    pub fn untagged<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.tag.is_empty() || seeded::is(seeded::TAGS_IGNORED) {
            return Some(text.rsplit_once('-').filter(|_| !self.tag.is_empty()).map_or(text, |(text, _)| text));
        }
        text.rsplit_once('-').filter(|(_, tag)| *tag == self.tag).map(|(text, _)| text)
    }

    /// The number of an event as it is in ids and cursors: `N-TAG`, counted from the base.
    pub fn give(&self, seq: u64) -> String {
        let number = match seq.checked_sub(self.base) {
            Some(number) => number.to_string(),
            // Its identity is over, and the number is kept: in short digits, for it is long.
            None => format!("{EARLIER}{}", digits_36(seq.into())),
        };
        self.tagged(&number)
    }

    /// The number of the event that [`StoreIdentity::give`] gave as this text; none for what another store gave.
    pub fn read(&self, text: &str) -> Option<u64> {
        let Some(number) = self.untagged(text) else {
            // A plain number, from before this store had an identity.
            return number_of(text).filter(|number| *number <= self.untagged_to);
        };
        let seq = match number.strip_prefix(EARLIER) {
            Some(earlier) => u64::from_str_radix(earlier, 36).ok().filter(|seq| *seq < self.base)?,
            None => self.base.checked_add(number_of(number)?)?,
        };
        // One number has one form, so that ids can be compared as texts.
        (self.give(seq) == text || seeded::is(seeded::TAGS_IGNORED)).then_some(seq)
    }
}

/// Digits alone, no sign and no blanks.
fn number_of(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn tag_of(id: StoreId) -> String {
    if id.0 == 0 {
        return String::new();
    }
    // All bits count: an identity that was given in order still has a tag of its own.
    let folded = (id.0 ^ (id.0 >> 64)) % 36_u128.pow(TAG_CHARS_MAX);
    digits_36(folded)
}

fn digits_36(mut number: u128) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.is_empty() {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::time::WallTime;

    fn identity(id: u128, base: u64) -> StoreIdentity {
        StoreIdentity::new(StoreId(id), base, 0)
    }

    #[test]
    fn a_tag_is_short_and_made_of_small_letters_and_digits() {
        for id in [1, 35, 36, u128::MAX, u128::MAX - 1, 1 << 64, 0x1234_5678_9abc_def0_0fed_cba9_8765_4321] {
            let tag = identity(id, 0).tag().to_owned();
            assert!((1..=6).contains(&tag.len()), "{tag}");
            assert!(tag.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()), "{tag}");
        }
        assert_ne!(identity(1, 0).tag(), identity(2, 0).tag());
    }

    #[test]
    fn what_one_store_gave_is_nothing_to_another() {
        let (one, other) = (identity(0xabcdef, 7_000), identity(0x123456, 7_000));
        for seq in [0, 5, 6_999, 7_000, 7_001, 9_000] {
            assert_eq!(one.read(&one.give(seq)), Some(seq), "{seq}");
            assert_eq!(other.read(&one.give(seq)), None, "{seq}");
        }
        assert_eq!(one.give(7_003), format!("3-{}", one.tag()));
        assert!(one.give(6_999).starts_with('e'), "{}", one.give(6_999));
        for text in ["3", "", "-", "3-", "x-y", "+3", " 3", "03"] {
            assert_eq!(one.read(text), None, "{text}");
            assert_eq!(one.read(&one.tagged(text)).filter(|_| text != "3"), None, "{text}");
        }
    }

    #[test]
    fn a_store_that_had_no_identity_still_reads_what_it_gave_then() {
        let old = StoreIdentity::new(StoreId(9), 0, 40);
        assert_eq!((old.read("40"), old.read("41"), old.read("41-9")), (Some(40), None, Some(41)));
        assert_eq!(StoreIdentity::default().give(3), "3");
        assert_eq!(StoreIdentity::default().read("3"), Some(3));
    }

    #[test]
    fn a_new_identity_is_above_the_known_numbers_and_begins_anywhere_in_its_epoch() {
        let now = WallTime(3_600_000 * 1_000);
        let begin = |start, known| StoreIdentity::begin(Fresh { id: 1, start }, now, known).expect("there are epochs left");
        assert_eq!(begin(5, None).base(), (1_000 << EPOCH_SHIFT) + 5);
        assert_eq!(begin(u64::MAX, None).epoch(), 1_000, "there is room for its events");
        let known = (1_000 << EPOCH_SHIFT) + 77;
        assert!(begin(0, Some(known)).base() > known);
        assert_eq!(begin(3, Some(12)).epoch(), 1_000);
        let late = StoreIdentity::begin(Fresh { id: 1, start: 0 }, now, Some(1 << 53)).expect_err("no number is left");
        assert_eq!(late.code(), ErrorCode::LimitReached);
    }

    #[test]
    fn the_bits_are_written_as_hexadecimal_digits() {
        let id = StoreId(0xab);
        assert_eq!(id.to_string(), "000000000000000000000000000000ab");
        assert_eq!(id.to_string().parse::<StoreId>().expect("reads back"), id);
        for bad in ["", "ab", "000000000000000000000000000000AB", "+00000000000000000000000000000ab"] {
            assert!(bad.parse::<StoreId>().is_err(), "{bad}");
        }
    }
}
