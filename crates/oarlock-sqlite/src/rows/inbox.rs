//! The lists of an inbox. Each query reads only what it gives: an index leads to the messages of one sender in their order, and to the
//! senders that there are, so a flood of one sender costs nobody who reads past it.

use oarlock_model::AgentName;
use oarlock_model::message::Message;
use oarlock_model::rules::authority::above;
use oarlock_model::rules::inbox::{Order, Senders};
use oarlock_ops::store::{InboxList, InboxPart};
use rusqlite::{Connection, params};
use std::collections::{BinaryHeap, VecDeque};

use super::{Sql, all, first, int, message, uint};

const NEXT_SENDER: &str = "SELECT sender FROM deliveries INDEXED BY deliveries_senders
WHERE agent = ?1 AND acked = 0 AND sender > ?2 ORDER BY sender LIMIT 1";

/// The messages of `?3` and its helpers, of all that count as sent by `?2`.
const OF_HELPER: &str = "SELECT d.message FROM deliveries d INDEXED BY deliveries_senders JOIN messages m ON m.seq = d.message
WHERE d.agent = ?1 AND d.acked = 0 AND d.sender = ?2 AND (m.sender = ?3 OR substr(m.sender, 1, length(?3) + 1) = ?3 || '.')
ORDER BY d.message DESC LIMIT ?4";

/// The messages that count as sent by helpers of `?2` themselves: in the order of text a slash comes next after a dot.
const OF_HELPERS: &str = "SELECT message FROM deliveries INDEXED BY deliveries_senders
WHERE agent = ?1 AND acked = 0 AND sender > ?2 || '.' AND sender < ?2 || '/' ORDER BY message DESC LIMIT ?3";

/// Messages of one sender that are read at once, where those of several are merged.
const CHUNK: usize = 64;

/// The messages of a part of a list that fit into a page.
pub(crate) fn page(conn: &Connection, agent: &AgentName, part: &InboxPart<'_>) -> Sql<Vec<Message>> {
    message::page_of(conn, &numbers(conn, agent, part)?)
}

/// How many messages a part of a list has, at most its limit.
pub(crate) fn count(conn: &Connection, agent: &AgentName, part: &InboxPart<'_>) -> Sql<u64> {
    if let Senders::Except(_) = part.list.senders() {
        return Ok(numbers(conn, agent, part)?.len() as u64);
    }
    let sql = format!("SELECT count(*) FROM ({})", sources(part.list, ""));
    Ok(first(conn, &sql, bound(agent, part), |row| uint(row, 0))?.unwrap_or(0))
}

/// The numbers of the messages of a part of a list, in its order.
fn numbers(conn: &Connection, agent: &AgentName, part: &InboxPart<'_>) -> Sql<Vec<u64>> {
    match part.list.senders() {
        Senders::Except(sender) => of_others(conn, agent, part, sender),
        Senders::Any | Senders::Only(_) => {
            let sql = sources(part.list, &format!("ORDER BY message {}", direction(part.list)));
            all(conn, &sql, bound(agent, part), |row| uint(row, 0))
        }
    }
}

