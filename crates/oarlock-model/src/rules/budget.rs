//! Budgets of a run: when a limit is near, when it is reached, and which time counts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Rejection;
use crate::duration::words::to_the_second;
use crate::usage::{Usage, Usd};

/// Percent of a limit at which agents get a message to come to an end.
const SOFT_PERCENT: u128 = 80;

/// A limited quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetKind {
    /// Time in which parts are worked on, in milliseconds.
    Time,
    /// Money, in millionths of a US dollar.
    Cost,
    /// Tokens.
    Tokens,
}

impl BudgetKind {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Cost => "cost",
            Self::Tokens => "tokens",
        }
    }

    /// The flag that sets the limit.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Time => "--max-time",
            Self::Cost => "--max-cost",
            Self::Tokens => "--max-tokens",
        }
    }

    /// An amount of it, for people.
    pub fn in_words(self, amount: u64) -> String {
        match self {
            Self::Time => to_the_second(i64::try_from(amount).unwrap_or(i64::MAX)),
            Self::Cost => Usd::from_micros(amount).to_string(),
            Self::Tokens if amount == 1 => "1 token".to_owned(),
            Self::Tokens => format!("{amount} tokens"),
        }
    }
}

impl fmt::Display for BudgetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The limits of a run; what is absent is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Milliseconds in which parts are worked on.
    pub time_ms: Option<u64>,
    /// Money.
    pub cost: Option<Usd>,
    /// Tokens.
    pub tokens: Option<u64>,
}

/// Time, money and tokens that a run has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Milliseconds in which parts were worked on.
    pub time_ms: u64,
    /// Money and tokens of all attempts.
    pub usage: Usage,
}

/// How near a limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// 80 % of it are used.
    Soft,
    /// All of it is used.
    Exhausted,
}

/// One limit that is near or reached, in the unit of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which.
    pub kind: BudgetKind,
    /// How near.
    pub level: Level,
    /// The amount used.
    pub used: u64,
    /// The limit.
    pub limit: u64,
}

impl Mark {
    /// Such as `2m of 2m (--max-time)`.
    pub fn in_words(&self) -> String {
        format!("{} of {} ({})", self.kind.in_words(self.used), self.kind.in_words(self.limit), self.kind.flag())
    }
}

impl Budget {
    /// Checks that each limit lets something be done.
    ///
    /// # Errors
    /// `invalid_request` for no tokens at all.
    pub fn check(&self) -> Result<(), Rejection> {
        match self.tokens {
            Some(0) => Err(Rejection::invalid("--max-tokens 0 is out of range", "give the most tokens that may be used, at least 1")),
            _ => Ok(()),
        }
    }

    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The limits that are near or reached. Money that no client has reported is not money spent.
    pub fn marks(&self, spent: &Spent) -> Vec<Mark> {
        let cost = spent.usage.cost_usd.unwrap_or_default().micros();
        let each = [
            (BudgetKind::Time, spent.time_ms, self.time_ms),
            (BudgetKind::Cost, cost, self.cost.map(Usd::micros)),
            (BudgetKind::Tokens, spent.usage.tokens(), self.tokens),
        ];
        let mark = |(kind, used, limit): (BudgetKind, u64, Option<u64>)| {
            let limit = limit?;
            Some(Mark { kind, level: level(used, limit)?, used, limit })
        };
        each.into_iter().filter_map(mark).collect()
    }

    /// Milliseconds of work until the next level of the time, if there is one.
    pub fn time_left_ms(&self, spent_ms: u64) -> Option<u64> {
        let limit = self.time_ms?;
        let soft = u64::try_from((u128::from(limit) * SOFT_PERCENT).div_ceil(100)).unwrap_or(limit);
        [soft, limit].into_iter().find(|at| *at > spent_ms).map(|at| at - spent_ms)
    }
}

/// How near a limit is; nothing while less than 80 % are used.
fn level(used: u64, limit: u64) -> Option<Level> {
    if used >= limit {
        Some(Level::Exhausted)
    } else if u128::from(used) * 100 >= u128::from(limit) * SOFT_PERCENT {
        Some(Level::Soft)
    } else {
        None
    }
}

/// Adds up the time that counts against a budget: all but that in which nothing goes on but landing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkClock {
    worked_ms: u64,
    /// When it was asked last, and whether the time since then counts.
    last: Option<(u64, bool)>,
}

