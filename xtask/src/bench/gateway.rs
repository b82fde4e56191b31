//! The gateway: what its clients get of the rate of a bare loop, what idle watchers cost, and how soon a waiter wakes.

pub(super) mod bare;
pub(super) mod load;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::floor::Floor;
use super::given::{Bench, WORKER};
use super::measure::{self, Spread, quantile};
use super::ours::{self, Content};
use super::table::{Row, Target, Unit};
use crate::output::Outcome;
use crate::served::Served;

/// Clients at once.
const CLIENTS: usize = 64;

/// Streams of events that are open at once.
const WATCHERS: usize = 1_000;

/// Our gateway of the store in this folder.
fn ours_at(bench: &Bench, root: &Path) -> Outcome<Served> {
    Served::gateway(bench.program()?, root, "127.0.0.1:0")
}

/// The floor's.
fn floor_at(file: &Path, root: &Path) -> Outcome<Served> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([WORKER, "floor-serve"]).arg(file);
    Served::start(command, root.join("no-key"))
}

/// The result of one race.
struct Race {
    /// Calls in a second.
    rate: f64,
    times_ns: Vec<u64>,
    errors: usize,
    first_error: String,
}

fn race(server: &Served, dir: &Path, calls: usize) -> Outcome<Race> {
    let waits = dir.join("waits");
    let mut command = Command::new(std::env::current_exe()?);
    command.args([WORKER, "load", &server.authority]).arg(&server.key).args([CLIENTS.to_string(), calls.to_string()]).arg(&waits);
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut words = text.trim().splitn(3, ' ');
    let took_ns: f64 = words.next().unwrap_or_default().parse().map_err(|_| format!("the load failed: {text}"))?;
    let errors = words.next().unwrap_or_default().parse()?;
    let bytes = std::fs::read(&waits)?;
    let times_ns: Vec<u64> = bytes.as_chunks().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
    let rate = times_ns.len() as f64 / (took_ns / 1e9);
    Ok(Race { rate, times_ns, errors, first_error: words.next().unwrap_or_default().to_owned() })
}

/// 64 clients that claim and complete, with a key for each call, FULL.
///
/// # Errors
/// A server or the load fails.
pub(super) fn throughput(bench: &Bench) -> Outcome<Vec<Row>> {
    let rounds = bench.pick(3, 7);
    let calls = bench.pick(6_400, 32_000);
    let sync_ns = sync_of_the_disk(bench)?;
    let (mut bare_ns, mut times_ns, mut errors, mut first_error) = (Vec::new(), Vec::new(), 0, String::new());
    let mut floor = || {
        let dir = bench.fresh_dir()?;
        let file = dir.path().join("floor.db");
        Floor::make(&file, &ours::agent_names(CLIENTS), calls)?;
        let race = race(&floor_at(&file, dir.path())?, dir.path(), calls)?;
        bare_ns.extend(race.times_ns);
        Ok(race.rate)
    };
    let mut gateway = || {
        let dir = bench.fresh_dir()?;
        ours::make(dir.path(), &Content::new(CLIENTS, calls))?;
        let race = race(&ours_at(bench, dir.path())?, dir.path(), calls)?;
        times_ns.extend(race.times_ns);
        errors += race.errors;
        if first_error.is_empty() {
            first_error = race.first_error;
        }
        Ok(race.rate)
    };
    let rates = measure::in_turns(rounds, 1, &mut [&mut floor, &mut gateway])?;
    let (bare, own) = (Spread::of(&rates[0])?.median, Spread::of(&rates[1])?);
    times_ns.sort_unstable();
    bare_ns.sort_unstable();
    let (median, tail) = (quantile(&times_ns, 0.5)?, quantile(&times_ns, 0.99)?);
    let ms = |ns: u64| ns as f64 / 1e6;
    let ratio = measure::ratio(&rates[1], &rates[0])?;
    // Where the disk is slow, its speed is measured.
    let wanted = if sync_ns < 300_000 { Target::AtLeast(10_000.0) } else { Target::Reported };
    Ok(vec![
        Row::ratio("64 clients of a gateway, FULL: rate to the bare loop's", ratio, Target::AtLeast(0.6))
            .note(format!("{:.0}/s against {bare:.0}/s", own.median)),
        Row::of("64 clients of a gateway, FULL: calls in a second", own, Unit::Count, wanted)
            .note(format!("a sync takes {:.2} ms", ms(sync_ns))),
        Row::ratio("64 clients of a gateway: p99 to a sync of the disk", Spread::only(tail as f64 / sync_ns as f64), Target::AtMost(25.0))
            .note(format!("p50 {:.2} ms, p99 {:.2} ms; the bare loop's p99 {:.2} ms", ms(median), ms(tail), ms(quantile(&bare_ns, 0.99)?))),
        Row::of("64 clients of a gateway: errors", Spread::only(errors as f64), Unit::Count, Target::AtMost(0.0)).note(first_error),
    ])
}

