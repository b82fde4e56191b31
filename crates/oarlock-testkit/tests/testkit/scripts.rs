//! Runs every script on the specification and on SQLite at once. `UPDATE_EXPECT=1` writes down what
//! they answered; the difference is then to be read line by line against the contract.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use expect_test::expect_file;
use oarlock_ops::registry;
use oarlock_testkit::script::Script;
use oarlock_testkit::{Lockstep, MemoryHarness, check};

use crate::differential::log_of;
use crate::sqlite_harness::SqliteHarness;

fn scripts() -> Vec<PathBuf> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let files = fs::read_dir(dir).expect("the scripts are there").filter_map(Result::ok).map(|file| file.path());
    let mut scripts: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    scripts.sort();
    scripts
}

fn name_of(path: &std::path::Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[test]
fn scripts_play_as_they_are_written_on_every_store() {
    let only = std::env::var("OARLOCK_SCRIPT").unwrap_or_default();
    let mut differing = Vec::new();
    for path in scripts().into_iter().filter(|path| name_of(path).starts_with(&only)) {
        let text = fs::read_to_string(&path).expect("a text file");
        let script = Script::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", name_of(&path)));
        let mut harnesses = Lockstep::new(vec![Box::new(MemoryHarness::default()), Box::new(SqliteHarness::new())]);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| script.run(&mut harnesses)));
        let outcome = outcome.unwrap_or_else(|_| panic!("{}: the harnesses disagree, see above", name_of(&path)));
        let state = harnesses.state();
        let now = harnesses.look(|view| Ok(view.now())).expect("the specification can be read");
        let mut faults = check::faults(&state, now);
        faults.extend(check::log_faults(&log_of(&mut harnesses)));
        assert!(faults.is_empty(), "{}: {faults:#?}", name_of(&path));
        // Each difference is printed where it is found; the other scripts run anyway.
        if std::panic::catch_unwind(|| expect_file![&path].assert_eq(&outcome)).is_err() {
            differing.push(name_of(&path));
        }
    }
    assert!(differing.is_empty(), "these scripts were answered differently: {}", differing.join(", "));
}

#[test]
fn every_verb_and_every_semantics_has_a_script() {
    let mut verbs = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for path in scripts() {
        let script = Script::parse(&fs::read_to_string(&path).expect("a text file")).expect("a script");
        verbs.extend(script.verbs().map(str::to_owned));
        numbers.extend(name_of(&path).get(1..3).and_then(|number| number.parse::<u32>().ok()));
    }
    let silent: Vec<&str> = registry::ENTRIES.iter().map(|entry| entry.verb).filter(|verb| !verbs.contains(*verb)).collect();
    assert!(silent.is_empty(), "no script uses {silent:?}");
    let missing: Vec<u32> = (1..=21).filter(|number| !numbers.contains(number)).collect();
    assert!(missing.is_empty(), "no script quotes {missing:?}");
}
