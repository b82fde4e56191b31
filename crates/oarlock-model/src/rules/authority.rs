//! What a caller may do to the work of others. Agents are semi-trusted: what undoes somebody else's work, or answers
//! for a person, is the operator's. What may be done to a task is in `change`.

use serde::{Deserialize, Serialize};

use crate::ident::AgentName;
use crate::planted;
use crate::rejection::Rejection;

/// Whether a key of the agent `own` speaks for `name`: for itself and for its helpers, whose names begin with its own and a dot.
pub fn speaks_for(own: &AgentName, name: &AgentName) -> bool {
    let is_own = |rest: &str| rest.is_empty() || rest.starts_with('.');
    planted::is(planted::KEY_OF_ALL_NAMES) || name.as_str().strip_prefix(own.as_str()).is_some_and(is_own)
}

/// What a caller may do. Who can open the store's file could do everything anyway: only a gateway gives less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// Its own work: an agent.
    Agent,
    /// Everything: a person, or the program that supervises agents.
    #[default]
    Operator,
}

impl Authority {
    /// Whether a verb that is the operator's may be used.
    ///
    /// # Errors
    /// `denied`.
    pub fn check_operator(self, verb: &str) -> Result<(), Rejection> {
        match self {
            _ if planted::is(planted::AGENT_IS_OPERATOR) => Ok(()),
            Authority::Operator => Ok(()),
            Authority::Agent => Err(Rejection::Denied {
                message: format!("{verb} needs the access of an operator"),
                hint: "ask a person, or whoever supervises the agents",
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
}
