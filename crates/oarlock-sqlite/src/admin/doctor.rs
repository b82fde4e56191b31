//! `doctor`: looks at everything, changes nothing unless asked, and keeps what it replaces.

use oarlock_host::owner::{self, OwnerState};
use oarlock_host::shared_state::SharedState;
use oarlock_host::{filesystem, space};
use oarlock_model::TaskId;
use oarlock_model::event::Scrutiny;
use oarlock_model::rules::{derived, graph};
use oarlock_ops::OpError;
use oarlock_ops::admin::{DoctorCheck, DoctorReply};
use oarlock_ops::store::{Durability, EventFilter, StoreError, Transaction as _};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeSet;

use super::copy::{self, Scratch, integrity};
use super::epoch;
use crate::birth::Births;
use crate::connection::connect;
use crate::error::store_error;
use crate::high_water_mark::{HighWaterMark, Made};
use crate::place::StorePaths;
use crate::reading::{Reading, cannot_write};
use crate::rows::{agent, event, lease, meta, queue};
use crate::store::{Options, SqliteStore, Synchronous};
use crate::{migrate, schema};

/// Free space below which a store may soon not be writable, in bytes.
const FREE_BYTES_MIN: u64 = 64 << 20;

/// The state that the log determines, table by table; presence and renewals are not in it.
const COMPARED: [(&str, &str); 11] = [
    ("agents", "name, session, role, capabilities, program, timeout_ms, max_claims, owner, host, boot_id, harness, ended"),
    (
        "tasks",
        "seq, id, state, priority, rank, ready_at, retry_at, not_before, parent, title, spec, has_body, has_needs, auto_finish, attempt, failures, losses,
         grant_token, grant_agent, grant_session, grant_since, grant_reserve, grant_intended, grant_end, progress, artifacts, created_at, created_by, updated_at, last_event, result,
         rejected, last_failure, own_priority, dropped, landing, submission, onto",
    ),
    ("task_bodies", "seq, body"),
    ("task_files", "file, task"),
    ("dependencies", "task, need"),
    ("entries", "key, value, version, updated_at, updated_by"),
    ("reservations", "seq, target, mode, agent, session, task, made, ttl_ms, reason"),
    ("messages", "seq, thread, sender, subject, text, sent_at, reply_to, ack_required, outside"),
    ("deliveries", "agent, message, acked, urgent, sender"),
    ("proposals", "seq, question, options, quorum, electors, opened_by, opened_at, closes_at, closed_by, decision"),
    ("votes", "proposal, voter, choice"),
];

/// Checks, and repairs when asked.
pub(crate) fn doctor(place: &StorePaths, options: &Options, fix: bool, new_epoch: bool) -> Result<DoctorReply, OpError> {
    let mut report = Report::default();
    report.note("place", surroundings(place));
    let reads_only = place.file().exists() && !place.is_writable();
    if reads_only && (fix || new_epoch) {
        return Err(cannot_write(place).into());
    }
    let scratch = if reads_only { Scratch::elsewhere("doctor")? } else { Scratch::new(place, "doctor")? };
    let opened = open_for_looking(place, reads_only);
    let readable = report.note("file", opened.map(|opened| (opened, "it is an Oarlock store of a known version".to_owned())));
    let Some(Reading { conn, copy: _copy }) = readable else { return Ok(report.finish()) };
    let fits =
        report.note("schema", schema::check(&conn).map(|()| ((), "its tables and indexes are those of this program".into()))).is_some();
    let sound = report.note("pages", sound_pages(&conn).map(|found| ((), found))).is_some();
    // Looking makes nothing that is not there.
    let shared_state = SharedState::open(&place.shared_state_file(), false).ok().flatten();
    let seen = Made::read(&conn).map_or(0, |made| HighWaterMark::of(&made, shared_state, &options.clock.host().boot_id).last_seq());
    let replay = match replay(&conn, &scratch, options) {
        // No room for the replay says nothing about the store.
        Err(error @ (StoreError::Unavailable { .. } | StoreError::Gone { .. } | StoreError::Busy(_))) => return Err(error.into()),
        other => other,
    };
    let replayed = report.note("log", replay);
    let whole = replayed.is_some_and(|last_seq| {
        let found = if seen == 0 {
            "no earlier end of the log is known since the machine started"
        } else {
            "no committed events are missing from the end of the log"
        };
        report.note("end", HighWaterMark::check(seen, last_seq).map(|()| ((), found.to_owned()))).is_some()
    });
    let same = replayed.is_some() && report.note("tables", compare(&conn).map(|found| ((), found))).is_some();
    // Tables that are not what the log says are wrong anyway.
    let follows = !same || report.note("graph", derived_from_graph(&conn).map(|found| ((), found))).is_some();
    if sound {
        let mut removed = Vec::new();
        report.note("locks", leftover_locks(place, &conn, fix, &mut removed).map(|found| ((), found)));
        report.reply.fixed.append(&mut removed);
    }
    drop(conn);
    if let Some(last_seq) = replayed.filter(|_| fix && !(fits && sound && whole && same && follows)) {
        let restored = copy::replace(place, options, &scratch, Some(last_seq))?;
        report.reply.fixed.push(format!("rebuilt the tables from the log and began epoch {}; every session has ended", restored.epoch));
        report.reply.fixed.extend(restored.kept.map(|kept| format!("kept the damaged store as {kept}")));
        report.repaired();
    } else if new_epoch && sound {
        let restored = epoch::start(&mut SqliteStore::open(place, options.clone())?, 0)?;
        report.reply.fixed.push(format!("began epoch {}; every session has ended", restored.epoch));
    }
    Ok(report.finish())
}

