//! A small store against a very large one: every everyday operation should take the same time and memory in
//! both. Also how much log a task leaves behind.

use std::path::{Path, PathBuf};

use oarlock_model::pattern::Pattern;
use oarlock_ops::log::Status;
use oarlock_ops::message::{Inbox, Send};
use oarlock_ops::reservation::{Check, Reserve};
use oarlock_ops::task::{Add, Ready};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::crew::{answer, worker};
use super::given::Bench;
use super::measure::{self, Spread};
use super::ours::{self, Content, Ours};
use super::side::{Contestant, Syncing};
use super::table::{Row, Target, Unit};
use crate::output::Outcome;

/// Tasks of the small store.
const SMALL: usize = 1_000;

/// Memory that no everyday command may need, in millions of bytes.
const PEAK_MB_MAX: f64 = 15.0;

/// One operation: its name, and how one call of it is timed, in seconds.
type Operation = (&'static str, fn(&mut Ours) -> Outcome<f64>);

const OPERATIONS: &[Operation] = &[
    ("claim", |ours| {
        let mut task = None;
        let taken = measure::seconds(|| {
            task = Some(ours.claim()?);
            Ok(())
        })?;
        // What it holds would slow the next claims of both stores; giving it back is not measured.
        task.map_or(Ok(()), |task| ours.done(task))?;
        Ok(taken)
    }),
    ("heartbeat", |ours| measure::seconds(|| ours.beat())),
    ("ready --limit 10", |ours| measure::seconds(|| Ok(ours.ask(&Ready { limit: Some(10), ..Ready::default() }).map(drop)?))),
    ("inbox", |ours| measure::seconds(|| Ok(ours.order(&Inbox::default()).map(drop)?))),
    ("check", |ours| measure::seconds(|| Ok(ours.ask(&Check { paths: vec!["src/main.rs".into()], globs: Vec::new() }).map(drop)?))),
    ("status", |ours| measure::seconds(|| Ok(ours.ask(&Status {}).map(drop)?))),
];

/// The same as command lines.
const COMMANDS: &[&[&str]] = &[&["claim"], &["heartbeat"], &["ready", "--limit", "10"], &["inbox"], &["check", "src/main.rs"], &["status"]];

/// Time in a small and in a large store, and memory of commands on the large one.
///
/// # Errors
/// A store fails.
pub(super) fn scale(bench: &Bench) -> Outcome<Vec<Row>> {
    let large = bench.pick(100_000, 1_000_000);
    let (small_dir, large_dir) = (bench.fresh_dir()?, bench.fresh_dir()?);
    let small_file = used_store(small_dir.path(), SMALL)?;
    let large_file = used_store(large_dir.path(), large)?;
    let mut rows = Vec::new();
    for (name, operation) in OPERATIONS {
        let mut small = Ours::open(&small_file, "a0", Syncing::Normal)?;
        let mut big = Ours::open(&large_file, "a0", Syncing::Normal)?;
        let (rounds, each) = bench.pick((5, 9), (15, 25));
        let mut in_small = || operation(&mut small);
        let mut in_large = || operation(&mut big);
        let times = measure::in_turns(rounds, each, &mut [&mut in_small, &mut in_large])?;
        let note = format!("{:.0} µs to {:.0} µs, NORMAL", Spread::of(&times[1])?.median * 1e6, Spread::of(&times[0])?.median * 1e6);
        rows.push(
            Row::ratio(format!("{name}: {large} tasks to {SMALL}"), measure::ratio(&times[1], &times[0])?, Target::AtMost(1.2)).note(note),
        );
    }
    rows.extend(peaks(bench, large_dir.path(), large)?);
    Ok(rows)
}

/// A store in which work has been going on: half of the tasks done, messages unread, paths reserved.
fn used_store(root: &Path, tasks: usize) -> Outcome<PathBuf> {
    let file = ours::make(root, &Content { half_done: true, ..Content::new(3, tasks) })?;
    let mut other = Ours::open(&file, "a1", Syncing::Off)?;
    for n in 0..20 {
        let pattern = Pattern::parse(&format!("lib/module{n}/**"))?;
        other.order(&Reserve { globs: vec![pattern], shared: false, ttl: None, task: None, reason: None, wait: None })?;
    }
    for n in 0..10 {
        let text = format!("the reader of part {n} has moved");
        other.order(&Send { to: vec!["a0".into()], text, subject: None, thread: None, reply_to: None, ack: false })?;
    }
    ours::settle(&file)?;
    Ok(file)
}

/// The most memory that each command has at once.
fn peaks(bench: &Bench, root: &Path, tasks: usize) -> Outcome<Vec<Row>> {
    let what = |command: &[&str]| format!("{}: peak memory at {tasks} tasks", command.join(" "));
    let program = match bench.program() {
        Ok(program) => program.to_str().ok_or("a folder whose name is not text")?,
        Err(error) => return Ok(COMMANDS.iter().map(|command| Row::missing(what(command), &error)).collect()),
    };
    let least = peak(root, "/bin/true", &[])?;
    let mut rows = Vec::new();
    for command in COMMANDS {
        let arguments = [command, &["--as", "a2", "--json"][..]].concat();
        rows.push(match peak(root, program, &arguments) {
            Ok(bytes) => {
                let note = format!("`true` measured so: {:.1} MB", least as f64 / 1e6);
                Row::of(what(command), Spread::only(bytes as f64 / 1e6), Unit::Megabytes, Target::AtMost(PEAK_MB_MAX)).note(note)
            }
            Err(error) => Row::missing(what(command), error),
        });
    }
    Ok(rows)
}

pub(super) fn peak(root: &Path, program: &str, arguments: &[&str]) -> Outcome<u64> {
    let mut command = worker(&[&["peak", program], arguments].concat())?;
    command.env_clear().env("HOME", root).current_dir(root);
    Ok(answer(command)?.parse()?)
}

/// Bytes of log that adding, claiming and completing a task leave.
///
/// # Errors
/// The store fails.
pub(super) fn log(bench: &Bench) -> Outcome<Vec<Row>> {
    const LIVES: usize = 100;
    let dir = bench.fresh_dir()?;
    let file = ours::make(dir.path(), &Content::new(1, 0))?;
    let mut ours = Ours::open(&file, "a0", Syncing::Off)?;
    for n in 0..LIVES {
        ours.order(&Add { title: ours::task_title(n), ..Add::default() })?;
        let task = ours.claim()?;
        ours.done(task)?;
    }
    let bytes = Spread::only(event_bytes(&file)? as f64 / LIVES as f64);
    let note = "rows of the events of add, claim and done; bytes";
    Ok(vec![Row::of("log of the life of a task", bytes, Unit::Count, Target::Reported).note(note)])
}

/// The bytes of all rows of events about tasks, as SQLite stores them.
fn event_bytes(file: &Path) -> Outcome<u64> {
    let conn = Connection::open(file)?;
    let mut statement = conn.prepare("SELECT * FROM events WHERE kind GLOB 'task_*'")?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        // The first column is the row's number, which is in the head of its cell.
        bytes += varint_bytes(u64::try_from(row.get::<_, i64>(0)?)?);
        let mut header = 1;
        for column in 1..columns {
            let (kind, body) = stored_size(row.get_ref(column)?);
            header += varint_bytes(kind);
            bytes += body;
        }
        bytes += header + varint_bytes(0);
    }
    Ok(bytes)
}

