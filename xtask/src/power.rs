//! `cargo xtask power`: many lives of a store, each of which loses power again and again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use oarlock_sqlite::Synchronous;

use crate::output::{Outcome, say, warn};

#[path = "../../crates/oarlock-sqlite/tests/sqlite/power.rs"]
mod lives;

/// Let the power go below stores on a simulated disk; stops at the first that has lost something or is not sound.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The first seed; by chance, and reported, unless it is named.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How often the power goes.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    cuts: usize,
}

/// Runs what the arguments ask for.
///
/// # Errors
/// Something was lost.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let (seed, wanted) = (arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 40)), arguments.cuts);
    warn(format_args!("seeds from {seed} on"));
    let (begun, next) = (Instant::now(), AtomicU64::new(seed));
    let total = Mutex::new((lives::Report::default(), None::<String>));
    let work = || {
        loop {
            let is_over = total.lock().map_or(true, |total| total.0.cuts >= wanted || total.1.is_some());
            if is_over {
                return;
            }
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let lived = lives::run(lives::Plan { seed, operations: 200, every: 4, synchronous: Synchronous::Full });
            let Ok(mut total) = total.lock() else { return };
            match lived {
                Ok(report) => total.0.add(report),
                Err(fault) => total.1 = Some(fault),
            }
        }
    };
    thread::scope(|scope| {
        (0..thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(scope.spawn(work)));
    });
    let (report, fault) = total.into_inner().unwrap_or_default();
    if let Some(fault) = fault {
        return Err(fault.into());
    }
    let lives::Report { cuts, writes, syncs, checkpoints, ahead } = report;
    say(format!(
        "{cuts} losses of power in {} lives of a store: {writes} writes, {syncs} syncs, {checkpoints} times the log was cut; {ahead} times something \
         was there that had not been acknowledged yet; nothing was lost, {:.0} s",
        next.into_inner().wrapping_sub(seed),
        begun.elapsed().as_secs_f64()
    ));
    Ok(())
}
