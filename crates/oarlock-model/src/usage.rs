//! Use of models by an attempt: tokens and money, as the client that ran it reported.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ident::shown;
use crate::rejection::Rejection;

/// Millionths of a US dollar in one dollar.
const MICROS: u64 = 1_000_000;
/// The most that an amount can be: a billion dollars.
const USD_MAX: u64 = 1_000_000_000 * MICROS;
/// Decimals of a dollar that an amount keeps.
const DECIMALS: usize = 6;

/// An amount in US dollars, in whole millionths, from 0 to a billion dollars. In JSON it is a number of dollars, for example `0.25`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(u64);

impl Usd {
    /// An amount of N millionths; more than the most is the most.
    pub fn from_micros(micros: u64) -> Self {
        Self(micros.min(USD_MAX))
    }

    /// The amount that a program reported as a number of dollars, rounded to millionths. A negative number and NaN are no amount; infinity is not, either.
    pub fn reported(dollars: f64) -> Option<Self> {
        if !dollars.is_finite() || dollars < 0.0 {
            return None;
        }
        // Not below zero, and the cast saturates.
        Some(Self::from_micros((dollars * MICROS as f64).round() as u64))
    }

    /// Its millionths.
    pub fn micros(self) -> u64 {
        self.0
    }

    /// Both together; at most the most.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self::from_micros(self.0.saturating_add(other.0))
    }
}

/// As people write it: `$0.25`, `$12.00`, `$0.000125`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:06}", self.0 % MICROS);
        let kept = digits.trim_end_matches('0').len().max(2);
        write!(f, "${}.{}", self.0 / MICROS, &digits[..kept])
    }
}

impl FromStr for Usd {
    type Err = Rejection;

    /// Reads what a person wrote: `5`, `0.50` or `$5`.
    fn from_str(text: &str) -> Result<Self, Rejection> {
        let wrong = || {
            Rejection::invalid(
                format!("\"{}\" is not an amount in US dollars", shown(text)),
                "write a number with at most 6 decimals: 5, 0.50 (more than 0, at most 1000000000)",
            )
        };
        let number = text.strip_prefix('$').unwrap_or(text);
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || part.len() > DECIMALS {
            return Err(wrong());
        }
        let whole = whole.parse::<u64>().ok().and_then(|dollars| dollars.checked_mul(MICROS));
        let part = format!("{part:0<DECIMALS$}").parse::<u64>().ok();
        let micros = whole.zip(part).and_then(|(whole, part)| whole.checked_add(part));
        micros.filter(|micros| (1..=USD_MAX).contains(micros)).map(Self).ok_or_else(wrong)
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / MICROS as f64)
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        Self::reported(dollars).ok_or_else(|| D::Error::custom(format!("{dollars} is not an amount in US dollars")))
    }
}

/// Tokens and money. What a client does not report is absent, or 0 for tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The money; absent when the client reports none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Usd>,
    /// Tokens that models read, those from a cache included.
    #[serde(default)]
    pub input_tokens: u64,
    /// Those of the read tokens that came from a cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Tokens that models wrote.
    #[serde(default)]
    pub output_tokens: u64,
}

impl Usage {
    /// All tokens: read, from a cache or not, and written.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Whether nothing was reported.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Both together. The money is that which is known.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let cost_usd = match (self.cost_usd, other.cost_usd) {
            (Some(one), Some(other)) => Some(one.plus(other)),
            (one, other) => one.or(other),
        };
        Self {
            cost_usd,
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }

    /// The larger of each: of two reports about one attempt, whichever came first.
    #[must_use]
    pub fn or_more(&self, other: &Self) -> Self {
        Self {
            cost_usd: self.cost_usd.max(other.cost_usd),
            input_tokens: self.input_tokens.max(other.input_tokens),
            cached_tokens: self.cached_tokens.max(other.cached_tokens),
            output_tokens: self.output_tokens.max(other.output_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, micros, shown) in [
            ("5", 5_000_000, "$5.00"),
            ("$0.50", 500_000, "$0.50"),
            ("0.000001", 1, "$0.000001"),
            ("12.3456", 12_345_600, "$12.3456"),
            ("1000000000", USD_MAX, "$1000000000.00"),
        ] {
            let read: Usd = text.parse().expect(text);
            assert_eq!((read.micros(), read.to_string().as_str()), (micros, shown));
        }
        for text in ["", "0", "0.0", "-1", "NaN", "inf", "1e3", "1,5", ".5", "5.", "0.0000001", "1000000000.000001", "99999999999999999999"]
        {
            let refused = text.parse::<Usd>().expect_err(text);
            assert!(refused.to_string().contains("is not an amount in US dollars"), "{text}: {refused}");
        }
    }

    #[test]
    fn what_programs_report_is_an_amount_or_nothing() {
        for (dollars, micros) in [
            (0.0, Some(0)),
            (-0.0, Some(0)),
            (0.012_345_678, Some(12_346)),
            (1e300, Some(USD_MAX)),
            (-0.01, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
            (f64::NEG_INFINITY, None),
        ] {
            assert_eq!(Usd::reported(dollars).map(Usd::micros), micros, "{dollars}");
        }
    }

    #[test]
    fn amounts_survive_json() {
        for micros in [0, 1, 123_456_789, 999_999_999_999_999, USD_MAX] {
            let text = serde_json::to_string(&Usd(micros)).expect("JSON");
            assert_eq!(serde_json::from_str::<Usd>(&text).expect("it is one"), Usd(micros), "{text}");
        }
        assert!(serde_json::from_str::<Usd>("-1").is_err());
    }

    #[test]
    fn sums_do_not_overflow_and_keep_what_is_known() {
        let most = Usage { cost_usd: Some(Usd(USD_MAX)), input_tokens: u64::MAX, cached_tokens: u64::MAX, output_tokens: u64::MAX };
        assert_eq!((most.plus(&most), most.tokens()), (most, u64::MAX));
        let free = Usage { input_tokens: 3, ..Usage::default() };
        let paid = Usage { cost_usd: Some(Usd(7)), output_tokens: 2, ..Usage::default() };
        assert_eq!(free.plus(&paid), Usage { cost_usd: Some(Usd(7)), input_tokens: 3, output_tokens: 2, ..Usage::default() });
        assert_eq!(free.plus(&paid), free.or_more(&paid));
        assert!(Usage::default().is_nothing() && !free.is_nothing());
    }
}
