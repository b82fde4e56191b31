//! How much one agent may hold of what others need as well (semantics 20). The limits of the store are far above what anybody
//! needs; anyone who serves agents that it does not know sets these lower.

use crate::limits;
use crate::pattern::Pattern;
use crate::rejection::Rejection;
use crate::reservation::{Mode, Target};
use crate::rules::reserve::Wanted;

/// The most that one principal may hold: an agent with a key of its own and its helpers, all sessions together; without keys, one
/// session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Leases at once.
    pub leases: usize,
    /// Reservations at once.
    pub reservations: usize,
    /// Live sessions at once.
    pub sessions: usize,
    /// This many leading components an exclusive pattern names without wildcards: with 1, nobody keeps all others out of
    /// everything by `**`.
    pub named_components: usize,
}

/// The number of things that a principal holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Leases.
    pub leases: usize,
    /// Reservations.
    pub reservations: usize,
    /// Live sessions.
    pub sessions: usize,
}

impl Default for Holdings {
    /// The limits of the store.
    fn default() -> Self {
        Self { leases: limits::LEASES_PER_SESSION_MAX, reservations: limits::RESERVATIONS_MAX, sessions: usize::MAX, named_components: 0 }
    }
}

impl Holdings {
    /// The default limits for agents with keys of their own.
    pub const OF_AGENTS: Self = Self { leases: 100, reservations: 200, sessions: 100, named_components: 1 };

    /// The same, but no more than what leaves a share of the store's limits to others: one principal gets at most a quarter.
    #[must_use]
    pub fn leaving_a_share(self) -> Self {
        Self {
            leases: self.leases.min(limits::LEASES_PER_SESSION_MAX),
            reservations: self.reservations.min(limits::RESERVATIONS_MAX / limits::PRINCIPALS_SHARE),
            sessions: self.sessions.min(limits::SESSIONS_PER_PRINCIPAL_MAX),
            ..self
        }
    }

    /// How many more leases fit.
    pub fn room_for_leases(&self, held: usize) -> usize {
        self.leases.saturating_sub(held)
    }

    /// Whether one that holds this many leases may have one more.
    ///
    /// # Errors
    /// `limit_reached`.
    pub fn check_lease(&self, held: usize) -> Result<(), Rejection> {
        if self.room_for_leases(held) == 0 {
            return Err(Rejection::limit("leases of one agent and its helpers", self.leases, held + 1));
        }
        Ok(())
    }

    /// Whether one that has this many live sessions may have one more.
    ///
    /// # Errors
    /// `limit_reached`.
    pub fn check_session(&self, held: usize) -> Result<(), Rejection> {
        if held >= self.sessions {
            return Err(Rejection::limit("live sessions of one agent and its helpers", self.sessions, held + 1));
        }
        Ok(())
    }

    /// Whether one that holds this many reservations may have these as well.
    ///
    /// # Errors
    /// `limit_reached`.
    pub fn check_reservations(&self, held: usize, wanted: &[Wanted]) -> Result<(), Rejection> {
        if held + wanted.len() > self.reservations {
            let what = "reservations of one agent and its helpers";
            return Err(Rejection::limit(what, self.reservations, held + wanted.len()));
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
    use crate::ErrorCode;

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
            assert!(checked.is_ok() || checked.is_err_and(|no| no.code() == ErrorCode::LimitReached));
        }
        assert!(Holdings::default().check_reservations(0, &[wanted("**", Mode::Exclusive)]).is_ok());
    }

    #[test]
    fn one_more_than_it_may_is_refused() {
        let holdings = Holdings { leases: 2, reservations: 2, sessions: 2, named_components: 0 };
        assert!(holdings.check_lease(1).is_ok() && holdings.check_lease(2).is_err());
        assert_eq!((holdings.room_for_leases(1), holdings.room_for_leases(5)), (1, 0));
        assert!(holdings.check_session(1).is_ok() && holdings.check_session(2).is_err());
        let two = [wanted("a", Mode::Shared), wanted("b", Mode::Shared)];
        assert!(holdings.check_reservations(0, &two).is_ok() && holdings.check_reservations(1, &two).is_err());
    }

    #[test]
    fn one_principal_gets_at_most_a_quarter_of_what_the_store_holds() {
        let most = Holdings { leases: usize::MAX, reservations: usize::MAX, sessions: usize::MAX, named_components: 0 }.leaving_a_share();
        assert_eq!(most.reservations, limits::RESERVATIONS_MAX / 4);
        assert!(most.sessions <= limits::SESSIONS_PER_PRINCIPAL_MAX && most.leases <= limits::LEASES_PER_SESSION_MAX);
        assert_eq!(Holdings::OF_AGENTS.leaving_a_share(), Holdings::OF_AGENTS);
    }
}
