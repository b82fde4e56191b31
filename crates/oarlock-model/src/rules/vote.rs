//! When a proposal closes before its deadline, and what it decides.
//!
//! Those count who were present when it opened, those who are present now, and all who voted, each agent with its helpers as one. So a death never
//! makes a decision by itself: who has gone without a vote still counts for a majority, and is not waited for by `all`, as long as those who voted
//! are more than half.

use std::collections::{BTreeMap, BTreeSet};

use crate::ident::AgentName;
use crate::proposal::{ClosedBy, Closing, Proposal, Quorum};
use crate::rules::authority::root_of;
use crate::seeded;

/// Who counts for a proposal at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Electorate {
    /// All who count, voters included.
    pub counted: BTreeSet<AgentName>,
    /// Those of them who can still vote and have not.
    pub awaited: BTreeSet<AgentName>,
}

/// Who counts, and on whom a vote waits: `present` are the agents that are there now, and `is_there` says of one that is not among them whether it has a
/// live session anyway.
pub fn electorate<E>(
    proposal: &Proposal,
    present: &BTreeSet<AgentName>,
    mut is_there: impl FnMut(&AgentName) -> Result<bool, E>,
) -> Result<Electorate, E> {
    let all: BTreeSet<&AgentName> = proposal.electors.iter().chain(present).chain(proposal.votes.keys()).collect();
    let root = |name: &AgentName| root_of(name, |known| all.contains(known));
    let voters: BTreeSet<AgentName> = proposal.votes.keys().map(root).collect();
    let there: BTreeSet<AgentName> = present.iter().map(root).collect();
    let counted: BTreeSet<AgentName> = all.iter().map(|name| root(name)).collect();
    let mut awaited = BTreeSet::new();
    for name in counted.iter().filter(|name| !voters.contains(*name)) {
        if there.contains(name) || is_there(name)? {
            awaited.insert(name.clone());
        }
    }
    Ok(Electorate { counted, awaited })
}

/// The votes that count: the last one of each voter, and of an agent and its helpers that of the agent.
pub fn tally(proposal: &Proposal) -> BTreeMap<&str, u64> {
    let mut votes: BTreeMap<&str, u64> = proposal.options.iter().map(|option| (option.as_str(), 0)).collect();
    for (voter, option) in &proposal.votes {
        if root_of(voter, |name| proposal.votes.contains_key(name)) == *voter
            && let Some(count) = votes.get_mut(option.as_str())
        {
            *count += 1;
        }
    }
    votes
}

/// The option with the most votes; nothing when there is no vote, or when several have the most.
pub fn decision(proposal: &Proposal) -> Option<String> {
    let votes = tally(proposal);
    let most = votes.values().copied().max().filter(|most| *most > 0)?;
    let mut first = votes.iter().filter(|(_, count)| **count == most);
    match (first.next(), first.next()) {
        (Some((option, _)), None) => Some((*option).to_owned()),
        _ => None,
    }
}