/// The serial type and the body's bytes of a value (sqlite.org, "Database File Format", 2.1).
fn stored_size(value: ValueRef<'_>) -> (u64, u64) {
    match value {
        ValueRef::Null => (0, 0),
        ValueRef::Integer(0 | 1) => (8, 0),
        ValueRef::Integer(number) => {
            let bits = 65 - if number < 0 { !number } else { number }.leading_zeros();
            (1, [8, 16, 24, 32, 48].into_iter().find(|size| bits <= *size).map_or(8, |size| u64::from(size / 8)))
        }
        ValueRef::Real(_) => (7, 8),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => (13 + 2 * bytes.len() as u64, bytes.len() as u64),
    }
}

/// The bytes of a number in SQLite's varint: seven bits each.
fn varint_bytes(number: u64) -> u64 {
    u64::from((64 - number.leading_zeros()).max(1).div_ceil(7)).min(9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_sizes_are_those_of_the_file_format() {
        for (number, bytes) in
            [(0, 0), (1, 0), (2, 1), (127, 1), (-128, 1), (128, 2), (32_767, 2), (32_768, 3), (1 << 40, 6), (i64::MAX, 8), (i64::MIN, 8)]
        {
            assert_eq!(stored_size(ValueRef::Integer(number)).1, bytes, "{number}");
        }
        assert_eq!(stored_size(ValueRef::Text(b"abc")), (19, 3));
        assert_eq!([0, 127, 128, 16_383, 16_384, u64::MAX].map(varint_bytes), [1, 1, 2, 2, 3, 9]);
    }

    #[test]
    fn a_used_store_serves_every_operation() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = used_store(dir.path(), 20).expect("made");
        let mut ours = Ours::open(&file, "a0", Syncing::Off).expect("opens");
        for (name, operation) in OPERATIONS {
            assert!(operation(&mut ours).is_ok(), "{name}");
        }
        assert!(event_bytes(&file).expect("counted") > 20 * 100);
    }
}
