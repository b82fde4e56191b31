//! Who has a task that somebody else wants.

use serde_json::{Value, json};

use crate::duration::words;
use crate::ident::{AgentName, Label, SessionId, Token};

/// Who holds a lease, as far as others need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderFacts {
    /// The agent.
    pub agent: AgentName,
    /// Its session.
    pub session: SessionId,
    /// The token of the grant.
    pub token: Token,
    /// How long the lease still holds, in milliseconds; 0 when it has expired.
    pub ttl_ms: i64,
}

impl HolderFacts {
    pub(super) fn json(&self) -> Value {
        json!({"agent": self.agent, "session": self.session, "token": self.token, "ttl_ms": self.ttl_ms})
    }
}

/// Who has a task outside of the store, as far as others need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideFacts {
    /// As it is called there: untrusted text. Absent where nobody is named.
    pub holder: Option<String>,
    /// The system that reports it, such as `ralf`.
    pub source: Label,
    /// How long ago its last sign of life was, in milliseconds.
    pub age_ms: i64,
}

impl OutsideFacts {
    pub(super) fn json(&self) -> Value {
        let mut facts = json!({"outside": true, "source": self.source, "age_ms": self.age_ms});
        if let Some(holder) = &self.holder {
            facts["agent"] = json!(holder);
        }
        facts
    }

    pub(super) fn in_words(&self) -> String {
        let who = self.holder.as_deref().map_or_else(|| "somebody".to_owned(), crate::ident::shown);
        format!("{who}, outside of the store ({}), seen {} ago", self.source, words::in_words(self.age_ms))
    }
}
