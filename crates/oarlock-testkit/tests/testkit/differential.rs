//! Random pieces on the specification and on SQLite: after every step both must answer alike and see
//! alike, the checkers must be content, and the log must replay to the same state. Operations declare
//! their locks; in builds with debug assertions every event is checked against them as it is emitted.

use oarlock_model::event::Event;
use oarlock_ops::store::EventFilter;
use oarlock_testkit::harness::Step;
use oarlock_testkit::memory::replay;
use oarlock_testkit::{Lockstep, MemoryHarness, check, random};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestError, TestRunner};

use crate::sqlite_harness::SqliteHarness;

/// The plan by which random tasks are split: two steps that do not touch each other.
const PLAN: &str = "# Plan\n\n1. Create `src/one.rs`.\n2. Create `src/two.rs`.\n";

/// The whole log of the first harness.
pub(crate) fn log_of(harnesses: &mut Lockstep) -> Vec<Event> {
    let all = EventFilter { limit: usize::MAX, bytes_max: usize::MAX, ..EventFilter::default() };
    harnesses.look(|view| view.events(&all)).expect("the specification can be read")
}

fn step(piece: &[Step]) -> Result<(), TestCaseError> {
    let mut harnesses = Lockstep::new(vec![Box::new(MemoryHarness::default()), Box::new(SqliteHarness::new())]);
    harnesses.files().write("plan.md", PLAN);
    for step in piece {
        harnesses.run(step);
        let state = harnesses.state();
        let now = harnesses.look(|view| Ok(view.now())).expect("the specification can be read");
        let faults = check::faults(&state, now);
        prop_assert!(faults.is_empty(), "after {step}: {faults:#?}");
    }
    let log = log_of(&mut harnesses);
    prop_assert_eq!(check::log_faults(&log), Vec::<String>::new());
    let replayed = replay(&log).map_err(TestCaseError::fail)?;
    prop_assert_eq!(replayed.difference(&harnesses.state()), None);
    Ok(())
}

#[test]
fn random_pieces_play_alike_on_every_store() {
    let locks_are_checked = cfg!(debug_assertions);
    assert!(locks_are_checked, "the declared locks are only checked with debug assertions");
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64);
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::SourceParallel("proptest-regressions"))),
        source_file: Some(file!()),
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&random::pieces(60), |piece| {
        // A disagreement is a panic; as a failure of the case, it shrinks.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| step(&piece)));
        let outcome = outcome.unwrap_or_else(|panic| Err(TestCaseError::fail(words_of(&*panic))));
        outcome.map_err(|error| TestCaseError::fail(format!("{error}\nin\n{}", written(&piece))))
    });
    match outcome {
        Ok(()) => {}
        // The reason holds the smallest piece as a script, which is easier to read than its values.
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(TestError::Abort(reason)) => panic!("given up: {reason}"),
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_else(|| "a panic without words".to_owned())
}

/// The piece as a script.
fn written(piece: &[Step]) -> String {
    piece.iter().map(|step| format!("{step}\n")).collect()
}
