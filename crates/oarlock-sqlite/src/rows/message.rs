//! Messages and their deliveries. The lists of an inbox are in `inbox`.

use oarlock_model::event::{Event, MessageSent};
use oarlock_model::limits::PAGE_BYTES_MAX;
use oarlock_model::message::Message;
use oarlock_model::{AgentName, MessageId, WallTime};
use rusqlite::{Connection, Row, params};
use std::collections::BTreeSet;

use super::{Sql, all, change, change_one, id, id_or, int, json, to_json, uint, within};

/// The columns of a message, with its deliveries.
const COLUMNS: &str = "m.seq, m.thread, m.sender, m.subject, m.text, m.sent_at, m.reply_to, m.ack_required, m.outside,
  (SELECT json_group_array(json_array(d.agent, d.acked, d.shown, d.sender) ORDER BY d.agent) FROM deliveries d WHERE d.message = m.seq)";
const INSERT: &str = "INSERT INTO messages (seq, thread, sender, subject, text, sent_at, reply_to, ack_required, outside) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const DELIVER: &str = "INSERT INTO deliveries (agent, message, acked, shown, urgent, sender) VALUES (?1, ?2, 0, 0, ?3, ?4)";
const ACK: &str = "UPDATE deliveries SET acked = 1 WHERE agent = ?1 AND message = ?2 AND acked = 0";
const THREAD: &str = "messages m WHERE m.thread = ?1 AND m.seq > ?2 ORDER BY m.seq LIMIT ?3";
const SHOWN: &str = "UPDATE deliveries SET shown = 1 WHERE agent = ?1 AND message = ?2 AND shown = 0";

/// The number in an id; 0, which no event has, when it is of another form.
fn number_of(id: &MessageId) -> i64 {
    id.seq().map_or(0, int)
}

/// Maps [`COLUMNS`].
fn map(row: &Row<'_>) -> Sql<Message> {
    let seq = uint(row, 0)?;
    let from: AgentName = id(row, 2)?;
    let mut message = Message {
        seq,
        id: MessageId::of(seq),
        thread: id(row, 1)?,
        counts_as: from.clone(),
        from,
        to: Vec::new(),
        subject: row.get(3)?,
        text: row.get(4)?,
        sent_at: WallTime(row.get(5)?),
        reply_to: id_or(row, 6)?,
        ack_required: row.get(7)?,
        outside: row.get(8)?,
        acked_by: BTreeSet::new(),
        shown_to: BTreeSet::new(),
    };
    for (agent, acked, shown, counts_as) in json::<Vec<(AgentName, u8, u8, AgentName)>>(row, 9)? {
        // Each delivery has the same.
        message.counts_as = counts_as;
        if acked != 0 {
            message.acked_by.insert(agent.clone());
        }
        if shown != 0 {
            message.shown_to.insert(agent.clone());
        }
        message.to.push(agent);
    }
    Ok(message)
}

fn select(conn: &Connection, tail: &str, params: impl rusqlite::Params) -> Sql<Vec<Message>> {
    all(conn, &format!("SELECT {COLUMNS} FROM {tail}"), params, map)
}

/// A page of a query: no more once the texts have filled it.
fn page(conn: &Connection, tail: &str, params: impl rusqlite::Params) -> Sql<Vec<Message>> {
    within(conn, &format!("SELECT {COLUMNS} FROM {tail}"), params, PAGE_BYTES_MAX, |row| {
        let message = map(row)?;
        let bytes = message.text.len();
        Ok((message, bytes))
    })
}

pub(crate) fn get(conn: &Connection, id: &MessageId) -> Sql<Option<Message>> {
    Ok(select(conn, "messages m WHERE m.seq = ?1", [number_of(id)])?.pop())
}

/// The messages with these numbers that fit into a page, in their order: the list is the outer loop, and nothing is sorted.
pub(super) fn page_of(conn: &Connection, numbers: &[u64]) -> Sql<Vec<Message>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    page(conn, "json_each(?1) j CROSS JOIN messages m ON m.seq = j.value", [to_json(&numbers)?])
}

pub(crate) fn list(conn: &Connection) -> Sql<Vec<Message>> {
    select(conn, "messages m ORDER BY m.seq", [])
}

pub(crate) fn thread(conn: &Connection, thread: &MessageId, after: u64, limit: usize) -> Sql<Vec<Message>> {
    page(conn, THREAD, params![thread.as_str(), int(after), int(limit as u64)])
}

pub(crate) fn shown(conn: &Connection, agent: &AgentName, messages: &[MessageId]) -> Sql<()> {
    messages.iter().try_for_each(|message| change(conn, SHOWN, params![agent.as_str(), number_of(message)]).map(drop))
}

pub(crate) fn insert(conn: &Connection, event: &Event, fact: &MessageSent, from: &AgentName) -> Sql<()> {
    let outside = event.session.is_none();
    change_one(
        conn,
        "a new message",
        INSERT,
        params![
            number_of(&fact.id),
            fact.thread.as_str(),
            from.as_str(),
            fact.subject,
            fact.text,
            event.at.0,
            fact.reply_to.as_ref().map(MessageId::as_str),
            fact.ack_required,
            outside,
        ],
    )?;
    let urgent = fact.ack_required || outside;
    let deliver =
        |to: &AgentName| change_one(conn, "a delivery", DELIVER, params![to.as_str(), number_of(&fact.id), urgent, fact.counts_as(from)]);
    fact.to.iter().try_for_each(deliver)
}

pub(crate) fn ack(conn: &Connection, id: &MessageId, by: &AgentName) -> Sql<()> {
    change(conn, ACK, params![by.as_str(), number_of(id)]).map(drop)
}
