//! Proposals and their votes.

use oarlock_model::event::{Event, ProposalClosed, ProposalOpened, VoteCast};
use oarlock_model::proposal::{Closing, Proposal};
use oarlock_model::{AgentName, Now, ProposalId, StoreTime, WallTime};
use rusqlite::{Connection, Params, Row, params};

use super::{Sql, all, change, change_one, first, id_or, int, json, to_json, uint};
use crate::error::bad_row;

/// The columns of a proposal, with its votes.
const COLUMNS: &str = "p.seq, p.question, p.options, p.quorum, p.electors, p.opened_by, p.opened_at, p.closes_at, p.closed_by, p.decision,
  (SELECT json_group_array(json_array(v.voter, v.choice)) FROM votes v WHERE v.proposal = p.seq)";
const INSERT: &str = "INSERT INTO proposals (seq, question, options, quorum, electors, opened_by, opened_at, closes_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
/// A later vote takes the place of the earlier one. A proposal that is closed takes none.
const VOTE: &str = "INSERT INTO votes (proposal, voter, choice)
SELECT seq, ?2, ?3 FROM proposals WHERE seq = ?1 AND closed_by IS NULL AND EXISTS (SELECT 1 FROM json_each(options) WHERE value = ?3)
ON CONFLICT (proposal, voter) DO UPDATE SET choice = excluded.choice";
const CLOSE: &str = "UPDATE proposals SET closed_by = ?2, decision = ?3 WHERE seq = ?1 AND closed_by IS NULL
AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(options) WHERE value = ?3))";
const OPEN: &str = "WHERE p.closed_by IS NULL ORDER BY p.seq LIMIT ?1";
const DUE: &str = "WHERE p.closed_by IS NULL AND p.closes_at <= ?1 ORDER BY p.closes_at, p.seq LIMIT ?2";
const NEXT_DEADLINE: &str = "SELECT min(closes_at) FROM proposals WHERE closed_by IS NULL AND closes_at > ?1";

/// The number in an id; 0, which no event has, when it is of another form.
fn number_of(id: &ProposalId) -> i64 {
    id.seq().map_or(0, int)
}

/// Maps [`COLUMNS`].
fn map(row: &Row<'_>) -> Sql<Proposal> {
    let closed_by: Option<String> = row.get(8)?;
    let closed_by = closed_by.map(|word| word.parse().map_err(|error| bad_row("closing", error))).transpose()?;
    let decision: Option<String> = row.get(9)?;
    Ok(Proposal {
        id: ProposalId::of(uint(row, 0)?),
        question: row.get(1)?,
        options: json(row, 2)?,
        quorum: row.get_ref(3)?.as_str()?.parse().map_err(|error| bad_row("quorum", error))?,
        electors: json(row, 4)?,
        opened_by: id_or(row, 5)?,
        opened_at: WallTime(row.get(6)?),
        closes_at: row.get::<_, Option<i64>>(7)?.map(StoreTime),
        closed: closed_by.map(|by| Closing { by, decision }),
        votes: json::<Vec<(AgentName, String)>>(row, 10)?.into_iter().collect(),
    })
}

fn select(conn: &Connection, tail: &str, params: impl Params) -> Sql<Vec<Proposal>> {
    all(conn, &format!("SELECT {COLUMNS} FROM proposals p {tail}"), params, map)
}

pub(crate) fn get(conn: &Connection, id: &ProposalId) -> Sql<Option<Proposal>> {
    Ok(select(conn, "WHERE p.seq = ?1", [number_of(id)])?.pop())
}

/// All of them, closed ones included.
pub(crate) fn list(conn: &Connection) -> Sql<Vec<Proposal>> {
    select(conn, "ORDER BY p.seq", [])
}

/// The open ones, the oldest first.
pub(crate) fn open(conn: &Connection, limit: usize) -> Sql<Vec<Proposal>> {
    select(conn, OPEN, [int(limit as u64)])
}

/// Those that are open although their deadline has passed.
pub(crate) fn due(conn: &Connection, now: Now, limit: usize) -> Sql<Vec<Proposal>> {
    select(conn, DUE, params![now.store.0, int(limit as u64)])
}

/// The first deadline that is still to come.
pub(crate) fn next_deadline(conn: &Connection, now: Now) -> Sql<Option<StoreTime>> {
    Ok(first(conn, NEXT_DEADLINE, [now.store.0], |row| row.get::<_, Option<i64>>(0))?.flatten().map(StoreTime))
}

pub(crate) fn insert(conn: &Connection, event: &Event, fact: &ProposalOpened) -> Sql<()> {
    let proposal = fact.clone().into_proposal(event.agent.clone(), event.at, event.store_at);
    change_one(
        conn,
        "a new proposal",
        INSERT,
        params![
            number_of(&proposal.id),
            proposal.question,
            to_json(&proposal.options)?,
            proposal.quorum.to_string(),
            to_json(&proposal.electors)?,
            proposal.opened_by.as_ref().map(AgentName::as_str),
            proposal.opened_at.0,
            proposal.closes_at.map(|at| at.0),
        ],
    )
}

pub(crate) fn vote(conn: &Connection, fact: &VoteCast) -> Sql<()> {
    match change(conn, VOTE, params![number_of(&fact.id), fact.voter.as_str(), fact.option])? {
        1 => Ok(()),
        _ => Err(bad_row("vote", format!("proposal {} is not open for {:?}", fact.id, fact.option))),
    }
}

pub(crate) fn close(conn: &Connection, fact: &ProposalClosed) -> Sql<()> {
    change_one(conn, "an open proposal", CLOSE, params![number_of(&fact.id), fact.by.as_str(), fact.decision])
}
