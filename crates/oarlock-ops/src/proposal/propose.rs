//! `propose`: a question that agents decide by vote.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::event::ProposalOpened;
use oarlock_model::proposal::{Quorum, check_options};
use oarlock_model::rules::authority::speaks_for;
use oarlock_model::{ProposalId, Rejection, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

use super::close;
use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::local::Local;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::shapes::ProposalShape;
use crate::task::values;

/// Ask the agents a question that they decide by vote. The proposal closes when its quorum is reached or its deadline passes, and never opens
/// again. The option with the most votes is the decision; a tie decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Propose {
    /// The question; - reads standard input
    #[arg(value_name = "QUESTION")]
    pub question: String,
    /// The options, comma separated: at least two
    #[arg(long, value_name = "a,b", value_delimiter = ',', value_parser = trimmed, required = true)]
    pub options: Vec<String>,
    /// Votes that close it: majority (more than half for one option), all (everybody who is there has voted), or a number
    /// [default: majority]
    #[arg(long, value_name = "Q")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<Quorum>,
    /// Close it after D at the latest; without it, only the quorum closes it
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
}

/// An option as it was typed behind a comma, perhaps with a space before it.
#[expect(clippy::unnecessary_wraps, reason = "clap takes what can fail")]
fn trimmed(text: &str) -> Result<String, Infallible> {
    Ok(text.trim().to_owned())
}

/// The reply of `propose`, `vote` and `decision`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalReply {
    /// The proposal.
    pub proposal: ProposalShape,
}

impl ProposalReply {
    /// The proposal with this id of the log, as it is now.
    pub(super) fn of(cx: &Deciding<'_>, id: &ProposalId) -> Result<Self, OpError> {
        let reading = cx.reading();
        let proposal = reading.view.proposal(id)?.ok_or_else(|| OpError::Internal(format!("proposal {id} was just written")))?;
        Ok(Self { proposal: ProposalShape::of(&reading, proposal)? })
    }
}

impl Request for Propose {
    const VERB: &'static str = "propose";
    const ABOUT: &'static str = "Ask the agents a question that they decide by vote";
    const EXAMPLE: &'static [&'static str] = &["Which parser?", "--options", "nom,chumsky", "--deadline", "10m"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ProposalReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        local.read_if_dash(&mut self.question)
    }

    fn check(&self) -> Result<(), Rejection> {
        if self.question.trim().is_empty() {
            return Err(Rejection::invalid("the question is empty", "say what is to be decided"));
        }
        values::check_note("question", Some(&self.question))?;
        check_options(&self.options)
    }
}

impl Mutation for Propose {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Proposals]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<ProposalReply, OpError> {
        check_room(cx)?;
        let id = ProposalId::of(cx.next_token().0);
        let electors = close::present(cx.view())?;
        cx.emit(ProposalOpened {
            id: id.clone(),
            question: self.question.clone(),
            options: self.options.clone(),
            quorum: self.quorum.unwrap_or_default(),
            deadline_ms: self.deadline.map(Duration::as_ms),
            electors,
        })?;
        ProposalReply::of(cx, &id)
    }
}

/// Whether one more proposal may be open: agents with keys of their own leave a share to others.
fn check_room(cx: &Deciding<'_>) -> Result<(), OpError> {
    let open = cx.view().open_proposals(limits::PROPOSALS_OPEN_MAX)?;
    if open.len() >= limits::PROPOSALS_OPEN_MAX {
        return Err(Rejection::limit("open proposals", limits::PROPOSALS_OPEN_MAX, open.len() + 1).into());
    }
    if let Some(root) = &cx.caller().root {
        let most = limits::PROPOSALS_OPEN_MAX / limits::PRINCIPALS_SHARE;
        let own = open.iter().filter(|proposal| proposal.opened_by.as_ref().is_some_and(|by| speaks_for(root, by))).count();
        if own >= most {
            return Err(Rejection::limit("open proposals of one agent", most, own + 1).into());
        }
    }
    Ok(())
}
