//! The oracle of votes (semantics 21): who has voted for certain, who perhaps, and what was decided.

use oarlock_model::ErrorCode;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

use super::actor::Letter;

/// One proposal, as the replies report it.
#[derive(Clone, Debug)]
struct Ballot {
    quorum: Value,
    /// Its deadline is not before this moment, if it has one.
    deadline_ms: Option<i64>,
    /// The last vote of each voter whose vote was accepted.
    votes: BTreeMap<String, String>,
    /// How it was closed, once a reply has said so.
    closed: Option<Value>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ballots {
    known: BTreeMap<String, Ballot>,
    /// Proposals with a vote whose outcome nobody knows.
    astray: BTreeSet<String>,
}

impl Ballots {
    /// Hears the reply to a call about a proposal, made and answered between these moments.
    pub(super) fn hear(&mut self, letter: &Letter, reply: &Value, (begun_ms, ended_ms): (i64, i64)) -> Result<(), String> {
        let proposal = &reply["proposal"];
        let Some(id) = proposal["id"].as_str() else { return Err(format!("(21) {letter} was answered without a proposal")) };
        if letter.verb == "propose" {
            let deadline_ms = proposal["closes_in_ms"].as_i64().map(|ms| begun_ms + ms);
            let ballot = Ballot { quorum: proposal["quorum"].clone(), deadline_ms, votes: BTreeMap::new(), closed: None };
            self.known.insert(id.to_owned(), ballot);
            return Ok(());
        }
        let is_astray = self.astray.contains(id);
        let Some(ballot) = self.known.get_mut(id) else { return Ok(()) };
        if let (Some(voter), Some(option), "vote") = (&letter.agent, letter.request["option"].as_str(), letter.verb) {
            if ballot.closed.is_some() && ballot.votes.get(voter).map(String::as_str) != Some(option) {
                return Err(format!("(21) {letter} was accepted, and {id} is closed"));
            }
            ballot.votes.insert(voter.clone(), option.to_owned());
        }
        if is_astray {
            return Ok(());
        }
        ballot.judge(id, proposal, ended_ms)
    }

    /// Hears a refusal: only votes for what is closed are refused for the state of a proposal.
    pub(super) fn refused(&mut self, letter: &Letter, code: ErrorCode, ended_ms: i64) -> Result<(), String> {
        let id = letter.request["id"].as_str().unwrap_or_default();
        let Some(ballot) = self.known.get_mut(id).filter(|_| letter.verb == "vote") else { return Ok(()) };
        match code {
            ErrorCode::StateConflict => {
                let may_be_closed =
                    ballot.closed.is_some() || !ballot.votes.is_empty() || ballot.deadline_ms.is_some_and(|at| at <= ended_ms);
                if may_be_closed || self.astray.contains(id) {
                    Ok(())
                } else {
                    Err(format!("(21) {letter} was refused, and nothing can have closed {id}"))
                }
            }
            ErrorCode::StaleSession | ErrorCode::InvalidRequest | ErrorCode::NotFound => Ok(()),
            // It may have been made anyway.
            _ => {
                self.astray.insert(id.to_owned());
                Ok(())
            }
        }
    }
}

impl Ballot {
    fn judge(&mut self, id: &str, proposal: &Value, ended_ms: i64) -> Result<(), String> {
        let mut expected: BTreeMap<&str, u64> = BTreeMap::from([("a", 0), ("b", 0)]);
        for option in self.votes.values() {
            *expected.entry(option).or_default() += 1;
        }
        let shown: BTreeMap<&str, u64> =
            proposal["votes"].as_object().into_iter().flatten().map(|(option, n)| (option.as_str(), n.as_u64().unwrap_or(0))).collect();
        if shown != expected {
            return Err(format!("(21) {id} shows the votes {shown:?}, and those that were accepted are {:?}", self.votes));
        }
        let closing = (proposal["state"] == "closed").then(|| proposal["decision"].clone());
        if let Some(before) = &self.closed {
            return if Some(before) == closing.as_ref() {
                Ok(())
            } else {
                Err(format!("(21) {id} was closed with {before}, and is {proposal}"))
            };
        }
        let Some(decision) = closing else { return Ok(()) };
        let most = expected.values().copied().max().unwrap_or(0);
        let winners: Vec<&str> = expected.iter().filter(|(_, n)| **n == most && most > 0).map(|(option, _)| *option).collect();
        let wanted = if let [winner] = winners.as_slice() { Value::from(*winner) } else { Value::Null };
        if decision != wanted {
            return Err(format!("(21) {id} decided {decision}, and the votes are {expected:?}"));
        }
        let cast: u64 = expected.values().sum();
        let is_lawful = match (proposal["closed_by"].as_str(), self.quorum.as_u64()) {
            (Some("deadline"), _) => self.deadline_ms.is_some_and(|at| at <= ended_ms),
            (Some("quorum"), Some(votes)) => cast >= votes,
            (Some("quorum"), None) => cast > 0,
            _ => false,
        };
        if !is_lawful {
            return Err(format!("(21) nothing can have closed {id}: {proposal}"));
        }
        self.closed = Some(decision);
        Ok(())
    }
}