#[derive(Default)]
struct Report {
    reply: DoctorReply,
}

impl Report {
    /// Notes a check; what it found comes back when it went well.
    fn note<T>(&mut self, check: &str, outcome: Result<(T, String), StoreError>) -> Option<T> {
        let (value, found) = match outcome {
            Ok((value, found)) => (Some(value), found),
            Err(error) => (None, error.to_string()),
        };
        self.reply.checks.push(DoctorCheck { check: check.into(), ok: value.is_some(), found });
        value
    }

    fn repaired(&mut self) {
        for check in &mut self.reply.checks {
            if !check.ok && matches!(check.check.as_str(), "schema" | "pages" | "end" | "tables" | "graph") {
                check.ok = true;
                check.found.push_str(" (repaired)");
            }
        }
    }

    fn finish(mut self) -> DoctorReply {
        self.reply.ok = self.reply.checks.iter().all(|check| check.ok);
        self.reply
    }
}

fn fault(message: String) -> StoreError {
    StoreError::Damaged { message, hint: String::new() }
}

fn surroundings(place: &StorePaths) -> Result<((), String), StoreError> {
    place.check_filesystem()?;
    let io = |error: std::io::Error| fault(format!("{}: {error}", place.dir().display()));
    let kind = filesystem::kind(place.dir()).map_err(io)?;
    let free = space::free_bytes(place.dir()).map_err(io)?;
    // Little space is no damage: it is reported, and what cannot be looked at for want of it is an error.
    let warning = if free < FREE_BYTES_MIN { ", which is little" } else { "" };
    Ok(((), format!("on {kind}, {} MiB free{warning}", free >> 20)))
}

fn open_for_looking(place: &StorePaths, reads_only: bool) -> Result<Reading, StoreError> {
    if place.file().symlink_metadata().is_err() {
        return Err(fault(format!("there is no store at {}", place.file().display())));
    }
    place.check()?;
    let busy = std::time::Duration::from_secs(5);
    if reads_only {
        return Reading::open(place, busy);
    }
    let conn = connect(place.file(), OpenFlags::SQLITE_OPEN_READ_WRITE, busy)?;
    migrate::check_application(&conn)?;
    if migrate::is_behind(&conn)? {
        return Err(fault(format!(
            "schema version {} is older than {}; any command brings it up to date",
            migrate::version(&conn)?,
            migrate::newest()
        )));
    }
    Ok(Reading { conn, copy: None })
}

fn sound_pages(conn: &Connection) -> Result<String, StoreError> {
    let faults = integrity(conn)?;
    if faults.is_empty() { Ok("every page and index is sound".into()) } else { Err(fault(faults.join("; "))) }
}

