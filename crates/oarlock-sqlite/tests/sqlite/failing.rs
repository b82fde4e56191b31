//! Failing disks: every call of every verb that can fail is let fail, once and from then on. A failed operation must say so in a typed error,
//! have changed nothing, also for those who read the files again, and must succeed when the disk does again.

use std::fs;
use std::io::Write;

use oarlock_faultdisk::{Call, Failure, Fault, Watch, watch};
use oarlock_model::event::Event;
use oarlock_ops::OpError;
use oarlock_ops::admin::Administration;
use oarlock_ops::store::StoreError;
use oarlock_sqlite::{Options, SqliteStore, Synchronous};
use oarlock_testkit::say;

use crate::home::{Home, assert_replays, log};

/// One of each kind: a read, small and large writes, presence alone.
const LINES: [&str; 12] = [
    "ada: status",
    "-: events",
    "-: add more --id D --body 'a long text'",
    "bob: claim E",
    "ada: done A --result well",
    "ada: release A",
    "ada: fail A --reason broken",
    "bob: reserve tests/**",
    "bob: send ada --text 'are you there?'",
    "bob: state-set build/last 7",
    "ada: heartbeat",
    "bob: leave",
];

/// A lived-in store whose write-ahead log holds something.
struct Patient {
    home: Home,
    watch: Watch,
    before: Vec<Event>,
}

impl Patient {
    fn new(template: &Home) -> Self {
        let home = Home::empty();
        for name in ["oarlock.db", "oarlock.db-wal"] {
            fs::copy(template.beside(name), home.beside(name)).expect("copies");
        }
        let before = log(&mut home.open());
        let watch = watch(home.file().parent().expect("a directory"));
        // Recorded, so that no real disk is waited for.
        watch.record();
        Self { home, watch, before }
    }

    fn open(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.home.place(), Options { synchronous: Synchronous::Full, ..self.home.options() })
    }
}

/// The outcome of an operation while a fault waited.
struct Outcome {
    said: Result<(), OpError>,
    hit: Option<Call>,
}

/// Opens the store while a fault waits, and does what the line says if there is one.
fn attempt(patient: &Patient, fault: Fault, line: Option<&str>) -> (Option<SqliteStore>, Outcome) {
    patient.watch.fail(Some(fault));
    let mut store = patient.open();
    let said = match (&mut store, line) {
        (Ok(store), Some(line)) => say(store, line).map(drop),
        (Ok(_), None) => Ok(()),
        (Err(error), _) => Err(OpError::Store(error.clone())),
    };
    let hit = patient.watch.hit();
    patient.watch.fail(None);
    (store.ok(), Outcome { said, hit })
}

/// Whether it is said that nobody knows: after a failed sync, when whatever else is asked of the disk fails too.
fn is_unknown(outcome: &Outcome) -> bool {
    matches!(&outcome.said, Err(OpError::Store(StoreError::Unavailable { hint, .. })) if hint.contains("not known"))
}

/// Looks at the remains: with the handle that was there, and with fresh eyes that read the files again.
fn examine(patient: &Patient, handle: Option<SqliteStore>, outcome: &Outcome, line: &str) -> Result<(), String> {
    let is_done = match &outcome.said {
        Ok(()) => true,
        Err(OpError::Store(StoreError::Unavailable { .. } | StoreError::Busy(_))) => false,
        Err(error) => return Err(format!("{error:?}")),
    };
    let unchanged = |store: &mut SqliteStore, who: &str| {
        let log = log(store);
        if !log.starts_with(&patient.before) {
            return Err(format!("{who}: the log is another"));
        }
        if !is_done && !is_unknown(outcome) && log.len() > patient.before.len() {
            return Err(format!("{who}: it failed with {:?}, and was done", outcome.said));
        }
        assert_replays(store);
        Ok(())
    };
    if let Some(mut handle) = handle {
        unchanged(&mut handle, "the same handle")?;
    }
    // Nobody has it open now: the next one reads the write-ahead log from its beginning, as after the death of all.
    fs::remove_file(patient.home.beside("oarlock.db-shm")).map_err(|error| format!("the index: {error}"))?;
    let mut store = patient.open().map_err(|error| format!("opened again: {error:?}"))?;
    unchanged(&mut store, "fresh eyes")?;
    if !is_done && !is_unknown(outcome) {
        say(&mut store, line).map_err(|error| format!("asked again: {error:?}"))?;
    }
    let report = patient.home.admin().doctor(false, false).map_err(|error| format!("doctor: {error:?}"))?;
    if report.ok { Ok(()) } else { Err(format!("{:?}", report.checks)) }
}

#[derive(Default)]
struct Tally {
    failed_calls: usize,
    failed_operations: usize,
    unknown: usize,
    faults: Vec<String>,
}

/// Lets every call of the operation fail but the first, which are those that open the store; only these where there is no operation. Returns how
/// many calls there are.
fn fail_each_call(template: &Home, line: Option<&str>, first: u64, failure: Failure, lasts: bool, tally: &mut Tally) -> u64 {
    for after in first.. {
        let patient = Patient::new(template);
        let (handle, outcome) = attempt(&patient, Fault { after, failure, lasts }, line);
        let line = line.unwrap_or(LINES[0]);
        let Some(call) = outcome.hit else { return after };
        tally.failed_calls += 1;
        tally.failed_operations += usize::from(outcome.said.is_err());
        tally.unknown += usize::from(is_unknown(&outcome));
        if let Err(fault) = examine(&patient, handle, &outcome, line) {
            let times = if lasts { "from then on" } else { "once" };
            tally.faults.push(format!("{line}: {failure:?} {times}, after {after} calls ({call:?}): {fault}"));
        }
    }
    unreachable!("an operation makes a bounded number of calls")
}

fn template() -> Home {
    let home = Home::lived_in();
    // Frames that are not in the database yet.
    say(&mut home.open(), "-: add five --id E").expect("accepted");
    home
}

fn check(failure: Failure, lasts: bool) {
    let (template, mut tally) = (template(), Tally::default());
    // Opening the store is the same whatever is done then.
    let opening = fail_each_call(&template, None, 0, failure, lasts, &mut tally);
    for line in LINES {
        fail_each_call(&template, Some(line), opening, failure, lasts, &mut tally);
    }
    let Tally { failed_calls, failed_operations, unknown, .. } = &tally;
    writeln!(std::io::stderr(), "{failure:?}: {failed_calls} calls failed, {failed_operations} operations, {unknown} outcomes unknown")
        .expect("writes");
    // Files are opened with the store and not by later calls.
    assert!(*failed_calls >= if failure == Failure::NoFiles { 1 } else { LINES.len() });
    assert_eq!(failed_calls, failed_operations, "no failure is swallowed");
    assert!(tally.unknown <= LINES.len(), "only where the sync of a commit and all that follows fail");
    assert!(tally.faults.is_empty(), "{} faults:\n{}", tally.faults.len(), tally.faults.join("\n"));
}

#[test]
fn a_device_that_fails_once_at_any_call_fails_the_operation_and_nothing_else() {
    check(Failure::Device, false);
}

#[test]
fn so_does_one_that_fails_from_then_on() {
    check(Failure::Device, true);
}

#[test]
fn so_do_a_full_disk_and_half_a_write_and_too_many_open_files() {
    for failure in [Failure::Full, Failure::HalfWritten, Failure::NoFiles] {
        [false, true].into_iter().for_each(|lasts| check(failure, lasts));
    }
}
