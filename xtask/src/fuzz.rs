//! `cargo xtask fuzz`: feeds what reads with inputs that libFuzzer makes up, guided by the code that each reaches. The flags are those
//! of cargo-fuzz, which needs a nightly compiler only for its sanitizers; Oarlock's own code is safe.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::output::{Outcome, say};
use crate::workspace;

/// The compiler's additions to the code for libFuzzer.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks";

/// A panic must reach libFuzzer, and names must be left in what it prints.
const PROFILE: [&str; 2] = ["profile.release.strip=false", "profile.release.opt-level=2"];

const CRATE: &str = "crates/oarlock-fuzz";

/// Feed what reads with made-up inputs, guided by coverage.
///
/// Searches for inputs that make a target panic, take more than 10 s or more than 1 GB. What it finds is written below the target
/// directory.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folders of crates/oarlock-fuzz/corpus; all of them unless some are named.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// For how long each is searched.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// Adds the inputs that reached new code to the corpus.
    #[arg(long)]
    keep: bool,
}

/// Runs what the arguments ask for.
///
/// # Errors
/// A target that is none, a build that fails, or a find.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let Arguments { targets: chosen, seconds, keep } = arguments;
    let root = workspace::root();
    let known = targets(root)?;
    if let Some(unknown) = chosen.iter().find(|target| !known.contains(target)) {
        return Err(format!("there is no target {unknown}; there are {}", known.join(", ")).into());
    }
    let chosen = if chosen.is_empty() { &known } else { chosen };
    let dir = workspace::target_dir()?.join("fuzz");
    let program = build(&dir)?;
    for target in chosen {
        let found = dir.join(target);
        let corpus = root.join(CRATE).join("corpus").join(target);
        fs::create_dir_all(found.join("corpus"))?;
        // libFuzzer adds to the first directory, and reads them all.
        let corpora = if *keep { vec![corpus, found.join("corpus")] } else { vec![found.join("corpus"), corpus] };
        let status = Command::new(&program)
            .env("OARLOCK_FUZZ_TARGET", target)
            .args([format!("-max_total_time={seconds}"), format!("-artifact_prefix={}/", found.display())])
            .args(["-timeout=10", "-rss_limit_mb=1024", "-max_len=4096", "-print_final_stats=1", "-verbosity=0"])
            .args(corpora)
            .status()?;
        if !status.success() {
            return Err(format!("{target}: {status}; the input is in {}", found.display()).into());
        }
        say(format!("{target}: nothing found in {seconds} s"));
    }
    Ok(())
}

fn targets(root: &Path) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(CRATE).join("corpus"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Builds the driver; the target is named so that the flags do not reach what runs while building.
fn build(dir: &Path) -> Outcome<PathBuf> {
    let version = Command::new("rustc").arg("-vV").output()?;
    let version = String::from_utf8(version.stdout)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc does not tell its host")?;
    let dir = dir.join("build");
    let status = workspace::cargo()
        .args([
            "build",
            "--release",
            "-p",
            "oarlock-fuzz",
            "--bin",
            "oarlock-fuzz",
            "--features",
            "coverage",
            "--target",
            host,
            "--target-dir",
        ])
        .arg(&dir)
        .args(PROFILE.iter().flat_map(|setting| ["--config", setting]))
        .env("RUSTFLAGS", FLAGS)
        .status()?;
    if !status.success() {
        return Err("the driver cannot be built".into());
    }
    Ok(dir.join(host).join("release/oarlock-fuzz"))
}
