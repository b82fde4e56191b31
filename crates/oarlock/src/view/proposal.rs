//! Proposals as text.

use oarlock_model::proposal::Quorum;
use oarlock_ops::proposal::ProposalReply;
use oarlock_ops::shapes::{ProposalShape, ProposalState};

use super::{Page, View, counted, duration, joined, safe, shown};

impl View for ProposalReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        let proposal = &self.proposal;
        page.line(format_args!("{} {}", page.paint.bold(&shown(&proposal.id)), safe(&proposal.question).replace('\n', " ")));
        for option in &proposal.options {
            let own = if proposal.voted.as_ref() == Some(option) { "  (your vote)" } else { "" };
            let votes = proposal.votes.get(option).copied().unwrap_or(0);
            page.line(format_args!("  {votes:>3}  {}{own}", safe(option)));
        }
        match proposal.state {
            ProposalState::Closed => page.line(outcome(proposal, page)),
            ProposalState::Open => open(proposal, page),
        }
    }

    fn ids(&self) -> Vec<String> {
        vec![shown(&self.proposal.id)]
    }
}

fn outcome(proposal: &ProposalShape, page: &Page) -> String {
    let by = proposal.closed_by.map_or("vote", |by| by.as_str());
    match &proposal.decision {
        Some(decision) => format!("decided by its {by}: {}", page.paint.bold(&safe(decision))),
        None if proposal.votes.values().all(|votes| *votes == 0) => format!("closed by its {by} without a decision: nobody voted"),
        None => format!("closed by its {by} without a decision: a tie"),
    }
}

fn open(proposal: &ProposalShape, page: &mut Page) {
    let needs = match proposal.quorum {
        Quorum::Majority => format!("a majority of {}", counted(proposal.counted.unwrap_or(0), "agent")),
        Quorum::All => "the votes of all agents that are there".to_owned(),
        Quorum::Votes(votes) => counted(u64::from(votes), "vote"),
    };
    let deadline = proposal.closes_in_ms.map(|ms| format!(", or closes in {}", duration(ms))).unwrap_or_default();
    page.line(format_args!("open: needs {needs}{deadline}"));
    if !proposal.awaited.is_empty() {
        page.line(format_args!("not voted: {}", joined(&proposal.awaited)));
    }
}
