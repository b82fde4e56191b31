//! The log.

use oarlock_model::event::{Event, Fact};
use oarlock_model::task::TaskState;
use oarlock_model::{SessionId, StoreTime, WallTime};
use oarlock_ops::store::{Counts, EventFilter};
use rusqlite::{Connection, Row, params, params_from_iter, types::Value};

use super::{Sql, change_one, first, id_or, int, meta, prepared, uint};
use crate::error::bad_row;

const COLUMNS: &str = "seq, at, store_at, kind, agent, session, data";
const INSERT: &str =
    "INSERT INTO events (seq, at, store_at, kind, agent, session, prev, counts, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const LAST: &str = "SELECT seq, counts FROM events ORDER BY seq DESC LIMIT 1";
const LINK: &str = "SELECT kind, session, prev FROM events WHERE seq = ?1";

fn map(row: &Row<'_>) -> Sql<Event> {
    let seq = uint(row, 0)?;
    let (kind, data) = (row.get_ref(3)?.as_str()?, row.get_ref(6)?.as_str()?);
    Ok(Event {
        seq,
        at: WallTime(row.get(1)?),
        store_at: StoreTime(row.get(2)?),
        agent: id_or(row, 4)?,
        session: id_or(row, 5)?,
        fact: Fact::parse(kind, data).map_err(|error| bad_row("event", format!("{seq} ({kind}): {error}")))?,
    })
}

/// Appends an event; `counts` are those after it.
pub(crate) fn insert(conn: &Connection, event: &Event, prev: Option<i64>, counts: &Counts) -> Sql<()> {
    let data = event.fact.data_text().map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    change_one(
        conn,
        "an event",
        INSERT,
        params![
            int(event.seq),
            event.at.0,
            event.store_at.0,
            event.fact.kind(),
            event.agent.as_ref().map(|a| a.as_str()),
            event.session.as_ref().map(SessionId::as_str),
            prev,
            counts_text(counts),
            data,
        ],
    )
}

/// Where the log ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// The number of the last event; that before the first when there is none.
    pub(crate) seq: u64,
    /// How many tasks are in each state after it. The last row of the log is written by every change and read by
    /// every call anyway: a table of its own would be one more page in each commit.
    pub(crate) counts: Counts,
}

pub(crate) fn end(conn: &Connection) -> Sql<End> {
    match first(conn, LAST, [], |row| Ok(End { seq: uint(row, 0)?, counts: counts_of(row.get_ref(1)?.as_str()?)? }))? {
        Some(end) => Ok(end),
        None => Ok(End { seq: meta::base(conn)?, counts: Counts::default() }),
    }
}

/// The numbers in the order of [`TaskState::ALL`].
fn counts_text(counts: &Counts) -> String {
    let mut text = String::with_capacity(32);
    for state in TaskState::ALL {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&counts.of(state).to_string());
    }
    text
}

fn counts_of(text: &str) -> Sql<Counts> {
    let mut counts = Counts::default();
    let mut numbers = text.split(' ').map(|number| number.parse().map_err(|_| bad_row("counts of tasks", text)));
    for state in TaskState::ALL {
        counts.set(state, numbers.next().unwrap_or_else(|| Err(bad_row("counts of tasks", text)))?);
    }
    Ok(counts)
}

pub(crate) fn get(conn: &Connection, seq: i64) -> Sql<Option<Event>> {
    first(conn, &format!("SELECT {COLUMNS} FROM events WHERE seq = ?1"), [seq], map)
}

/// Runs `take` for each event that `filter` admits until it says stop: in the order of the log, or from its end on.
pub(crate) fn each(conn: &Connection, filter: &EventFilter, mut take: impl FnMut(Event, usize) -> Sql<bool>) -> Sql<()> {
    let mut sql = format!("SELECT {COLUMNS} FROM events WHERE seq > ?");
    let mut values = vec![Value::from(int(filter.after_seq))];
    if let Some(before) = filter.before_seq {
        sql.push_str(" AND seq < ?");
        values.push(Value::from(int(before)));
    }
    if !filter.kinds.is_empty() {
        sql.push_str(&format!(" AND kind IN ({})", vec!["?"; filter.kinds.len()].join(", ")));
        values.extend(filter.kinds.iter().cloned().map(Value::from));
    }
    sql.push_str(if filter.newest { " ORDER BY seq DESC LIMIT ?" } else { " ORDER BY seq LIMIT ?" });
    values.push(Value::from(int(filter.limit as u64)));
    let mut statement = prepared(conn, &sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(6)?.as_str()?.len();
        if !take(map(row)?, bytes)? {
            break;
        }
    }
    Ok(())
}

/// A page of the log: it ends early when its data would be over `bytes_max`.
pub(crate) fn page(conn: &Connection, filter: &EventFilter) -> Sql<Vec<Event>> {
    let mut page = Page { events: Vec::new(), bytes: 0, bytes_max: filter.bytes_max };
    each(conn, filter, |event, bytes| Ok(page.take(event, bytes)))?;
    Ok(page.in_order(filter))
}

struct Page {
    events: Vec<Event>,
    bytes: usize,
    bytes_max: usize,
}

impl Page {
    fn take(&mut self, event: Event, bytes: usize) -> bool {
        self.bytes += bytes;
        if self.bytes > self.bytes_max && !self.events.is_empty() {
            return false;
        }
        self.events.push(event);
        true
    }

    /// The events in the order of the log.
    fn in_order(mut self, filter: &EventFilter) -> Vec<Event> {
        if filter.newest {
            self.events.reverse();
        }
        self.events
    }
}

/// One link of a task's chain of events.
pub(crate) struct Link {
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) session: Option<String>,
}

/// Walks a task's events backwards, from the last one, until `take` says stop. The chain replaces an
/// index over the whole log, which every event would have to pay for.
pub(crate) fn walk_back(conn: &Connection, last_event: i64, mut take: impl FnMut(&Link) -> bool) -> Sql<()> {
    let mut next = Some(last_event);
    while let Some(seq) = next {
        let found =
            first(conn, LINK, [seq], |row| Ok((Link { seq, kind: row.get(0)?, session: row.get(1)? }, row.get::<_, Option<i64>>(2)?)))?;
        let Some((link, prev)) = found else { return Err(bad_row("event", format!("{seq} is missing"))) };
        if !take(&link) {
            break;
        }
        if prev.is_some_and(|prev| prev >= seq) {
            return Err(bad_row("event", format!("{seq} does not come after the one before it")));
        }
        next = prev;
    }
    Ok(())
}

/// A page of the events of one task.
pub(crate) fn of_task(conn: &Connection, last_event: i64, filter: &EventFilter) -> Sql<Vec<Event>> {
    let (after, before) = (int(filter.after_seq), filter.before_seq.map_or(i64::MAX, int));
    let mut seqs = Vec::new();
    walk_back(conn, last_event, |link| {
        if link.seq > after && link.seq < before {
            seqs.push(link.seq);
        }
        // Of the newest events, no more have to be looked for than the page holds.
        link.seq > after && !(filter.newest && seqs.len() >= filter.limit)
    })?;
    if !filter.newest {
        seqs.reverse();
    }
    let mut page = Page { events: Vec::new(), bytes: 0, bytes_max: filter.bytes_max };
    for seq in seqs.into_iter().take(filter.limit) {
        let event = get(conn, seq)?.ok_or_else(|| bad_row("event", format!("{seq} is missing")))?;
        let bytes = event.fact.data_text().map_or(0, |text| text.len());
        if !page.take(event, bytes) {
            break;
        }
    }
    Ok(page.in_order(filter))
}
