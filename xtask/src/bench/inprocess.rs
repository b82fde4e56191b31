//! One process with an open store: what an operation costs beside the bare row writes.

use std::path::Path;
use std::time::Duration;

use super::floor::Floor;
use super::given::Bench;
use super::measure::{self, Spread};
use super::ours::{self, Content, Ours};
use super::side::{self, Contestant, Syncing};
use super::table::{Row, Target, Unit};
use crate::output::Outcome;

/// A sample that takes longer than this says enough.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tasks of one batch.
const BATCH: usize = 50;

/// Leases that the heartbeat renews.
const LEASES: usize = 100;

/// Claim and done, each with an idempotency key.
///
/// # Errors
/// A store fails.
pub(super) fn single(bench: &Bench) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for sync in Syncing::ALL {
        let rounds = bench.pick(5, 15);
        let operations = if sync == Syncing::Full { bench.pick(60, 400) } else { bench.pick(400, 4_000) };
        let dir = bench.fresh_dir()?;
        let (mut floor, mut ours) = open_both(dir.path(), sync, (rounds + 1) * operations / 2)?;
        let mut floor_rate = || side::rate(&mut floor, operations, PATIENCE);
        let mut our_rate = || side::rate(&mut ours, operations, PATIENCE);
        let rates = measure::in_turns(rounds, 1, &mut [&mut floor_rate, &mut our_rate])?;
        // The disk decides with FULL, so nothing is asked there.
        let target = if sync == Syncing::Full { Target::Reported } else { Target::AtLeast(0.6) };
        let note = format!("{:.0}/s against {:.0}/s", Spread::of(&rates[1])?.median, Spread::of(&rates[0])?.median);
        rows.push(Row::ratio(format!("claim and done to the floor's, {sync}"), measure::ratio(&rates[1], &rates[0])?, target).note(note));
    }
    Ok(rows)
}

fn open_both(dir: &Path, sync: Syncing, tasks: usize) -> Outcome<(Floor, Ours)> {
    let content = Content::new(1, tasks);
    let floor = dir.join("floor.db");
    Floor::make(&floor, &content.agents, tasks)?;
    let ours = ours::make(dir, &content)?;
    Ok((Floor::open(&floor, "a0", sync)?, Ours::open(&ours, "a0", sync)?))
}

/// Many claims in one call beside as many calls. Each round has agents of its own, so that both begin with
/// empty hands.
///
/// # Errors
/// A store fails.
pub(super) fn batch(bench: &Bench) -> Outcome<Vec<Row>> {
    let rounds = bench.pick(5, 20);
    let dir = bench.fresh_dir()?;
    let agents = 2 * (rounds + 1);
    let file = ours::make(dir.path(), &Content::new(agents, agents * BATCH))?;
    let names = ours::agent_names(agents);
    let (mut for_single, mut for_batch) = (names.iter().step_by(2), names.iter().skip(1).step_by(2));
    let open = |name: Option<&String>| Ours::open(&file, name.ok_or("an agent for each round")?, Syncing::Full);
    let mut one_by_one = || {
        let mut ours = open(for_single.next())?;
        let taken = measure::seconds(|| (0..BATCH).try_for_each(|_| ours.claim().map(drop)))?;
        Ok(BATCH as f64 / taken)
    };
    let mut at_once = || {
        let mut ours = open(for_batch.next())?;
        let mut got = 0;
        let taken = measure::seconds(|| {
            got = ours.claim_many(BATCH)?;
            Ok(())
        })?;
        Ok(got as f64 / taken)
    };
    let rates = measure::in_turns(rounds, 1, &mut [&mut one_by_one, &mut at_once])?;
    let note = format!("{:.0} against {:.0} tasks/s", Spread::of(&rates[1])?.median, Spread::of(&rates[0])?.median);
    Ok(vec![
        Row::ratio(format!("claim --count {BATCH} to single claims, FULL"), measure::ratio(&rates[1], &rates[0])?, Target::AtLeast(3.0))
            .note(note),
    ])
}

/// A heartbeat of a session that holds many leases.
///
/// # Errors
/// A store fails.
pub(super) fn heartbeat(bench: &Bench) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    // A heartbeat is not pressed to the disk where commits are FULL, so FULL is NORMAL here.
    for sync in [Syncing::Normal, Syncing::Off] {
        let dir = bench.fresh_dir()?;
        let (mut floor, mut ours) = open_both(dir.path(), sync, LEASES)?;
        ours.claim_many(LEASES)?;
        let (rounds, each) = bench.pick((5, 40), (15, 200));
        let mut floor_beat = || measure::seconds(|| floor.beat());
        let mut our_beat = || measure::seconds(|| ours.beat());
        let times = measure::in_turns(rounds, each, &mut [&mut floor_beat, &mut our_beat])?;
        let note = format!("{:.0} µs against {:.0} µs", Spread::of(&times[1])?.median * 1e6, Spread::of(&times[0])?.median * 1e6);
        let what = format!("heartbeat with {LEASES} leases to one row, {sync}");
        rows.push(Row::ratio(what, measure::ratio(&times[1], &times[0])?, Target::AtMost(2.0)).note(note));
        if sync == Syncing::Normal {
            rows.push(pages_written(&mut ours, dir.path())?);
        }
    }
    Ok(rows)
}

/// The writes of a heartbeat, seen from outside: the frames that the write-ahead log gains.
fn pages_written(ours: &mut Ours, root: &Path) -> Outcome<Row> {
    const BEATS: u64 = 10;
    const HEADER_BYTES: u64 = 32;
    // A page and the head of its frame (sqlite.org, "Database File Format", 4.1).
    const FRAME_BYTES: u64 = 4_096 + 24;
    let file = root.join(".oarlock").join(oarlock_sqlite::STORE_FILE);
    ours::settle(&file)?;
    for _ in 0..BEATS {
        ours.beat()?;
    }
    let log = file.with_extension("db-wal");
    let frames = std::fs::metadata(log)?.len().saturating_sub(HEADER_BYTES) / FRAME_BYTES;
    let pages = Spread::only(frames as f64 / BEATS as f64);
    Ok(Row::of(format!("pages a heartbeat with {LEASES} leases writes"), pages, Unit::Count, Target::AtMost(1.0)))
}
