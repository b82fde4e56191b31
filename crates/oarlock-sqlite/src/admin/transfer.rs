//! `export` and `import`: the log as lines of JSON.

use oarlock_model::event::{Authors, Event, Fact};
use oarlock_model::{AgentName, Rejection, SessionId, StoreTime, WallTime};
use oarlock_ops::OpError;
use oarlock_ops::admin::{RestoreReply, start_epoch};
use oarlock_ops::store::{Durability, EventFilter, Store, StoreError, Transaction};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::{BufRead, Read, Write};

use crate::error::{bad_row, store_error, unavailable};
use crate::rows::{event, meta};
use crate::store::SqliteStore;

/// The version of the format; readers refuse others.
const FORMAT: u32 = 1;

/// The longest line that is read, in bytes: a document and its escapes.
const LINE_BYTES_MAX: u64 = 128 << 20;

#[derive(Serialize, Deserialize)]
struct Header {
    oarlock_log: u32,
}

#[derive(Serialize, Deserialize)]
struct Footer {
    end_of_log: u64,
}

#[derive(Serialize, Deserialize)]
struct Line {
    seq: u64,
    at: WallTime,
    store_at: StoreTime,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<SessionId>,
    data: Value,
}

impl Line {
    fn of(event: Event) -> serde_json::Result<Self> {
        Ok(Self {
            seq: event.seq,
            at: event.at,
            store_at: event.store_at,
            kind: event.fact.kind().to_owned(),
            data: event.fact.data_value()?,
            agent: event.agent,
            session: event.session,
        })
    }

    fn into_event(self) -> serde_json::Result<Event> {
        let fact = Fact::parse(&self.kind, &self.data.to_string())?;
        Ok(Event { seq: self.seq, at: self.at, store_at: self.store_at, agent: self.agent, session: self.session, fact })
    }
}

/// Writes the whole log.
pub(crate) fn export(store: &mut SqliteStore, to: &mut dyn Write) -> Result<u64, OpError> {
    let view = store.snapshot()?;
    drop(view);
    write_log(store.connection(), to)
}

fn write_log(conn: &Connection, to: &mut dyn Write) -> Result<u64, OpError> {
    let mut events = 0;
    put(to, &Header { oarlock_log: FORMAT })?;
    let mut failed = None;
    // One statement reads one moment of the store.
    event::each(conn, &EventFilter { limit: i64::MAX as usize, ..EventFilter::default() }, |event, _| {
        let line = Line::of(event).map_err(|error| bad_row("event", error))?;
        events += 1;
        failed = put(to, &line).err();
        Ok(failed.is_none())
    })
    .map_err(store_error)?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    put(to, &Footer { end_of_log: events })?;
    to.flush().map_err(|error| cannot_write(&error))?;
    Ok(events)
}

fn put<T: Serialize>(to: &mut dyn Write, line: &T) -> Result<(), StoreError> {
    let mut text = serde_json::to_vec(line).map_err(|error| StoreError::Internal(error.to_string()))?;
    text.push(b'\n');
    to.write_all(&text).map_err(|error| cannot_write(&error))
}

fn cannot_write(error: &std::io::Error) -> StoreError {
    unavailable(format!("failed to write the export: {error}"), "look at the free space and the permissions")
}

/// Replays a log into an empty store: all of it, or nothing.
pub(crate) fn import(store: &mut SqliteStore, from: &mut dyn BufRead) -> Result<RestoreReply, OpError> {
    let fresh = store.fresh()?;
    let mut tx = store.transaction(Durability::Full)?;
    let base = tx.view().identity().base();
    if tx.view().last_seq()? > base {
        return Err(Rejection::Conflict {
            message: "the store is not empty, and an import would mix two histories".into(),
            hint: "import into a new store: --store sqlite:OTHER/oarlock.db, after `oarlock init`".into(),
            details: json!({"last_event": tx.view().last_seq()?}),
        }
        .into());
    }
    // The log brings its own numbers, and this store has given none.
    tx.begin_anew();
    let mut lines = Lines { from, number: 0 };
    let header: Header = parse(&lines.next()?.ok_or_else(|| line_error(1, "it is empty"))?, 1)?;
    if header.oarlock_log != FORMAT {
        return Err(line_error(1, &format!("format {} is not known; this program reads {FORMAT}", header.oarlock_log)));
    }
    let (mut events, mut authors) = (0, Authors::default());
    loop {
        let text = lines.next()?.ok_or_else(|| line_error(lines.number + 1, "the end of the log is missing: the file was cut off"))?;
        if let Ok(footer) = serde_json::from_str::<Footer>(&text) {
            if footer.end_of_log != events {
                return Err(line_error(lines.number, &format!("{} events were written, {events} are here", footer.end_of_log)));
            }
            break;
        }
        let event = parse::<Line>(&text, lines.number)?.into_event().map_err(|error| line_error(lines.number, &error.to_string()))?;
        if event.seq < tx.next_seq() {
            return Err(line_error(lines.number, &format!("event {} does not come after the one before", event.seq)));
        }
        if events == 0 {
            meta::set_origin(tx.sqlite_view().conn, event.seq.saturating_sub(1)).map_err(store_error)?;
        }
        authors.read(&event).map_err(|why| line_error(lines.number, &why))?;
        tx.append(&event).map_err(|error| match error {
            StoreError::Damaged { message, .. } => line_error(lines.number, &message),
            other => other.into(),
        })?;
        events += 1;
    }
    let reply = start_epoch(&mut tx, base, fresh)?;
    Box::new(tx).commit()?;
    store.catch_up()?;
    Ok(reply)
}

struct Lines<'a> {
    from: &'a mut dyn BufRead,
    number: usize,
}

impl Lines<'_> {
    fn next(&mut self) -> Result<Option<String>, OpError> {
        let mut bytes = Vec::new();
        let read = (&mut *self.from).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
        let read = read.map_err(|error| line_error(self.number + 1, &error.to_string()))?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if read as u64 == LINE_BYTES_MAX {
            return Err(line_error(self.number, "the line is too long"));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| line_error(self.number, "it is not UTF-8"))
    }
}

fn parse<T: serde::de::DeserializeOwned>(text: &str, line: usize) -> Result<T, OpError> {
    serde_json::from_str(text).map_err(|error| line_error(line, &error.to_string()))
}

fn line_error(line: usize, what: &str) -> OpError {
    OpError::Damaged {
        message: format!("the exported log cannot be read: line {line}: {what}"),
        hint: "nothing was imported; export again, or take another copy".into(),
        details: json!({ "line": line }),
    }
}
