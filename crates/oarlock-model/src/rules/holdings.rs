//! How much one agent may hold of what others need as well (semantics 20). The limits of the store are far above what anybody
//! needs; whoever serves agents that it does not know sets these lower.

use crate::limits;
use crate::pattern::Pattern;
use crate::rejection::Rejection;
use crate::reservation::{Mode, Target};
use crate::rules::reserve::Wanted;

/// The most that one agent's session may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Leases at once.
    pub leases: usize,
    /// Reservations at once.
    pub reservations: usize,
    /// So many leading components an exclusive pattern names without wildcards: with 1, nobody keeps all others out of
    /// everything by `**`.
    pub named_components: usize,
}

impl Default for Holdings {
    /// The limits of the store.
    fn default() -> Self {
        Self { leases: limits::LEASES_PER_SESSION_MAX, reservations: limits::RESERVATIONS_MAX, named_components: 0 }
    }
}

impl Holdings {
    /// What agents with keys of their own may hold, if nothing else is said.
    pub const OF_AGENTS: Self = Self { leases: 100, reservations: 200, named_components: 1 };

    /// Whether a session that holds so many leases may have one more.
    ///
    /// # Errors
    /// `limit_reached`.
    pub fn check_lease(&self, held: usize) -> Result<(), Rejection> {
        if held >= self.leases { Err(Rejection::limit("leases of one session", self.leases, held + 1)) } else { Ok(()) }
    }

    /// Whether a session that holds so many reservations may have these as well.
    ///
    /// # Errors
    /// `limit_reached`.
    pub fn check_reservations(&self, held: usize, wanted: &[Wanted]) -> Result<(), Rejection> {
        if held + wanted.len() > self.reservations {
            return Err(Rejection::limit("reservations of one session", self.reservations, held + wanted.len()));
        }
        let is_wide =
            |pattern: &Pattern| pattern.literal_prefix().split('/').filter(|name| !name.is_empty()).count() < self.named_components;
        let wide = wanted.iter().find_map(|wanted| match (&wanted.target, wanted.mode) {
            (Target::Paths(pattern), Mode::Exclusive) if is_wide(pattern) => Some(pattern),
            _ => None,
        });
        match wide {
            Some(pattern) => Err(Rejection::TooWide { pattern: pattern.to_string(), named_components: self.named_components }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(pattern: &str, mode: Mode) -> Wanted {
        Wanted { target: Target::Paths(Pattern::parse(pattern).expect("a pattern")), mode }
    }

    #[test]
    fn wide_patterns_are_only_shared() {
        let holdings = Holdings { named_components: 1, ..Holdings::default() };
        for (pattern, mode, is_fine) in [
            ("**", Mode::Exclusive, false),
            ("*/x", Mode::Exclusive, false),
            ("sr?/**", Mode::Exclusive, false),
            ("**", Mode::Shared, true),
            ("src/**", Mode::Exclusive, true),
            ("README.md", Mode::Exclusive, true),
        ] {
            let checked = holdings.check_reservations(0, &[wanted(pattern, mode)]);
            assert_eq!(checked.is_ok(), is_fine, "{pattern}");
            assert!(checked.is_ok() || checked.is_err_and(|no| no.code() == "limit_reached"));
        }
        assert!(Holdings::default().check_reservations(0, &[wanted("**", Mode::Exclusive)]).is_ok());
    }

    #[test]
    fn one_more_than_it_may_is_refused() {
        let holdings = Holdings { leases: 2, reservations: 2, named_components: 0 };
        assert!(holdings.check_lease(1).is_ok() && holdings.check_lease(2).is_err());
        let two = [wanted("a", Mode::Shared), wanted("b", Mode::Shared)];
        assert!(holdings.check_reservations(0, &two).is_ok() && holdings.check_reservations(1, &two).is_err());
    }
}
