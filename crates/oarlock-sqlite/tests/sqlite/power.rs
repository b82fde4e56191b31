//! Lost power: a store lives on a disk that records writes and syncs; then the power goes at every moment of the record, and
//! what may be left of the files is opened. Everything acknowledged must be there, and the store must be sound.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;
use oarlock_faultdisk::{Files, Kept, Power, Step, watch};
use oarlock_host::clock::ManualClock;
use oarlock_model::event::Event;
use oarlock_ops::OpError;
use oarlock_ops::admin::Administration;
use oarlock_ops::store::{EventFilter, Store};
use oarlock_sqlite::{Options, SqliteAdministration, SqliteStore, StorePaths, Synchronous};
use oarlock_testkit::say;

/// A life of a store, and how thoroughly its ends are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// The seed of everything that is left to chance.
    pub(crate) seed: u64,
    /// How many operations are asked for.
    pub(crate) operations: usize,
    /// The power goes at one of this many moments.
    pub(crate) every: usize,
    /// How hard commits are pressed to the disk. With less than FULL something is lost, or the test is blind.
    pub(crate) synchronous: Synchronous,
}

/// The tried cases.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    /// How often the power went.
    pub(crate) cuts: usize,
    /// Writes that were recorded.
    pub(crate) writes: usize,
    /// Syncs that were recorded.
    pub(crate) syncs: usize,
    /// How often the write-ahead log was moved into the database.
    pub(crate) checkpoints: usize,
    /// Cuts after which something was there that had not been acknowledged yet.
    pub(crate) ahead: usize,
}

impl Report {
    /// Adds another life's.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { cuts, writes, syncs, checkpoints, ahead } = other;
        let ours = [&mut self.cuts, &mut self.writes, &mut self.syncs, &mut self.checkpoints, &mut self.ahead];
        ours.into_iter().zip([cuts, writes, syncs, checkpoints, ahead]).for_each(|(ours, more)| *ours += more);
    }
}

/// Lives, and then loses power again and again.
///
/// # Errors
/// The loss, or the fault; the seed and the moment are in it.
pub(crate) fn run(plan: Plan) -> Result<Report, String> {
    let life = live(plan)?;
    let mut report = Report::default();
    let (mut power, mut rng, mut acknowledged) = (Power::on(life.begin.clone()), Rng::with_seed(plan.seed), life.begin_seq);
    for (n, step) in life.steps.iter().enumerate() {
        power.step(step);
        match step {
            Step::Note(seq) => acknowledged = *seq,
            Step::Write { .. } => report.writes += 1,
            Step::Sync { .. } => report.syncs += 1,
            Step::Truncate { .. } => report.checkpoints += 1,
            Step::Delete { .. } => {}
        }
        if rng.usize(..plan.every) > 0 {
            continue;
        }
        let lost = [power.lost(Kept::Nothing), power.lost(Kept::Everything), power.lost(Kept::Chance(&mut rng))];
        // Synced data cannot be lost in three ways.
        for (way, files) in lost.iter().enumerate().take(if power.is_synced() { 1 } else { 3 }) {
            let last_seq = look(files, &life, acknowledged)
                .map_err(|fault| format!("seed {}, power lost after step {n} of {}, way {way}: {fault}", plan.seed, life.steps.len()))?;
            report.cuts += 1;
            report.ahead += usize::from(last_seq > acknowledged);
        }
    }
    Ok(report)
}

struct Life {
    begin: Files,
    /// The memory that the processes shared, which may be newer on the disk than all the rest.
    shared_state: Vec<u8>,
    begin_seq: u64,
    steps: Vec<Step>,
    log: Vec<Event>,
}

