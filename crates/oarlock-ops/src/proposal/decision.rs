//! `decision`: the votes of a proposal, and its decision once it is closed.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::{ProposalId, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::close;
use super::propose::ProposalReply;
use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::request::{Query, Request, Waiting};
use crate::shapes::ProposalShape;
use crate::topic::Topics;

/// Show the votes and the decision of a proposal. With --wait, wait until it is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct ShowDecision {
    /// The proposal
    pub id: ProposalId,
    /// Wait up to D until it is closed (then exit 8)
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
}

impl Request for ShowDecision {
    const VERB: &'static str = "decision";
    const ABOUT: &'static str = "Show the votes and the decision of a proposal";
    const EXAMPLE: &'static [&'static str] = &["P-12"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ProposalReply;

    fn waiting(&self) -> Option<Waiting> {
        self.wait.map(|d| Waiting { for_ms: Some(d.as_ms()), topics: Topics::PROPOSALS })
    }
}

impl Query for ShowDecision {
    fn answer(&self, cx: &Reading<'_>) -> Result<ProposalReply, OpError> {
        let proposal = close::find(cx.view, &self.id)?;
        if self.wait.is_some() && proposal.closed.is_none() {
            let count = proposal.votes.len();
            let votes = if count == 1 { "1 vote" } else { &format!("{count} votes") };
            return Err(Rejection::timed_out(format!("proposal {} is open, with {votes}", self.id)).into());
        }
        Ok(ProposalReply { proposal: ProposalShape::of(cx, proposal)? })
    }
}
