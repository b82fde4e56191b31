//! Access keys as they are kept, and the principal that a request with one comes from.

use oarlock_client::gateway::Access;
use oarlock_model::rules::authority::{Authority, speaks_for};
use oarlock_model::{AgentName, Rejection, seeded};
use serde::{Deserialize, Serialize};

/// A key with its hash, as the list has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    pub(super) access: Access,
    pub(super) hash: String,
    /// Whose limits count for it, as the whole list says; none for an operator's.
    #[serde(skip)]
    pub(super) root: Option<AgentName>,
}

/// Who a request comes from, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// The id of the key.
    pub(crate) key_id: String,
    /// The only name it may give; any for an operator.
    pub(crate) name: Option<AgentName>,
    /// Whose limits count for it: of the agents' names that this gateway knows the shortest that speaks for its own. None for an
    /// operator.
    pub(crate) root: Option<AgentName>,
    /// Its rights over others' work.
    pub(crate) authority: Authority,
    /// The only verbs it may use; empty for all.
    pub(crate) verbs: Vec<String>,
}

impl Principal {
    /// Whether it may speak for an agent of this name.
    ///
    /// # Errors
    /// `denied`.
    pub(crate) fn check_name(&self, name: &AgentName) -> Result<(), Rejection> {
        match &self.name {
            Some(own) if !speaks_for(own, name) => Err(Rejection::Denied {
                message: format!("this access key speaks for {own}, not for {name}"),
                hint: "leave the name out, or use the key of that agent",
            }),
            _ => Ok(()),
        }
    }

    /// Whether it may use a verb.
    ///
    /// # Errors
    /// `denied`.
    pub(crate) fn check_verb(&self, verb: &str) -> Result<(), Rejection> {
        if self.verbs.is_empty() || seeded::is(seeded::KEY_OF_ALL_VERBS) || self.verbs.iter().any(|known| known == verb) {
            return Ok(());
        }
        Err(Rejection::Denied {
            message: format!("this access key may not use {verb}, only {}", self.verbs.join(", ")),
            hint: "use one of those, or ask for another key",
        })
    }
}
