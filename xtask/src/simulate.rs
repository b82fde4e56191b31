//! `cargo xtask simulate`: seeded simulations, many at a time, or one again.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use oarlock_testkit::paper::Paper;
use oarlock_testkit::sim::{self, Fault, Plan, Report};
use oarlock_testkit::{Harness, MemoryHarness};

use crate::output::{Outcome, say, warn};

#[path = "../../crates/oarlock-testkit/tests/testkit/sqlite_harness.rs"]
mod sqlite_harness;

/// Run seeded simulations; stops at the first violation and says how to see it again.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The first seed; by chance, and reported, unless it is named. One that is named is run alone.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many are run: 100, or 1 with a seed.
    #[arg(long, value_name = "COUNT")]
    seeds: Option<NonZeroU64>,
    /// Steps of each, at least.
    #[arg(long, value_name = "N", default_value_t = 1_200)]
    steps: usize,
    /// The specification, SQLite, or SQLite with a gateway beside it.
    #[arg(long, value_parser = ["memory", "sqlite", "gateway"], default_value = "sqlite")]
    store: String,
    /// With a list of tasks beside the store, which old scripts take while calls are killed.
    #[arg(long)]
    beside: bool,
}

/// The simulation to run.
struct Options {
    first: u64,
    count: u64,
    steps: usize,
    store: String,
    beside: bool,
}

/// Runs what the arguments ask for.
///
/// # Errors
/// A violation.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let options = Options {
        first: arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 40)),
        count: arguments.seeds.map_or(if arguments.seed.is_some() { 1 } else { 100 }, NonZeroU64::get),
        steps: arguments.steps,
        store: arguments.store.clone(),
        beside: arguments.beside,
    };
    warn(format_args!("seeds {} to {} on {}", options.first, options.first.wrapping_add(options.count - 1), options.store));
    let total = simulate(&options)?;
    say(summary(&options, &total));
    Ok(())
}

fn harness(store: &str) -> Box<dyn Harness> {
    match store {
        "memory" => Box::<MemoryHarness>::default(),
        "gateway" => Box::new(sqlite_harness::SqliteHarness::with_gateway()),
        _ => Box::new(sqlite_harness::SqliteHarness::new()),
    }
}

#[derive(Default)]
struct Total {
    runs: u64,
    steps: usize,
    events: usize,
    seconds: f64,
    faults: BTreeMap<Fault, usize>,
    judged: BTreeMap<u8, usize>,
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.steps += report.steps;
        self.events += report.events;
        report.faults.iter().for_each(|(fault, times)| *self.faults.entry(*fault).or_default() += times);
        report.judged.iter().for_each(|(semantics, times)| *self.judged.entry(*semantics).or_default() += times);
    }
}

/// All seeds, shared by as many threads as there are processors.
fn simulate(options: &Options) -> Outcome<Total> {
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let (total, violations) = (Mutex::new(Total::default()), Mutex::new(Vec::new()));
    let begun = Instant::now();
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= options.count {
                return;
            }
            let plan = Plan { seed: options.first.wrapping_add(n), steps: options.steps };
            let simulated = match options.beside {
                true => sim::run_beside(plan, harness(&options.store), Box::<Paper>::default()),
                false => sim::run(plan, harness(&options.store)),
            };
            match simulated {
                Ok(report) => {
                    if let Ok(mut total) = total.lock() {
                        total.add(&report);
                    }
                }
                Err(violation) => {
                    failed.store(true, Ordering::Relaxed);
                    if let Ok(mut violations) = violations.lock() {
                        violations.push(violation);
                    }
                }
            }
        }
    };
    thread::scope(|scope| {
        (0..thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(scope.spawn(work)));
    });
    if let Some(violation) = violations.into_inner().unwrap_or_default().first() {
        let Plan { seed, steps } = violation.plan;
        let beside = if options.beside { " --beside" } else { "" };
        let again = format!("cargo xtask simulate --seed {seed} --steps {steps} --store {}{beside}", options.store);
        return Err(format!("{violation}again: {again}").into());
    }
    let mut total = total.into_inner().unwrap_or_default();
    total.seconds = begun.elapsed().as_secs_f64();
    Ok(total)
}

fn summary(options: &Options, total: &Total) -> String {
    let Total { runs, steps, events, seconds, faults, judged } = total;
    let beside = if options.beside { " with a list beside it" } else { "" };
    let mut text =
        format!("{runs} simulations on {}{beside}: {steps} steps, {events} events, {seconds:.0} s, no violation\n", options.store);
    let each =
        |map: &mut dyn Iterator<Item = (String, usize)>| map.map(|(what, times)| format!("{what} {times}")).collect::<Vec<_>>().join(", ");
    text.push_str(&format!("what went wrong: {}\n", each(&mut faults.iter().map(|(fault, times)| (fault.to_string(), *times)))));
    text.push_str(&format!(
        "judged, by semantics: {}",
        each(&mut judged.iter().map(|(semantics, times)| (format!("({semantics})"), *times)))
    ));
    text
}
