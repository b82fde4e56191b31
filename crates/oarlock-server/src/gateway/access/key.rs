//! Access keys: what is kept of them, who a request with one comes from, and what a new one is to be.

use oarlock_model::duration::Duration;
use oarlock_model::rules::authority::{Authority, speaks_for};
use oarlock_model::{AgentName, Rejection, planted};
use serde::{Deserialize, Serialize};

/// One key, as it is kept and listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Access {
    /// Its name among keys; no secret.
    pub(crate) id: String,
    /// The agent it speaks for, or the operator it belongs to.
    pub(crate) name: AgentName,
    /// What it lets its bearer be.
    pub(crate) role: Authority,
    /// The only verbs it may use; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) verbs: Vec<String>,
    /// The key by which it was made, which takes it along when it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<String>,
    /// When it was made, by the wall clock.
    pub(crate) created_at: String,
    /// When it ends, by the wall clock, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ends_at_ms: Option<i64>,
}

impl Access {
    pub(super) fn lives(&self, now_ms: i64) -> bool {
        self.ends_at_ms.is_none_or(|ends_ms| now_ms < ends_ms)
    }
}

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
    /// What it may do to others' work.
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
        if self.verbs.is_empty() || planted::is(planted::KEY_OF_ALL_VERBS) || self.verbs.iter().any(|known| known == verb) {
            return Ok(());
        }
        Err(Rejection::Denied {
            message: format!("this access key may not use {verb}, only {}", self.verbs.join(", ")),
            hint: "use one of those, or ask for another key",
        })
    }
}

/// What a new key is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Whom it speaks for.
    pub(super) name: AgentName,
    /// What its bearer may be.
    #[serde(default = "agent")]
    pub(super) role: Authority,
    /// The only verbs that it may use; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) verbs: Vec<String>,
    /// After how long it ends.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub(super) lifetime: Option<Duration>,
}

/// Nobody gets more than was asked for.
fn agent() -> Authority {
    Authority::Agent
}
