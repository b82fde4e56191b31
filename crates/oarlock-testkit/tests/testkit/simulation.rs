//! Some seeded simulations on every store: those that once found something, and a few that nobody has seen before.

use std::io::Write;

use oarlock_testkit::paper::Paper;
use oarlock_testkit::sim::{Plan, Report, run, run_beside, run_landing};
use oarlock_testkit::{Harness, MemoryHarness};

use crate::sqlite_harness::SqliteHarness;

const STEPS: usize = 1_200;

/// Seeds that are run each time.
const KEPT: [u64; 4] = [1, 2, 3, 4];

/// How many further seeds are run each time; they are reported before they run.
const FRESH: usize = 4;

/// A simulation that tries nothing finds nothing. Whether a fresh seed meets everything is chance, so only the kept ones must.
fn expect_tried(seed: u64, report: &Report, all: &[u8]) {
    let is_missing = |semantics: &&u8| report.judged.get(semantics).is_none_or(|times| *times == 0);
    let missing: Vec<&u8> = all.iter().filter(is_missing).collect();
    assert!(missing.is_empty() || !KEPT.contains(&seed), "seed {seed}: semantics {missing:?} were not tried");
}

fn check(seed: u64) {
    let plan = Plan { seed, steps: STEPS };
    let harnesses: [fn() -> Box<dyn Harness>; 3] =
        [|| Box::<MemoryHarness>::default(), || Box::new(SqliteHarness::new()), || Box::new(SqliteHarness::with_gateway())];
    for harness in harnesses {
        let harness = harness();
        let name = harness.name();
        let report = run(plan, harness).unwrap_or_else(|violation| panic!("on {name}: {violation}"));
        expect_tried(seed, &report, &[1, 2, 3, 4, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 21]);
    }
}

#[test]
fn kept_seeds_hold_on_every_store() {
    KEPT.into_iter().for_each(check);
}

#[test]
fn fresh_seeds_hold_on_every_store() {
    for _ in 0..FRESH {
        let seed = fastrand::u64(..);
        // Reported before it runs, so that a panic in the store has a seed too.
        writeln!(std::io::stderr(), "seed {seed}").expect("somebody reads");
        check(seed);
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let plan = Plan { seed: 7, steps: 600 };
    let stories = [0, 1].map(|_| format!("{:?}", run(plan, Box::<MemoryHarness>::default())));
    assert_eq!(stories[0], stories[1]);
}

#[test]
fn with_a_list_beside_the_store_nothing_is_done_on_both_sides() {
    const STEPS: usize = 200;
    // In the second, a call is killed that takes again what its agent's lease has run out of.
    for seed in [1, 1_295_945_959_185_466_089, fastrand::u64(..)] {
        writeln!(std::io::stderr(), "seed {seed}").expect("somebody reads");
        let harnesses: [fn() -> Box<dyn Harness>; 2] = [|| Box::<MemoryHarness>::default(), || Box::new(SqliteHarness::new())];
        for harness in harnesses {
            let harness = harness();
            let name = harness.name();
            let report = run_beside(Plan { seed, steps: STEPS }, harness, Box::<Paper>::default())
                .unwrap_or_else(|violation| panic!("on {name}: {violation}"));
            expect_tried(seed, &report, &[1, 2, 10, 12, 13, 17]);
        }
    }
}

#[test]
fn each_task_lands_once_whoever_dies_or_speaks_late() {
    let mut tried = [0; 5];
    for seed in [1, 2, 3, 4, fastrand::u64(..), fastrand::u64(..)] {
        writeln!(std::io::stderr(), "seed {seed}").expect("somebody reads");
        let harnesses: [fn() -> Box<dyn Harness>; 2] = [|| Box::<MemoryHarness>::default(), || Box::new(SqliteHarness::new())];
        for harness in harnesses {
            let harness = harness();
            let name = harness.name();
            let counts = run_landing(Plan { seed, steps: 600 }, harness).unwrap_or_else(|violation| panic!("on {name}: {violation}"));
            let counts = [counts.landed, counts.refused, counts.crashes, counts.settled, counts.turned_away];
            tried.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
    assert!(tried.iter().all(|times| *times > 10), "too little was tried: {tried:?}");
}
