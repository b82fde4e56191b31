//! Durations as people write them: `90s`, `15m`, `2h`, `3d`.

pub mod words;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

use crate::ident::shown;
use crate::limits;
use crate::rejection::Rejection;

/// A duration from one second to thirty days. In JSON it is its text, for example `"15m"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    ms: i64,
}

impl Duration {
    /// A duration of `ms` milliseconds, moved into the allowed range.
    pub fn from_ms(ms: i64) -> Self {
        Self { ms: ms.clamp(limits::DURATION_MS_MIN, limits::DURATION_MS_MAX) }
    }

    /// The duration in milliseconds.
    pub fn as_ms(self) -> i64 {
        self.ms
    }

    /// The duration in minutes, rounded up.
    pub fn as_minutes(self) -> u32 {
        u32::try_from((self.ms + 59_999) / 60_000).unwrap_or(u32::MAX)
    }

    /// The duration as the standard library's type.
    pub fn as_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.ms.unsigned_abs())
    }
}

impl FromStr for Duration {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        let wrong = || {
            Rejection::invalid(
                format!("\"{}\" is not a duration", shown(text)),
                "write a number and a unit: 90s, 15m, 2h, 3d (from 1s to 30d)",
            )
        };
        let unit = text.bytes().last().ok_or_else(wrong)?;
        let ms_per_unit: i64 = match unit {
            b's' => 1_000,
            b'm' => 60_000,
            b'h' => 3_600_000,
            b'd' => 86_400_000,
            _ => return Err(wrong()),
        };
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let ms = digits.parse::<i64>().ok().and_then(|n| n.checked_mul(ms_per_unit));
        match ms {
            Some(ms) if (limits::DURATION_MS_MIN..=limits::DURATION_MS_MAX).contains(&ms) => Ok(Self { ms }),
            _ => Err(Rejection::invalid(format!("the duration {} is out of range", shown(text)), "durations go from 1s to 30d")),
        }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.ms / 1_000;
        match seconds {
            s if s % 86_400 == 0 => write!(f, "{}d", s / 86_400),
            s if s % 3_600 == 0 => write!(f, "{}h", s / 3_600),
            s if s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

crate::schema::text_schema!(Duration, "duration");

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_to_their_range() {
        for (text, ms) in [("1s", 1_000), ("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("30d", 2_592_000_000)] {
            assert_eq!(text.parse::<Duration>().expect(text).as_ms(), ms);
        }
        for bad in ["", "s", "0s", "31d", "-1s", "1.5h", "1 s", "1w", "10", "99999999999999999999s", "１s", "1é"] {
            assert!(bad.parse::<Duration>().is_err(), "{bad}");
        }
        assert_eq!(Duration::from_ms(5_400_000).to_string(), "90m");
    }
}
