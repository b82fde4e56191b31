//! Waiting: how soon a claim that waits has the task that somebody adds, and what waiting costs.

use std::time::Duration;

use oarlock_ops::task::Add;

use super::crew::{Crew, answer, worker};
use super::given::Bench;
use super::measure::{Spread, quantile};
use super::os;
use super::ours::{self, Content, Ours};
use super::side::Syncing;
use super::table::{Row, Target, Unit};
use crate::output::Outcome;

/// How long the waiter gets to go back to its wait before the next task is added.
const PAUSE: Duration = Duration::from_millis(15);

/// How long the waiter in vain waits, in milliseconds.
const IDLE_MS: i64 = 5_000;

/// From the return of the commit that adds a task to the return of the claim, in another process, that
/// waited for it. The claim is a commit too, so the disk is in it.
///
/// # Errors
/// The store or the waiter fails.
pub(super) fn wakeup(bench: &Bench) -> Outcome<Vec<Row>> {
    let count = bench.pick(60, 500);
    let dir = bench.fresh_dir()?;
    let file = ours::make(dir.path(), &Content::new(2, 0))?;
    let path = file.to_str().ok_or("a folder whose name is not text")?;
    let mut waiter = Crew::muster(vec![worker(&["ours-wait", path, "a0", &count.to_string()])?])?;
    let mut adder = Ours::open(&file, "a1", Syncing::Full)?;
    adder.keep_open()?;
    waiter.start_first()?;
    let mut waits_ns = Vec::with_capacity(count);
    for n in 0..count {
        std::thread::sleep(PAUSE);
        adder.order(&Add { title: ours::task_title(n), ..Add::default() })?;
        let committed_ns = os::monotonic_ns();
        let claimed_ns: u64 = waiter.first_says()?.parse()?;
        // The notifier rings before the commit returns to its caller: the waiter may even be first.
        waits_ns.push(claimed_ns.saturating_sub(committed_ns));
    }
    waits_ns.sort_unstable();
    let (first, last) = (quantile(&waits_ns, 0.0)?, quantile(&waits_ns, 1.0)?);
    let row = |what: &str, part: f64, limit_ms: f64| -> Outcome<Row> {
        let ms = |ns: u64| ns as f64 / 1e6;
        let spread = Spread { median: ms(quantile(&waits_ns, part)?), min: ms(first), max: ms(last) };
        Ok(Row::of(what, spread, Unit::Milliseconds, Target::AtMost(limit_ms)).note(format!("{count} times, FULL")))
    };
    Ok(vec![row("commit to claimed, p50", 0.5, 2.0)?, row("commit to claimed, p99", 0.99, 5.0)?])
}

/// Time on a processor of a process that waits in vain.
///
/// # Errors
/// The store or the waiter fails.
pub(super) fn idle(bench: &Bench) -> Outcome<Vec<Row>> {
    let dir = bench.fresh_dir()?;
    let file = ours::make(dir.path(), &Content::new(1, 0))?;
    let path = file.to_str().ok_or("a folder whose name is not text")?;
    let used_ns: u64 = answer(worker(&["ours-idle", path, "a0", &IDLE_MS.to_string()])?)?.parse()?;
    // A thousandth of the time counts as nothing.
    let limit_ms = IDLE_MS as f64 / 1e3;
    let spread = Spread::only(used_ns as f64 / 1e6);
    Ok(vec![Row::of("time on a processor of a waiter in 5 s", spread, Unit::Milliseconds, Target::AtMost(limit_ms))])
}