/// How the quorum closes the proposal now, if it does.
pub fn closing(proposal: &Proposal, electorate: &Electorate) -> Option<Closing> {
    let votes = tally(proposal);
    let (cast, most) = (votes.values().sum::<u64>(), votes.values().copied().max().unwrap_or(0));
    let counted = electorate.counted.len() as u64;
    let is_half = |votes: u64| votes * 2 <= counted;
    let is_reached = match proposal.quorum {
        Quorum::Majority => !is_half(most) || cast >= counted,
        Quorum::All => electorate.awaited.is_empty() && !is_half(cast),
        Quorum::Votes(wanted) => cast >= u64::from(wanted),
    };
    let is_reached = is_reached || seeded::is(seeded::FIRST_VOTE_DECIDES);
    (cast > 0 && is_reached && proposal.is_open()).then(|| Closing { by: ClosedBy::Quorum, decision: decision(proposal) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::ProposalId;
    use crate::time::WallTime;
    use std::convert::Infallible;

    fn names(text: &str) -> BTreeSet<AgentName> {
        text.split_whitespace().map(|name| AgentName::parse(name).expect("a name")).collect()
    }

    fn proposal(quorum: &str, electors: &str, votes: &str) -> Proposal {
        let votes = votes.split_whitespace().map(|vote| {
            let (voter, option) = vote.split_once('=').expect("NAME=OPTION");
            (AgentName::parse(voter).expect("a name"), option.to_owned())
        });
        Proposal {
            id: ProposalId::of(1),
            question: "which?".into(),
            options: ["a", "b", "c"].map(str::to_owned).into(),
            quorum: quorum.parse().expect("a quorum"),
            electors: names(electors),
            opened_by: None,
            opened_at: WallTime(0),
            closes_at: None,
            votes: votes.collect(),
            closed: None,
        }
    }

    /// The outcome of a vote: `-` none yet, `tie` no decision, else the decision. `present` are those who are there now, `silent` those who are there and were
    /// not seen for long.
    fn closed(quorum: &str, electors: &str, present: &str, silent: &str, votes: &str) -> String {
        let proposal = proposal(quorum, electors, votes);
        let silent = names(silent);
        let there = |name: &AgentName| Ok::<_, Infallible>(silent.contains(name));
        let Ok(electorate) = electorate(&proposal, &names(present), there);
        match closing(&proposal, &electorate) {
            None => "-".into(),
            Some(closing) => closing.decision.unwrap_or_else(|| "tie".into()),
        }
    }

    #[test]
    fn a_proposal_closes_when_its_quorum_is_reached() {
        for (quorum, electors, present, silent, votes, expected) in [
            // A majority is more than half of all who count, for one option.
            ("majority", "x y z", "x y z", "", "", "-"),
            ("majority", "x y z", "x y z", "", "x=a", "-"),
            ("majority", "x y z", "x y z", "", "x=a y=b", "-"),
            ("majority", "x y z", "x y z", "", "x=a y=a", "a"),
            ("majority", "x y z", "x y z", "", "x=a y=b z=b", "b"),
            ("majority", "x y", "x y", "", "x=a", "-"),
            ("majority", "x", "x", "", "x=a", "a"),
            // Everybody has voted and no option has a majority: nothing more is to come.
            ("majority", "x y z", "x y z", "", "x=a y=b z=c", "tie"),
            ("majority", "x y", "x y", "", "x=a y=b", "tie"),
            ("majority", "v w x y z", "v w x y z", "", "v=a w=a x=b y=c z=c", "tie"),
            ("majority", "u v w x y", "u v w x y", "", "u=a v=a w=b x=c", "-"),
            // A death or a silence does not make a majority.
            ("majority", "x y z", "x", "", "x=a", "-"),
            ("majority", "x y z", "x y", "", "x=a y=a", "a"),
            ("majority", "x y z", "x y", "", "x=a y=b", "-"),
            ("majority", "x y z", "x", "y z", "x=a", "-"),
            // The vote of an agent that has gone since still counts, and so does the agent.
            ("majority", "x y z", "y z", "", "x=a y=a", "a"),
            ("majority", "x y z", "", "", "x=a y=a", "a"),
            // Those who came later count.
            ("majority", "x", "x y z", "", "x=a", "-"),
            ("majority", "", "x y z", "", "x=a", "-"),
            ("majority", "", "x y z", "", "x=a z=a", "a"),
            ("majority", "x y z", "x y z v w", "", "x=a y=a", "-"),
            ("majority", "x y z", "x y z v w", "", "x=a y=a v=a", "a"),
            // All: those who have gone without a vote are not waited for, as long as more than half voted.
            ("all", "x y z", "x y z", "", "x=a y=a", "-"),
            ("all", "x y z", "x y z", "", "x=a y=b z=a", "a"),
            ("all", "x y z", "x y", "", "x=a y=a", "a"),
            ("all", "x y z", "x y", "", "x=a y=b", "tie"),
            ("all", "x y z", "x y", "z", "x=a y=a", "-"),
            ("all", "x y z", "x", "", "x=a", "-"),
            ("all", "x y", "x", "", "x=a", "-"),
            ("all", "", "", "", "x=a", "a"),
            // A number is a number of votes, present or not.
            ("1", "x y z", "x y z", "", "x=b", "b"),
            ("2", "x y z", "x y z", "", "x=b", "-"),
            ("2", "x y z", "x y z", "", "x=b y=a", "tie"),
            ("2", "x y z", "z", "", "x=b y=b", "b"),
            ("4", "x y z", "x y z", "", "x=b y=b z=b", "-"),
            // An agent and its helpers are one.
            ("majority", "x x.1 x.2 y z", "x x.1 x.2 y z", "", "x=a y=a", "a"),
            ("majority", "x y z", "x y z", "", "x=a x.1=a", "-"),
            ("2", "x y z", "x y z", "", "x=a x.1=b", "-"),
            ("all", "x y", "x x.1 y", "", "x=a y=a", "a"),
            ("majority", "x.1 x.2 y", "x.1 x.2 y", "", "x=a y=b", "tie"),
        ] {
            assert_eq!(closed(quorum, electors, present, silent, votes), expected, "{quorum}: {electors} | {present} | {silent} | {votes}");
        }
    }

    #[test]
    fn most_votes_win_and_a_tie_decides_nothing() {
        for (votes, expected) in
            [("", None), ("x=a", Some("a")), ("x=a y=b", None), ("x=a y=b z=b", Some("b")), ("x=a y=a z=b w=b v=c", None)]
        {
            assert_eq!(decision(&proposal("all", "", votes)).as_deref(), expected, "{votes}");
        }
    }

    #[test]
    fn what_is_closed_does_not_close_again() {
        let mut proposal = proposal("1", "x", "x=a");
        let electorate = Electorate { counted: names("x"), awaited: BTreeSet::new() };
        let first = closing(&proposal, &electorate).expect("it closes");
        proposal.closed = Some(first);
        assert_eq!(closing(&proposal, &electorate), None);
    }
}
