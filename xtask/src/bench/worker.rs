//! The other processes of a bench: this program again, by a hidden command. A worker that takes part in a
//! race says `ready`, starts at the first line on its standard input, and stops when that is closed.

use std::io::{BufRead, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use oarlock_model::Rejection;
use oarlock_ops::OpError;

use super::floor::Floor;
use super::os;
use super::ours::{Ours, done_request};
use super::side::{self, Contestant, Syncing, Until};
use crate::output::{Outcome, say};

/// Runs the worker that the arguments ask for.
///
/// # Errors
/// Arguments that only another version of this program would give; the store fails.
pub(crate) fn run(arguments: &[String]) -> Outcome<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["floor-claim", file, agent] => Floor::open(Path::new(file), agent, Syncing::Full)?.claim().map(drop),
        ["ours-claims", file, agent, count] => claim_some(Path::new(file), agent, count.parse()?),
        ["floor-run", file, agent, sync, operations, seconds, waits] => {
            let mut floor = Floor::open(Path::new(file), agent, Syncing::parse(sync)?)?;
            race(&mut floor, operations.parse()?, seconds.parse()?, Path::new(waits))
        }
        ["ours-run", file, agent, sync, operations, seconds, waits] => {
            let mut ours = Ours::open(Path::new(file), agent, Syncing::parse(sync)?)?;
            race(&mut ours, operations.parse()?, seconds.parse()?, Path::new(waits))
        }
        ["ours-wait", file, agent, count] => wait_and_claim(Path::new(file), agent, count.parse()?),
        ["ours-idle", file, agent, for_ms] => wait_in_vain(Path::new(file), agent, for_ms.parse()?),
        ["floor-serve", file] => super::gateway::bare::serve(Path::new(file)),
        ["load", authority, key, clients, calls, waits] => {
            super::gateway::load::run(authority, key, clients.parse()?, calls.parse()?, Path::new(waits))
        }
        ["lane", count, program, ref rest @ ..] => lane(count.parse()?, program, rest),
        ["peak", program, ref rest @ ..] => peak(program, rest),
        _ => Err("this command is for benches only".into()),
    }
}

fn claim_some(file: &Path, agent: &str, count: usize) -> Outcome<()> {
    let mut ours = Ours::open(file, agent, Syncing::Full)?;
    for _ in 0..count {
        ours.claim()?;
    }
    // What closing costs is not theirs.
    std::mem::forget(ours);
    Ok(())
}

/// Says `ready`, and returns when the others are too. The flag is set when standard input ends.
fn start_line() -> Outcome<Arc<AtomicBool>> {
    let mut input = std::io::stdin().lock();
    announce("ready")?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    drop(input);
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&stopped);
    std::thread::spawn(move || {
        let mut rest = String::new();
        while std::io::stdin().lock().read_line(&mut rest).is_ok_and(|bytes| bytes > 0) {}
        stop.store(true, Ordering::Relaxed);
    });
    Ok(stopped)
}

/// A line that somebody waits for: an error, unlike elsewhere, when nobody does.
fn announce(line: impl std::fmt::Display) -> Outcome<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

/// Claims and completes against others; the result is a line with the errors and the first of them, and a
/// file with the times.
fn race<C: Contestant>(contestant: &mut C, operations: usize, patience_s: u64, times: &Path) -> Outcome<()> {
    let stopped = start_line()?;
    let until = Until { operations, patience: Duration::from_secs(patience_s), is_stopped: &|| stopped.load(Ordering::Relaxed) };
    let tally = side::run(contestant, &until);
    // First the line: it stops the others.
    let error = tally.first_error.as_deref().unwrap_or_default().replace('\n', " ");
    announce(format_args!("{} {error}", tally.errors))?;
    Ok(std::fs::write(times, tally.to_bytes())?)
}

/// Waits for a task, `count` times, and shows when each claim returned.
fn wait_and_claim(file: &Path, agent: &str, count: usize) -> Outcome<()> {
    let mut ours = Ours::open(file, agent, Syncing::Full)?;
    start_line()?;
    for _ in 0..count {
        let task = ours.claim_waiting(60_000)?.ok_or("a claim without a task")?;
        let claimed_ns = os::monotonic_ns();
        ours.order(&done_request(task))?;
        announce(claimed_ns)?;
    }
    Ok(())
}

/// Waits for a task that never comes and shows what it cost, in nanoseconds on a processor.
fn wait_in_vain(file: &Path, agent: &str, for_ms: i64) -> Outcome<()> {
    let mut ours = Ours::open(file, agent, Syncing::Full)?;
    let before_ns = os::processor_ns();
    match ours.claim_waiting(for_ms) {
        Err(OpError::Rejected(Rejection::TimedOut { .. })) => {}
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("a task came that nobody added".into()),
    }
    say(os::processor_ns() - before_ns);
    Ok(())
}

/// Runs a command this many times, one after another; the result is a line of nanoseconds and failures.
fn lane(count: usize, program: &str, arguments: &[&str]) -> Outcome<()> {
    let _stopped = start_line()?;
    let (start, mut failures) = (Instant::now(), 0);
    for _ in 0..count {
        let status = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        failures += usize::from(!status.success());
    }
    announce(format_args!("{} {failures}", start.elapsed().as_nanos()))
}

/// Runs a command and reports the most memory it had at once, in bytes. It is this small process that starts
/// it because a child begins with its parent's memory on its account.
fn peak(program: &str, arguments: &[&str]) -> Outcome<()> {
    let child = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let (status, bytes) = os::wait_for_peak(&child)?;
    if !status.success() {
        return Err(format!("{program} {} ended with {status}", arguments.join(" ")).into());
    }
    say(bytes);
    Ok(())
}