/// Two processes use a store; now and then one closes it and opens it again, which also shortens the write-ahead log.
fn live(plan: Plan) -> Result<Life, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let watch = watch(dir.path());
    let (place, clock) = (StorePaths::of_file(dir.path().join("oarlock.db")), ManualClock::new());
    let open = || SqliteStore::open(&place, options(&clock, plan.synchronous)).map_err(|error| error.to_string());
    drop(SqliteStore::create(&place, "T", options(&clock, plan.synchronous)).map_err(|error| error.to_string())?);
    let mut handles = [open()?, open()?];
    let mut rng = Rng::with_seed(plan.seed);
    for line in ["ada: join", "bob: join"] {
        say(&mut handles[0], line).map_err(|error| format!("{line}: {error}"))?;
    }
    let begin_seq = last_seq(&mut handles[0]).map_err(|error| error.to_string())?;
    let begin = files_of(dir.path())?;
    watch.record();
    for n in 0..plan.operations {
        let turn = rng.usize(..handles.len());
        if rng.u8(..24) == 0 {
            handles[turn] = open()?;
        }
        clock.advance_ms(rng.i64(1..400));
        let (line, is_lasting) = line(n, &mut rng);
        match say(&mut handles[turn], &line) {
            // Presence may be lost with the power: it means nothing after it.
            Ok(_) if !is_lasting => {}
            Ok(_) => watch.note(last_seq(&mut handles[turn]).map_err(|error| error.to_string())?),
            Err(OpError::Rejected(_)) => {}
            Err(error) => return Err(format!("seed {}: {line}: {error}", plan.seed)),
        }
    }
    let log = log(&mut handles[0]).map_err(|error| error.to_string())?;
    let shared_state = fs::read(dir.path().join("board")).map_err(|error| format!("the board: {error}"))?;
    Ok(Life { begin, shared_state, begin_seq, steps: watch.record(), log })
}

/// The next call, and whether its acknowledgement is for ever.
fn line(n: usize, rng: &mut Rng) -> (String, bool) {
    let agent = if rng.bool() { "ada" } else { "bob" };
    let text = "x".repeat(rng.usize(..3_000));
    match rng.u8(..12) {
        0..3 => (format!("{agent}: add task --id T-{n} --body '{text}'"), true),
        3..5 => (format!("{agent}: claim --ttl {}s", rng.u8(1..4)), true),
        5..7 => (format!("{agent}: done T-{} --result '{text}'", rng.usize(..=n)), true),
        7 => (format!("{agent}: release T-{}", rng.usize(..=n)), true),
        8 => (format!("{agent}: state-set k/{} '\"{text}\"'", rng.u8(..5)), true),
        9 => (format!("{agent}: send bob --text '{text}'"), true),
        10 => (format!("{agent}: reserve src/{}/** --ttl 2s", rng.u8(..9)), true),
        _ => (format!("{agent}: heartbeat"), false),
    }
}

/// Opens the remains, and goes on working with them. Returns the number of its last event.
fn look(files: &Files, life: &Life, acknowledged: u64) -> Result<u64, String> {
    let whole = &life.log;
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (name, content) in files {
        fs::write(dir.path().join(name), content).map_err(|error| error.to_string())?;
    }
    fs::write(dir.path().join("board"), &life.shared_state).map_err(|error| error.to_string())?;
    let (place, clock) = (StorePaths::of_file(dir.path().join("oarlock.db")), ManualClock::new());
    clock.reboot("after-the-cut");
    let mut store =
        SqliteStore::open(&place, options(&clock, Synchronous::Off)).map_err(|error| format!("it cannot be opened: {error}"))?;
    let found = log(&mut store).map_err(|error| format!("its log cannot be read: {error}"))?;
    if !whole.starts_with(&found) {
        return Err("its log is not how the log began".into());
    }
    let last = found.last().map_or(0, |event| event.seq);
    if last < acknowledged {
        return Err(format!("it ends at {last}, and {acknowledged} was acknowledged"));
    }
    let doctor = SqliteAdministration::new(place, options(&clock, Synchronous::Off))
        .doctor(false, false)
        .map_err(|error| format!("doctor: {error}"))?;
    if !doctor.ok {
        return Err(format!("it is not sound: {:?}", doctor.checks));
    }
    for line in ["cy: join", "cy: add more --id AFTER", "cy: claim AFTER", "cy: done AFTER"] {
        say(&mut store, line).map_err(|error| format!("{line}: {error}"))?;
    }
    Ok(last)
}

fn options(clock: &ManualClock, synchronous: Synchronous) -> Options {
    Options { clock: Arc::new(clock.clone()), synchronous, ..Options::default() }
}

fn log(store: &mut SqliteStore) -> Result<Vec<Event>, OpError> {
    let all = EventFilter { limit: i64::MAX as usize, bytes_max: usize::MAX, ..EventFilter::default() };
    Ok(store.snapshot()?.events(&all)?)
}

fn last_seq(store: &mut SqliteStore) -> Result<u64, OpError> {
    Ok(store.snapshot()?.last_seq()?)
}

/// The database and its write-ahead log; the index of that log is made again after a loss of power.
fn files_of(dir: &Path) -> Result<Files, String> {
    let names = ["oarlock.db", "oarlock.db-wal"];
    names.iter().map(|name| Ok((name.to_string(), fs::read(dir.join(name)).map_err(|error| format!("{name}: {error}"))?))).collect()
}
