//! The kept inputs of every target, and some that are made from them: the short form of `cargo xtask fuzz`.

#![expect(clippy::panic, reason = "a test fails by panicking, and says why")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use oarlock_fuzz::{Mutator, TARGETS, Target};

fn corpus_dir(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = fs::read_dir(corpus_dir(target)).expect("a corpus").map(|entry| entry.expect("reads").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("reads")).collect()
}

/// Feeds the target; what makes it panic is reported, to be kept and fed again.
fn feed(target: &Target, input: &[u8], whence: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.feed)(input))) {
        let file = std::env::temp_dir().join(format!("oarlock-fuzz-{}", target.name));
        fs::write(&file, input).expect("writes");
        // The panic itself has been reported; the way to repeat it is missing.
        let words = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
        panic!("{}: {whence}, now in {}: {}", target.name, file.display(), words.unwrap_or_default());
    }
}

fn run(name: &str, changed: usize) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let corpus = corpus(target);
    assert!(!corpus.is_empty(), "{name} has a corpus");
    for (n, input) in corpus.iter().enumerate() {
        feed(target, input, &format!("kept input {n}"));
    }
    // One seed that is always the same, and one that is not.
    for seed in [1, fastrand::u64(2..1 << 40)] {
        let mut mutator = Mutator::new(seed);
        for n in 0..changed {
            feed(target, &mutator.next(&corpus), &format!("seed {seed}, input {n}"));
        }
    }
}

#[test]
fn documents() {
    run("document", 700);
}

#[test]
fn plans() {
    run("plan", 1_500);
}

#[test]
fn command_lines() {
    run("words", 2_000);
}

#[test]
fn requests() {
    run("request", 2_000);
}

#[test]
fn patterns() {
    run("pattern", 3_000);
}

#[test]
fn values() {
    run("value", 5_000);
}

#[test]
fn logs() {
    run("log", 150);
}

#[test]
fn configurations() {
    run("config", 1_000);
}

#[test]
fn ralf_files() {
    run("ralf", 700);
}

#[test]
fn every_target_is_run() {
    let run = ["document", "plan", "words", "request", "pattern", "value", "log", "config", "ralf"];
    assert!(TARGETS.iter().all(|target| run.contains(&target.name)));
}
