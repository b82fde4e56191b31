//! `vote`: one vote for each agent, which it may change until the proposal is closed.

use clap::Args;
use oarlock_model::event::VoteCast;
use oarlock_model::ident::shown;
use oarlock_model::proposal::Proposal;
use oarlock_model::{AgentName, ProposalId, Rejection, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::close;
use super::propose::ProposalReply;
use crate::OpError;
use crate::caller::{Caller, Identity, counts_as};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};

/// Vote for an option of a proposal. Each agent has one vote, with its helpers, and may change it until the proposal is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Vote {
    /// The proposal
    pub id: ProposalId,
    /// One of its options
    #[arg(value_name = "OPTION")]
    pub option: String,
}

impl Request for Vote {
    const VERB: &'static str = "vote";
    const ABOUT: &'static str = "Vote for an option of a proposal, or change your vote";
    const EXAMPLE: &'static [&'static str] = &["P-12", "nom"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = ProposalReply;
}

impl Mutation for Vote {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Proposals]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<ProposalReply, OpError> {
        let me = cx.me()?.name.clone();
        let mut proposal = close::find(cx.view(), &self.id)?;
        check(&proposal, self)?;
        let voter = voter(cx, &me)?;
        if proposal.votes.insert(voter.clone(), self.option.clone()).as_ref() != Some(&self.option) {
            cx.emit(VoteCast { id: proposal.id.clone(), voter, option: self.option.clone() })?;
            let present = close::present(cx.view())?;
            close::if_reached(cx, &proposal, &present)?;
        }
        ProposalReply::of(cx, &proposal.id)
    }
}

/// Whose vote it is: an agent and its helpers have one.
fn voter(cx: &Deciding<'_>, me: &AgentName) -> Result<AgentName, OpError> {
    if seeded::is(seeded::VOTED_TWICE) {
        return Ok(AgentName::parse(&format!("{me}.{}", cx.next_token()))?);
    }
    Ok(counts_as(cx.view(), cx.caller(), me)?)
}

fn check(proposal: &Proposal, vote: &Vote) -> Result<(), Rejection> {
    if let Some(closing) = proposal.closed.as_ref().filter(|_| !proposal.is_open()) {
        let outcome = match &closing.decision {
            Some(decision) => format!("the decision is \"{}\"", shown(decision)),
            None => "without a decision".to_owned(),
        };
        let mut details = json!({"proposal": vote.id, "state": "closed"});
        if let Some(decision) = &closing.decision {
            details["decision"] = json!(decision);
        }
        return Err(Rejection::Conflict {
            message: format!("proposal {} is closed by its {}: {outcome}", vote.id, closing.by.as_str()),
            hint: "act on the decision; a new question needs a new proposal: oarlock propose".into(),
            details,
        });
    }
    if proposal.options.contains(&vote.option) {
        return Ok(());
    }
    let options: Vec<String> = proposal.options.iter().take(OPTIONS_SHOWN).map(|option| format!("\"{}\"", shown(option))).collect();
    let more = if proposal.options.len() > OPTIONS_SHOWN { ", …" } else { "" };
    Err(Rejection::invalid(
        format!("\"{}\" is not an option of proposal {}", shown(&vote.option), vote.id),
        format!("vote for one of {}{more}", options.join(", ")),
    ))
}

/// Options that a refusal names.
const OPTIONS_SHOWN: usize = 10;
