//! Closing proposals: by their quorum, after a vote or when an agent goes, and by their deadline.

use oarlock_model::event::ProposalClosed;
use oarlock_model::proposal::{ClosedBy, Closing, Proposal};
use oarlock_model::rules::vote::{self, Electorate};
use oarlock_model::{AgentName, ProposalId, Rejection, limits};
use std::collections::BTreeSet;

use crate::OpError;
use crate::context::Deciding;
use crate::store::{StoreResult, View};

/// The proposal that the store shows by this id.
///
/// # Errors
/// `not_found`, also for an id that another store gave; store errors.
pub(super) fn find(view: &dyn View, shown: &ProposalId) -> Result<Proposal, OpError> {
    let found = match shown.known_to(view.identity()) {
        Some(id) => view.proposal(&id)?,
        None => None,
    };
    found.ok_or_else(|| Rejection::not_found("proposal", shown).into())
}

/// The agents that are present now: those that an open proposal waits for.
///
/// # Errors
/// Store errors.
pub(crate) fn present(view: &dyn View) -> StoreResult<BTreeSet<AgentName>> {
    Ok(view.present_agents(limits::ELECTORS_MAX)?.into_iter().map(|agent| agent.name).collect())
}

/// Who counts for a proposal now.
///
/// # Errors
/// Store errors.
pub(crate) fn electorate(view: &dyn View, proposal: &Proposal, present: &BTreeSet<AgentName>) -> StoreResult<Electorate> {
    vote::electorate(proposal, present, |name| Ok(!view.live_family(name)?.is_empty()))
}

/// Closes the proposals whose quorum is reached now that an agent has gone.
///
/// # Errors
/// Store errors.
pub(crate) fn where_reached(cx: &mut Deciding<'_>) -> Result<(), OpError> {
    let open = cx.view().open_proposals(limits::PROPOSALS_OPEN_MAX)?;
    if open.is_empty() {
        return Ok(());
    }
    let present = present(cx.view())?;
    open.iter().try_for_each(|proposal| if_reached(cx, proposal, &present))
}

/// Closes a proposal if its quorum is reached.
///
/// # Errors
/// Store errors.
pub(crate) fn if_reached(cx: &mut Deciding<'_>, proposal: &Proposal, present: &BTreeSet<AgentName>) -> Result<(), OpError> {
    // Most have no vote yet, and nobody has to be counted for them.
    if proposal.votes.is_empty() {
        return Ok(());
    }
    let electorate = electorate(cx.view(), proposal, present)?;
    vote::closing(proposal, &electorate).map_or(Ok(()), |closing| close(cx, proposal, closing))
}

/// Closes a proposal whose deadline has passed.
///
/// # Errors
/// Store errors.
pub(crate) fn at_deadline(cx: &mut Deciding<'_>, proposal: &Proposal) -> Result<(), OpError> {
    close(cx, proposal, Closing { by: ClosedBy::Deadline, decision: vote::decision(proposal) })
}

fn close(cx: &mut Deciding<'_>, proposal: &Proposal, closing: Closing) -> Result<(), OpError> {
    cx.emit(ProposalClosed { id: proposal.id.clone(), by: closing.by, decision: closing.decision })
}
