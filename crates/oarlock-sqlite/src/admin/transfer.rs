//! `export` and `import`: the log as lines of JSON.

use oarlock_model::event::{Event, Fact, Scrutiny};
use oarlock_model::rules::graph;
use oarlock_model::{AgentName, Rejection, SessionId, StoreTime, WallTime};
use oarlock_ops::OpError;
use oarlock_ops::admin::RestoreReply;
use oarlock_ops::store::{Durability, EventFilter, Store, StoreError, Transaction};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, Read, Write};

use super::copy::{self, Scratch};
use super::doctor;
use crate::birth::Births;
use crate::error::{bad_row, store_error, unavailable};
use crate::place::StorePaths;
use crate::rows::{event, meta, queue};
use crate::store::{Options, SqliteStore, Synchronous};

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

/// Replays a log into an empty store: all of it, or nothing. The log is read into a store beside this one, which takes its place when it
/// is whole: others are kept waiting for the exchange only, not while the log is read.
pub(crate) fn import(place: &StorePaths, options: &Options, from: &mut dyn BufRead) -> Result<RestoreReply, OpError> {
    let mut store = SqliteStore::open(place, options.clone())?;
    let view = store.snapshot()?;
    let (prefix, last_seq) = (view.task_prefix()?, view.last_seq()?);
    refuse_mixing(last_seq, view.identity().base())?;
    drop(view);
    drop(store);
    let scratch = Scratch::new(place, "importing")?;
    read_log(&scratch, options, &prefix, from)?;
    let mut reply = match copy::replace(place, options, &scratch, Some(last_seq)) {
        Err(OpError::Store(StoreError::Busy(_))) => return Err(written_meanwhile(place, options, last_seq)?),
        replaced => replaced?,
    };
    // The replaced store was empty.
    if let Some(kept) = reply.kept.take() {
        let _ = std::fs::remove_file(kept);
    }
    Ok(reply)
}

fn refuse_mixing(last_seq: u64, base: u64) -> Result<(), Rejection> {
    if last_seq <= base {
        return Ok(());
    }
    Err(Rejection::Conflict {
        message: "the store is not empty, and an import would mix two histories".into(),
        hint: "import into a new store: --store sqlite:OTHER/oarlock.db, after `oarlock init`".into(),
        details: json!({"last_event": last_seq}),
    })
}

/// Why the store could not be exchanged: somebody has written to it, or is writing.
fn written_meanwhile(place: &StorePaths, options: &Options, last_seq: u64) -> Result<OpError, OpError> {
    let mut store = SqliteStore::open(place, options.clone())?;
    let now_seq = store.snapshot()?.last_seq()?;
    refuse_mixing(now_seq, last_seq)?;
    Ok(StoreError::Busy("the store is being written".into()).into())
}

/// Reads a log into the scratch store.
fn read_log(scratch: &Scratch, options: &Options, prefix: &str, from: &mut dyn BufRead) -> Result<(), OpError> {
    // The log brings its own numbers: no identity of now is above them.
    let options = Options { synchronous: Synchronous::Off, births: Births::Fixed(0), ..options.clone() };
    let (mut store, _) = SqliteStore::create(&scratch.place, prefix, options)?;
    let mut tx = store.transaction(Durability::Full)?;
    let mut lines = Lines { from, number: 0 };
    let header: Header = parse(&lines.next()?.ok_or_else(|| line_error(1, "it is empty"))?, 1)?;
    if header.oarlock_log != FORMAT {
        return Err(line_error(1, &format!("format {} is not known; this program reads {FORMAT}", header.oarlock_log)));
    }
    let (mut events, mut scrutiny, mut needs) = (0, Scrutiny::default(), HashMap::new());
    loop {
        let text = lines.next()?.ok_or_else(|| line_error(lines.number + 1, "the end of the log is missing: the file was cut off"))?;
        if let Ok(footer) = serde_json::from_str::<Footer>(&text) {
            if footer.end_of_log != events {
                return Err(line_error(lines.number, &format!("{} events were written, {events} are here", footer.end_of_log)));
            }
            break;
        }
        let event = parse::<Line>(&text, lines.number)?.into_event().map_err(|error| line_error(lines.number, &error.to_string()))?;
        scrutiny.read(&event).map_err(|why| line_error(lines.number, &why))?;
        if events == 0 {
            meta::set_origin(tx.sqlite_view().conn, event.seq.saturating_sub(1)).map_err(store_error)?;
        }
        if let Fact::DependencyAdded(added) = &event.fact {
            needs.extend(added.on.iter().map(|need| ((added.id.clone(), need.clone()), lines.number)));
        }
        tx.append_numbered(&event).map_err(|error| match error {
            StoreError::Damaged { message, .. } => line_error(lines.number, &message),
            other => other.into(),
        })?;
        events += 1;
    }
    if let Some(cycle) = graph::standing_cycle(&queue::graph(tx.sqlite_view().conn).map_err(store_error)?) {
        // The cycle was closed by the last of its needs.
        let next = cycle.iter().cycle().skip(1);
        let closed = cycle.iter().zip(next).filter_map(|(task, need)| needs.get(&(task.clone(), need.clone()))).max();
        return Err(line_error(closed.copied().unwrap_or(lines.number), &doctor::in_words(&cycle)));
    }
    Ok(Box::new(tx).commit()?)
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