impl WorkClock {
    /// Takes the moment into account, in milliseconds of a clock that does not go back; `counts`: whether the time from now on counts.
    pub fn tick(&mut self, now_ms: u64, counts: bool) {
        self.worked_ms = self.worked_ms(now_ms);
        self.last = Some((now_ms, counts));
    }

    /// The time that counts, until this moment.
    pub fn worked_ms(&self, now_ms: u64) -> u64 {
        let since = self.last.filter(|(_, counts)| *counts).map_or(0, |(at, _)| now_ms.saturating_sub(at));
        self.worked_ms.saturating_add(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(time_ms: Option<u64>, micros: Option<u64>, tokens: Option<u64>) -> Budget {
        Budget { time_ms, cost: micros.map(Usd::from_micros), tokens }
    }

    fn spent(time_ms: u64, micros: Option<u64>, tokens: u64) -> Spent {
        Spent { time_ms, usage: Usage { cost_usd: micros.map(Usd::from_micros), input_tokens: tokens, ..Usage::default() } }
    }

    #[test]
    fn limits_are_near_at_80_percent_and_reached_at_all_of_it() {
        use BudgetKind::{Cost, Time, Tokens};
        use Level::{Exhausted, Soft};
        let all = budget(Some(1_000), Some(500_000), Some(10));
        for (budget, spent, want) in [
            (Budget::default(), spent(u64::MAX, Some(u64::MAX), u64::MAX), vec![]),
            (all, spent(799, Some(399_999), 7), vec![]),
            (all, spent(800, Some(400_000), 8), vec![(Time, Soft), (Cost, Soft), (Tokens, Soft)]),
            (all, spent(999, Some(499_999), 9), vec![(Time, Soft), (Cost, Soft), (Tokens, Soft)]),
            (all, spent(1_000, Some(500_000), 10), vec![(Time, Exhausted), (Cost, Exhausted), (Tokens, Exhausted)]),
            (all, spent(0, Some(900_000), 0), vec![(Cost, Exhausted)]),
            // Money that nobody has reported.
            (all, spent(0, None, 1), vec![]),
            (budget(None, Some(1), None), spent(5, None, 5), vec![]),
            // Numbers at the ends of their range.
            (budget(Some(u64::MAX), None, Some(u64::MAX)), spent(u64::MAX - 1, None, u64::MAX), vec![(Time, Soft), (Tokens, Exhausted)]),
            (budget(Some(1), None, Some(1)), spent(0, None, 0), vec![]),
            (budget(Some(0), None, None), spent(0, None, 0), vec![(Time, Exhausted)]),
        ] {
            let marks: Vec<_> = budget.marks(&spent).into_iter().map(|mark| (mark.kind, mark.level)).collect();
            assert_eq!(marks, want, "{budget:?} {spent:?}");
        }
    }

    #[test]
    fn the_next_level_of_the_time_is_known() {
        for (limit, spent_ms, left) in [
            (None, 5, None),
            (Some(1_000), 0, Some(800)),
            (Some(1_000), 800, Some(200)),
            (Some(1_000), 1_000, None),
            (Some(1), 0, Some(1)),
            (Some(u64::MAX), u64::MAX, None),
        ] {
            assert_eq!(budget(limit, None, None).time_left_ms(spent_ms), left, "{limit:?} {spent_ms}");
        }
    }

    #[test]
    fn time_in_which_only_landing_goes_on_does_not_count() {
        let mut clock = WorkClock::default();
        assert_eq!(clock.worked_ms(500), 0, "it has not begun");
        clock.tick(1_000, true);
        clock.tick(1_400, false);
        clock.tick(9_000, true);
        assert_eq!(clock.worked_ms(9_100), 500);
        clock.tick(9_100, true);
        // A clock that went back counts nothing.
        clock.tick(50, true);
        assert_eq!(clock.worked_ms(50), 500);
        clock.tick(u64::MAX, true);
        assert_eq!(clock.worked_ms(u64::MAX), u64::MAX);
    }

    #[test]
    fn marks_read_well() {
        let of = |kind, used, limit| Mark { kind, level: Level::Soft, used, limit }.in_words();
        assert_eq!(of(BudgetKind::Time, 97_000, 120_000), "1 min 37 s of 2 min 0 s (--max-time)");
        assert_eq!(of(BudgetKind::Cost, 412_300, 500_000), "$0.4123 of $0.50 (--max-cost)");
        assert_eq!(of(BudgetKind::Tokens, 1, 2), "1 token of 2 tokens (--max-tokens)");
    }
}