/// Replays the log into a scratch store and attaches that; says the number of its last event. From here on the connection
/// sees one moment of the store, so that what others commit meanwhile is no difference.
fn replay(conn: &Connection, scratch: &Scratch, options: &Options) -> Result<(u64, String), StoreError> {
    let prefix: String = conn.query_row("SELECT prefix FROM meta WHERE id = 1", [], |row| row.get(0)).map_err(store_error)?;
    let origin = meta::origin(conn).map_err(store_error)?;
    // The log brings its own numbers: no identity of now is above them.
    let options = Options { synchronous: Synchronous::Off, births: Births::Fixed(0), ..options.clone() };
    let (mut copy, _) = SqliteStore::create(&scratch.place, &prefix, options)?;
    meta::set_origin(copy.connection(), origin).map_err(store_error)?;
    // As bytes: a path need not be text.
    conn.execute("ATTACH ?1 AS replayed", [scratch.place.file().as_os_str().as_encoded_bytes()]).map_err(store_error)?;
    conn.execute_batch("PRAGMA temp_store = FILE; BEGIN").map_err(store_error)?;
    let mut tx = Box::new(copy.transaction(Durability::Full)?);
    let (mut events, mut last_seq) = (0, origin);
    let (mut scrutiny, mut failed) = (Scrutiny::after(origin), None);
    event::each(conn, &EventFilter { limit: i64::MAX as usize, ..EventFilter::default() }, |event, _| {
        if let Err(why) = scrutiny.read(&event) {
            failed = Some(fault(format!("event {} cannot be true: {why}", event.seq)));
        } else if let Err(error) = tx.append_numbered(&event) {
            failed = Some(fault(format!("event {} does not follow from those before: {error}", event.seq)));
        }
        events += 1;
        last_seq = event.seq;
        Ok(failed.is_none())
    })
    .map_err(store_error)?;
    if let Some(error) = failed {
        return Err(error);
    }
    tx.commit()?;
    Ok((last_seq, format!("{events} events, in order and without gaps, can be replayed")))
}

/// Compares the store with the replay of its own log, which is attached.
fn compare(conn: &Connection) -> Result<String, StoreError> {
    for (table, columns) in COMPARED {
        for (ours, theirs, what) in [("replayed", "main", "lacks"), ("main", "replayed", "has more than")] {
            let sql = format!("SELECT count(*) FROM (SELECT {columns} FROM {ours}.{table} EXCEPT SELECT {columns} FROM {theirs}.{table})");
            let rows: i64 = conn.query_row(&sql, [], |row| row.get(0)).map_err(store_error)?;
            if rows > 0 {
                return Err(fault(format!("table {table} {what} {rows} rows that are in its log")));
            }
        }
    }
    let differ: bool = conn
        .query_row("SELECT EXISTS (SELECT seq, counts FROM replayed.events EXCEPT SELECT seq, counts FROM main.events)", [], |row| {
            row.get(0)
        })
        .map_err(store_error)?;
    let bound = lease::bound(conn).map_err(store_error)?;
    if lease::ends(conn).map_err(store_error)?.iter().any(|(_, end)| *end < bound) {
        return Err(fault("a lease ends before the time at which leases are looked at again".into()));
    }
    if differ { Err(fault("the counts of tasks by state are wrong".into())) } else { Ok("every table matches the log".into()) }
}

/// States and priorities are what follows from needs, parents and own priorities.
fn derived_from_graph(conn: &Connection) -> Result<String, StoreError> {
    let tasks = queue::graph(conn).map_err(store_error)?;
    if let Some(cycle) = graph::standing_cycle(&tasks) {
        return Err(fault(in_words(&cycle)));
    }
    let faults = derived::faults(&tasks);
    match faults.first() {
        None => Ok("states and priorities follow from needs and parents".into()),
        Some(first) => Err(fault(format!("{} tasks are not as their needs and parents say: {first}", faults.len()))),
    }
}

/// A cycle of needs as a fault. Long ones are cut.
pub(super) fn in_words(cycle: &[TaskId]) -> String {
    let shown: Vec<&str> = cycle.iter().take(10).map(TaskId::as_str).collect();
    let more = if cycle.len() > shown.len() { format!(" … ({} tasks)", cycle.len()) } else { String::new() };
    format!("tasks need each other in a circle: {}{more}", shown.join(" needs "))
}

/// Lock files whose session has ended and that nobody holds.
fn leftover_locks(place: &StorePaths, conn: &Connection, fix: bool, fixed: &mut Vec<String>) -> Result<String, StoreError> {
    let live: BTreeSet<String> =
        agent::list(conn).map_err(store_error)?.into_iter().filter(|a| a.is_live()).map(|a| a.session.to_string()).collect();
    let owners = place.beside("owners");
    let mut leftover = 0;
    for file in std::fs::read_dir(&owners).into_iter().flatten().flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let Some(session) = name.strip_suffix(".lock").filter(|session| !live.contains(*session)) else { continue };
        if matches!(owner::probe(&owners, session), Ok(OwnerState::Free)) {
            leftover += 1;
            if fix && owner::remove_stale(&owners, session).unwrap_or(false) {
                fixed.push(format!("removed the lock file of {session}, which has ended"));
            }
        }
    }
    Ok(if leftover == 0 {
        "no lock file is left over".into()
    } else {
        format!("{leftover} lock files of ended sessions are left over; they do no harm")
    })
}
