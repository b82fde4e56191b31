//! PROPOSAL.

use oarlock_model::proposal::{ClosedBy, Proposal, Quorum};
use oarlock_model::rules::vote;
use oarlock_model::{AgentName, ProposalId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::OpError;
use crate::caller::counts_as;
use crate::context::Reading;
use crate::proposal::close;
use crate::shapes::rfc3339;

/// How many agents a proposal names that have not voted.
const AWAITED_MAX: usize = 20;

/// Whether votes are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// They are.
    Open,
    /// They no longer are.
    Closed,
}

/// A proposal: PROPOSAL of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalShape {
    /// The proposal id.
    pub id: ProposalId,
    /// The question.
    pub question: String,
    /// The options.
    pub options: Vec<String>,
    /// How many votes close it: `majority`, `all`, or a number.
    pub quorum: Quorum,
    /// The number of votes for each option.
    pub votes: BTreeMap<String, u64>,
    /// Whether it is open or closed.
    pub state: ProposalState,
    /// The option with the most votes; only when closed, and absent when nobody voted or several options have the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// The cause by which it was closed; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<ClosedBy>,
    /// Milliseconds until its deadline; absent without one, and when it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_in_ms: Option<i64>,
    /// The number of agents that count while it is open: those present when it opened, those present now, and all voters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<u64>,
    /// The first 20 of them that can vote and have not, while it is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaited: Vec<AgentName>,
    /// The option that the caller has voted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voted: Option<String>,
    /// Who opened it; absent for a caller without identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<AgentName>,
    /// The time it was opened, in RFC 3339.
    pub opened_at: String,
}

impl ProposalShape {
    /// The shape of a proposal for the caller.
    ///
    /// # Errors
    /// Store errors.
    pub fn of(cx: &Reading<'_>, proposal: Proposal) -> Result<Self, OpError> {
        let votes = vote::tally(&proposal).into_iter().map(|(option, votes)| (option.to_owned(), votes)).collect();
        let voted = match cx.me {
            Some(me) => proposal.votes.get(&counts_as(cx.view, cx.caller, &me.name)?).cloned(),
            None => None,
        };
        let mut shape = Self {
            id: proposal.id.shown_by(cx.view.identity()),
            question: proposal.question.clone(),
            options: proposal.options.clone(),
            quorum: proposal.quorum,
            votes,
            state: ProposalState::Closed,
            decision: None,
            closed_by: None,
            closes_in_ms: None,
            counted: None,
            awaited: Vec::new(),
            voted,
            opened_by: proposal.opened_by.clone(),
            opened_at: rfc3339(proposal.opened_at),
        };
        if let Some(closing) = proposal.closed {
            (shape.decision, shape.closed_by) = (closing.decision, Some(closing.by));
            return Ok(shape);
        }
        let electorate = close::electorate(cx.view, &proposal, &close::present(cx.view)?)?;
        shape.state = ProposalState::Open;
        shape.closes_in_ms = proposal.closes_at.map(|at| at.since_ms(cx.now.store).max(0));
        shape.counted = Some(electorate.counted.len() as u64);
        shape.awaited = electorate.awaited.into_iter().take(AWAITED_MAX).collect();
        Ok(shape)
    }
}
