//! Permission to change the work of others. Agents are semi-trusted: undoing somebody else's work, or answering
//! for a person, is the operator's. What may be done to a task is in `change`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ident::AgentName;
use crate::rejection::Rejection;
use crate::seeded;

/// Whether a key of the agent `own` speaks for `name`: for itself and for its helpers, whose names begin with its own and a dot.
pub fn speaks_for(own: &AgentName, name: &AgentName) -> bool {
    let is_own = |rest: &str| rest.is_empty() || rest.starts_with('.');
    seeded::is(seeded::KEY_OF_ALL_NAMES) || name.as_str().strip_prefix(own.as_str()).is_some_and(is_own)
}

/// Whether what `holder` has reserved keeps `who` from writing there, or from committing it. What its parent holds does not stop a helper; and what a
/// helper wrote, its parent may commit.
pub fn keeps_out(holder: &AgentName, who: &AgentName, is_commit: bool) -> bool {
    !(speaks_for(holder, who) || is_commit && speaks_for(who, holder))
}

/// The names, besides its own, that could speak for this one; the shortest first.
pub fn above(name: &AgentName) -> impl Iterator<Item = AgentName> + '_ {
    let text = name.as_str();
    text.match_indices('.').filter_map(|(at, _)| AgentName::parse(&text[..at]).ok())
}

/// The name by which what an agent does and holds is counted: of the names that are known the shortest that speaks for its own, or else its own.
/// An agent and its helpers are one, and gain nothing by more names; two agents whose names only begin alike are two (`gpt-4.1`, `gpt-4.5`).
pub fn root_of(name: &AgentName, is_known: impl Fn(&AgentName) -> bool) -> AgentName {
    let root = above(name).find(is_known).filter(|_| !seeded::is(seeded::HELPERS_COUNT_APART));
    root.unwrap_or_else(|| name.clone())
}

/// The permissions of a caller. A caller that can open the store's file could do everything anyway: only a gateway gives less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// Its own work: an agent.
    Agent,
    /// Everything: a person, or the program that supervises agents.
    #[default]
    Operator,
}

impl Authority {
    /// Both roles.
    pub const ALL: [Self; 2] = [Self::Agent, Self::Operator];

    /// The role in one word, as it is written in JSON and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Operator => "operator",
        }
    }

    /// Whether a verb that is the operator's may be used.
    ///
    /// # Errors
    /// `denied`.
    pub fn check_operator(self, verb: &str) -> Result<(), Rejection> {
        match self {
            _ if seeded::is(seeded::AGENT_IS_OPERATOR) => Ok(()),
            Authority::Operator => Ok(()),
            Authority::Agent => Err(Rejection::Denied {
                message: format!("{verb} needs the access of an operator"),
                hint: "ask a person, or the program that supervises the agents",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_speaks_for_its_agent_and_its_helpers() {
        let name = |text: &str| AgentName::parse(text).expect("a name");
        for (own, other, speaks) in [("ada", "ada", true), ("ada", "ada.tests", true), ("ada", "adam", false), ("ada.tests", "ada", false)]
        {
            assert_eq!(speaks_for(&name(own), &name(other)), speaks, "{own} {other}");
        }
    }

    #[test]
    fn a_reservation_keeps_others_out_and_no_helper() {
        let name = |text: &str| AgentName::parse(text).expect("a name");
        for (holder, who, writes, commits) in [
            ("ada", "ada", true, true),
            ("ada", "ada.tests", true, true),
            ("ada.tests", "ada", false, true),
            ("ada.tests", "ada.docs", false, false),
            ("bob", "ada", false, false),
        ] {
            let may = [false, true].map(|is_commit| !keeps_out(&name(holder), &name(who), is_commit));
            assert_eq!(may, [writes, commits], "{holder} {who}");
        }
    }

    #[test]
    fn an_agent_and_its_helpers_count_as_one() {
        let name = |text: &str| AgentName::parse(text).expect("a name");
        for (of, known, root) in [
            ("ada", "", "ada"),
            ("ada", "ada.x", "ada"),
            ("ada.x", "", "ada.x"),
            ("ada.x", "ada", "ada"),
            ("ada.x", "ada.x", "ada.x"),
            ("ada.x.y", "ada.x ada", "ada"),
            ("ada.x.y", "ada.x", "ada.x"),
            ("adam.x", "ada", "adam.x"),
            ("gpt-4.1", "gpt-4.5", "gpt-4.1"),
            ("gpt-4.1", "gpt-4", "gpt-4"),
            ("gpt-4.1.tests", "gpt-4.1 gpt-4.5", "gpt-4.1"),
            ("a..b", "a", "a"),
            ("a..b", "a.", "a."),
        ] {
            let known: Vec<AgentName> = known.split(' ').filter(|text| !text.is_empty()).map(name).collect();
            let found = root_of(&name(of), |name| known.contains(name));
            assert_eq!(found.as_str(), root, "{of} among {known:?}");
            assert!(speaks_for(&found, &name(of)), "{of}");
            assert!(above(&name(of)).all(|above| speaks_for(&above, &name(of))), "{of}");
        }
    }
}
