//! Facts about proposals.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::ident::{AgentName, ProposalId};
use crate::proposal::{ClosedBy, Closing, Proposal, Quorum};
use crate::time::{StoreTime, WallTime};

/// See [`Fact::ProposalOpened`](super::Fact::ProposalOpened).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalOpened {
    /// The proposal.
    pub id: ProposalId,
    /// The question: untrusted.
    pub question: String,
    /// The options: untrusted.
    pub options: Vec<String>,
    /// How many votes close it.
    pub quorum: Quorum,
    /// How long after this event its deadline is, in milliseconds of store time; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<i64>,
    /// The agents that were present.
    #[serde(default)]
    pub electors: BTreeSet<AgentName>,
}

impl ProposalOpened {
    /// The proposal that an event with this fact opened, by its agent and its moments.
    #[must_use]
    pub fn into_proposal(self, by: Option<AgentName>, at: WallTime, store_at: StoreTime) -> Proposal {
        Proposal {
            id: self.id,
            question: self.question,
            options: self.options,
            quorum: self.quorum,
            electors: self.electors,
            opened_by: by,
            opened_at: at,
            closes_at: self.deadline_ms.map(|ms| store_at.plus_ms(ms)),
            votes: BTreeMap::new(),
            closed: None,
        }
    }
}

/// See [`Fact::VoteCast`](super::Fact::VoteCast).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoteCast {
    /// The proposal.
    pub id: ProposalId,
    /// Whose vote it is: the agent that cast it, or the one whose helper that is.
    pub voter: AgentName,
    /// The option; it replaces an earlier vote of the same voter.
    pub option: String,
}

/// See [`Fact::ProposalClosed`](super::Fact::ProposalClosed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalClosed {
    /// The proposal.
    pub id: ProposalId,
    /// The cause: its quorum or its deadline.
    pub by: ClosedBy,
    /// The option with the most votes; absent when nobody voted, or when several have the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
}

impl ProposalClosed {
    /// How the proposal was closed.
    #[must_use]
    pub fn closing(&self) -> Closing {
        Closing { by: self.by, decision: self.decision.clone() }
    }
}