fn direction(list: InboxList<'_>) -> &'static str {
    if list.order() == Order::NewestFirst { "DESC" } else { "ASC" }
}

/// The values of [`sources`].
fn bound(agent: &AgentName, part: &InboxPart<'_>) -> impl rusqlite::Params {
    let beyond = match (part.beyond, part.list.order()) {
        (Some(beyond), _) => int(beyond),
        (None, Order::NewestFirst) => i64::MAX,
        (None, Order::OldestFirst) => -1,
    };
    let sender = if let Senders::Only(sender) = part.list.senders() { sender.to_owned() } else { String::new() };
    (agent.as_str().to_owned(), beyond, int(part.limit as u64), sender)
}

/// The query of a list: the first messages of each of its ranges of an index, then the first of these.
fn sources(list: InboxList<'_>, order: &str) -> String {
    let (is_beyond, direction) = if list.order() == Order::NewestFirst { ("<", "DESC") } else { (">", "ASC") };
    let (index, by_sender) = match (list, list.senders()) {
        (InboxList::All, _) => ("", "?4 = ''"),
        (InboxList::Open(_), Senders::Any) => ("INDEXED BY deliveries_open", "acked = 0 AND ?4 = ''"),
        (_, Senders::Any) => ("INDEXED BY deliveries_unread", "acked = 0 AND ?4 = ''"),
        _ => ("INDEXED BY deliveries_senders", "acked = 0 AND sender = ?4"),
    };
    // Within one of these an index has the messages in their order.
    let ranges: &[&str] = match (list, list.senders()) {
        (InboxList::All, _) | (InboxList::Open(_), Senders::Any) => &["1"],
        (InboxList::Open(_), _) => {
            &["shown = 0 AND urgent = 0", "shown = 0 AND urgent = 1", "shown = 1 AND urgent = 0", "shown = 1 AND urgent = 1"]
        }
        (InboxList::Unread(_), _) => &["shown = 0 AND urgent = 0", "shown = 0 AND urgent = 1"],
        (InboxList::Urgent(_), _) => &["shown = 0 AND urgent = 1"],
    };
    let range = |range: &&str| {
        format!(
            "SELECT * FROM (SELECT message FROM deliveries {index} WHERE agent = ?1 AND {by_sender} AND {range} AND message {is_beyond} ?2 \
             ORDER BY message {direction} LIMIT ?3)"
        )
    };
    format!("SELECT message FROM ({}) {order} LIMIT ?3", ranges.iter().map(range).collect::<Vec<_>>().join(" UNION ALL "))
}

/// The numbers of what an agent and its helpers have sent and is not acknowledged, the newest first. By whichever name it is counted: its own,
/// that of a helper, or that of the agent whose helper it is itself; of these, all messages are looked at.
pub(crate) fn open_from(conn: &Connection, agent: &AgentName, from: &AgentName, limit: usize) -> Sql<Vec<u64>> {
    let list = InboxList::Open(Senders::Only(from.as_str()));
    let mut found = numbers(conn, agent, &InboxPart { list, beyond: None, limit })?;
    found.extend(all(conn, OF_HELPERS, params![agent.as_str(), from.as_str(), int(limit as u64)], |row| uint(row, 0))?);
    for root in above(from) {
        found.extend(all(conn, OF_HELPER, params![agent.as_str(), root.as_str(), from.as_str(), int(limit as u64)], |row| uint(row, 0))?);
    }
    found.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
    found.truncate(limit);
    Ok(found)
}

/// One sender's messages, as far as they are read.
struct Lane {
    sender: String,
    ahead: VecDeque<u64>,
}

/// The numbers of the messages of all senders but one, merged.
fn of_others(conn: &Connection, agent: &AgentName, part: &InboxPart<'_>, but: &str) -> Sql<Vec<u64>> {
    let chunk = part.limit.min(CHUNK);
    let read = |sender: &str, beyond: Option<u64>| -> Sql<VecDeque<u64>> {
        let list = part.list.of(Senders::Only(sender));
        Ok(numbers(conn, agent, &InboxPart { list, beyond, limit: chunk })?.into())
    };
    let order = part.list.order();
    // The heap gives the greatest first.
    let key = |number: u64| if order == Order::NewestFirst { number } else { u64::MAX - number };
    let mut lanes = Vec::new();
    let mut heads = BinaryHeap::new();
    let mut last = String::new();
    while let Some(sender) = first(conn, NEXT_SENDER, params![agent.as_str(), last], |row| row.get::<_, String>(0))? {
        last.clone_from(&sender);
        if sender == but {
            continue;
        }
        let mut ahead = read(&sender, part.beyond)?;
        if let Some(head) = ahead.pop_front() {
            heads.push((key(head), lanes.len()));
            lanes.push(Lane { sender, ahead });
        }
    }
    let mut numbers = Vec::new();
    while let Some((head, at)) = heads.pop().filter(|_| numbers.len() < part.limit) {
        // The key of a key is the number.
        let number = key(head);
        numbers.push(number);
        let Some(lane) = lanes.get_mut(at) else { continue };
        if lane.ahead.is_empty() {
            lane.ahead = read(&lane.sender, Some(number))?;
        }
        if let Some(next) = lane.ahead.pop_front() {
            heads.push((key(next), at));
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::migrate;
    use rusqlite::StatementStatus;

    const FLOOD: u64 = 100_000;

    /// An inbox of bob with four messages of cy and dee below, between and above a hundred thousand of ada, all unread and urgent.
    fn flooded() -> Connection {
        let conn = Connection::open_in_memory().expect("memory");
        migrate(&conn).expect("a new schema");
        conn.execute_batch(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < {FLOOD})
             INSERT INTO deliveries (agent, message, acked, shown, urgent, sender) SELECT 'bob', i, 0, 0, 1, 'ada' FROM n WHERE i <> 5000;
             INSERT INTO deliveries (agent, message, acked, shown, urgent, sender)
             VALUES ('bob', 1, 0, 0, 1, 'cy'), ('bob', 2, 0, 1, 0, 'dee'), ('bob', 5000, 0, 0, 1, 'cy'), ('bob', 200000, 0, 0, 0, 'dee');"
        ))
        .expect("rows");
        conn
    }

    #[test]
    fn a_flood_is_read_past_without_reading_it() {
        let conn = flooded();
        let bob = AgentName::parse("bob").expect("valid");
        let (any, ada, others) = (Senders::Any, Senders::Only("ada"), Senders::Except("ada"));
        for (list, beyond, expected) in [
            (InboxList::Open(others), None, vec![200_000, 5_000, 2]),
            (InboxList::Open(others), Some(2), vec![1]),
            (InboxList::Unread(others), None, vec![1, 5_000, 200_000]),
            (InboxList::Urgent(others), Some(1), vec![5_000]),
            (InboxList::Open(any), Some(4_999), vec![4_998, 4_997, 4_996]),
            (InboxList::Open(ada), Some(5_001), vec![4_999, 4_998, 4_997]),
            (InboxList::Unread(any), Some(4_998), vec![4_999, 5_000, 5_001]),
            (InboxList::Urgent(any), None, vec![1, 10, 11]),
            (InboxList::All, Some(12), vec![11, 10, 2]),
        ] {
            let part = InboxPart { list, beyond, limit: 3 };
            assert_eq!(numbers(&conn, &bob, &part).expect("rows"), expected, "{part:?}");
            let counted = count(&conn, &bob, &part).expect("a count");
            assert_eq!(counted, expected.len() as u64, "{part:?}");
        }
    }

    #[test]
    fn the_work_of_a_query_does_not_grow_with_the_inbox() {
        let conn = flooded();
        let bob = AgentName::parse("bob").expect("valid");
        let steps = |sql: &str, params: &dyn Fn(&mut rusqlite::Statement<'_>) -> usize| {
            let mut statement = conn.prepare(sql).expect("SQL");
            let rows = params(&mut statement);
            (rows, statement.get_status(StatementStatus::VmStep), statement.get_status(StatementStatus::FullscanStep))
        };
        let (any, ada, cy) = (Senders::Any, Senders::Only("ada"), Senders::Only("cy"));
        for list in [
            InboxList::Open(any),
            InboxList::Unread(any),
            InboxList::Urgent(any),
            InboxList::Open(ada),
            InboxList::Open(cy),
            InboxList::All,
        ] {
            let part = InboxPart { list, beyond: None, limit: 10 };
            let sql = sources(list, &format!("ORDER BY message {}", direction(list)));
            let run = |statement: &mut rusqlite::Statement<'_>| statement.query_map(bound(&bob, &part), |_| Ok(())).expect("rows").count();
            let (rows, steps, scanned) = steps(&sql, &run);
            assert!((1..=10).contains(&rows) && steps < 2_000 && scanned == 0, "{list:?}: {rows} rows, {steps} steps, {scanned} scanned");
        }
        let run = |statement: &mut rusqlite::Statement<'_>| statement.query_map(params!["bob", "ada"], |_| Ok(())).expect("rows").count();
        let (rows, steps, _) = steps(NEXT_SENDER, &run);
        assert!(rows == 1 && steps < 200, "{steps} steps to the next sender");
    }
}