/// The time to press a page to the disk, in nanoseconds: the median.
fn sync_of_the_disk(bench: &Bench) -> Outcome<u64> {
    let dir = bench.fresh_dir()?;
    let mut file = std::fs::File::create(dir.path().join("sync"))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[7; 4_096])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(u64::try_from(begun.elapsed().as_nanos())?);
    }
    times.sort_unstable();
    quantile(&times, 0.5)
}

/// A thousand idle streams, and a claim that waits by HTTP for a task that somebody adds.
///
/// # Errors
/// The server fails.
pub(super) fn watchers(bench: &Bench) -> Outcome<Vec<Row>> {
    let dir = bench.fresh_dir()?;
    let file = ours::make(dir.path(), &Content::new(2, 0))?;
    ours::Ours::open(&file, "a1", super::side::Syncing::Full)?.keep_open()?;
    let server = ours_at(bench, dir.path())?;
    let alone_mb = server.memory_mb()?;
    let alone = wake(&server, bench.pick(50, 300))?;
    let mut streams = Vec::with_capacity(WATCHERS);
    for _ in 0..WATCHERS {
        let stream = server.open("GET", "/v1/events?kind=task_cancelled", "")?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        streams.push(stream);
    }
    for stream in &mut streams {
        // Each has begun.
        let mut bytes = [0; 15];
        stream.read_exact(&mut bytes)?;
    }
    let watched_mb = server.memory_mb()?;
    let beside = wake(&server, bench.pick(50, 300))?;
    drop(streams);
    let woken = |what: &str, times_ns: &[u64]| -> Outcome<Row> {
        let ms = |part: f64| -> Outcome<f64> { Ok(quantile(times_ns, part)? as f64 / 1e6) };
        let spread = Spread { median: ms(0.5)?, min: ms(0.0)?, max: ms(1.0)? };
        Ok(Row::of(what, spread, Unit::Milliseconds, Target::AtMost(5.0)).note(format!("p99 {:.2} ms, FULL", ms(0.99)?)))
    };
    Ok(vec![
        Row::of("memory with 1,000 idle streams", Spread::only(watched_mb), Unit::Megabytes, Target::AtMost(60.0))
            .note(format!("{alone_mb:.1} MB without them")),
        woken("added to claimed by HTTP, p50", &alone)?,
        woken("added to claimed by HTTP beside 1,000 streams, p50", &beside)?,
    ])
}

/// Times from the sending of an `add` to the arrival of the claim that waited for it.
fn wake(server: &Served, times: usize) -> Outcome<Vec<u64>> {
    let mut woken = Vec::with_capacity(times);
    for n in 0..times {
        let mut waits = server.open("POST", "/v1/claim", &json!({"as": "a0", "wait": "60s"}).to_string())?;
        // It gets time to go to sleep.
        std::thread::sleep(Duration::from_millis(15));
        let begun = Instant::now();
        server.call("add", &json!({"title": ours::task_title(n)}))?;
        let mut text = String::new();
        waits.read_to_string(&mut text)?;
        woken.push(u64::try_from(begun.elapsed().as_nanos())?);
        if !text.starts_with("HTTP/1.1 200") {
            return Err(text.into());
        }
    }
    woken.sort_unstable();
    Ok(woken)
}
