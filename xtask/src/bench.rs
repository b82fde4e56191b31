//! `cargo xtask bench`: compares Oarlock with a bare floor, in one run on one machine. Ratios count; absolute
//! numbers are small print. Built without optimisation, it builds itself and the program anew and hands over.

mod cold;
mod crew;
mod floor;
mod gateway;
mod hook;
mod inprocess;
mod measure;
mod os;
mod ours;
mod processes;
mod ralf;
mod scale;
mod side;
mod splitting;
mod table;
mod wakeup;
mod worker;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::output::{Outcome, say, warn};
use crate::workspace;
use table::Row;

pub(crate) use worker::run as work;

/// The hidden command by which a bench starts itself again as another process.
pub(crate) const WORKER: &str = "bench-worker";

/// One bench: its name, what it is about, and how it runs.
type Entry = (&'static str, &'static str, fn(&Bench) -> Outcome<Vec<Row>>);

/// Every bench, in the order of the table.
const BENCHES: &[Entry] = &[
    ("size", "size of the program, packages it is built from", cold::size),
    ("cold", "a one-shot claim beside the floor's and beside `true`", cold::cold),
    ("hook", "the hooks around a tool beside a cold check", hook::hook),
    ("syncs", "syncs of a cold and of a warm claim", cold::syncs),
    ("single", "claim and done in process", inprocess::single),
    ("batch", "many claims in one call", inprocess::batch),
    ("heartbeat", "a heartbeat that renews 100 leases", inprocess::heartbeat),
    ("processes", "8 and 64 processes on one store", processes::processes),
    ("lanes", "8 and 64 command lines side by side", processes::lanes),
    ("wakeup", "from a commit to the claim that waited for it", wakeup::wakeup),
    ("idle", "what waiting costs", wakeup::idle),
    ("scale", "a thousand tasks against very many: time and memory", scale::scale),
    ("split", "splitting documents: many, a large one, hostile ones", splitting::splitting),
    ("gateway", "64 clients of a gateway beside a bare loop that commits in groups", gateway::throughput),
    ("watchers", "a thousand idle streams of events, and waking a waiter by HTTP", gateway::watchers),
    ("ralf", "discover, split and sync from Python, beside PyYAML on files", ralf::ralf),
    ("log", "bytes of log that the life of a task leaves", scale::log),
];

/// What every bench is told.
pub(super) struct Bench {
    /// Whether small numbers are enough.
    quick: bool,
    /// Where stores are made.
    dir: PathBuf,
    /// The program that users run.
    program: PathBuf,
}

impl Bench {
    fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// A new folder that is gone when it is dropped.
    fn fresh_dir(&self) -> Outcome<TempDir> {
        Ok(tempfile::Builder::new().prefix("oarlock-bench-").tempdir_in(&self.dir)?)
    }

    /// The program that users run.
    ///
    /// # Errors
    /// It was not built.
    fn program(&self) -> Outcome<&Path> {
        if self.program.is_file() {
            return Ok(&self.program);
        }
        Err(format!("{} is not built", self.program.file_name().unwrap_or_default().to_string_lossy()).into())
    }

    /// A call of the program that users run, in the project at `root`.
    ///
    /// # Errors
    /// It was not built.
    fn oarlock(&self, root: &Path, arguments: &[&str]) -> Outcome<Command> {
        let mut command = plain(self.program()?, root);
        command.args(arguments);
        Ok(command)
    }
}

/// A command that inherits nothing by which it could act differently from one machine to the next.
fn plain(program: &Path, root: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", root).current_dir(root);
    command
}

/// Runs the benches that are named, or all.
///
/// # Errors
/// An argument that is none, or the build fails. What cannot be measured is a row that says so.
pub(crate) fn run(arguments: &[String]) -> Outcome<()> {
    if arguments.iter().any(|argument| argument == "--help") {
        help();
        return Ok(());
    }
    if cfg!(debug_assertions) {
        return hand_over(arguments);
    }
    let (bench, chosen) = parse(arguments)?;
    let mut rows = Vec::new();
    for (name, _, measure) in chosen {
        warn(format_args!("{name} …"));
        rows.extend(measure(&bench).unwrap_or_else(|error| vec![Row::missing(*name, error)]));
    }
    say(table::render(&rows).trim_end());
    Ok(())
}

fn parse(arguments: &[String]) -> Outcome<(Bench, Vec<&'static Entry>)> {
    let program = workspace::target_dir()?.join("release").join("oarlock");
    let mut bench = Bench { quick: false, dir: std::env::temp_dir(), program };
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => bench.quick = true,
            "--dir" => bench.dir = arguments.next().ok_or("--dir needs a folder")?.into(),
            "--program" => bench.program = arguments.next().ok_or("--program needs a file")?.into(),
            name => chosen.push(find(name)?),
        }
    }
    if chosen.is_empty() {
        chosen = BENCHES.iter().collect();
    }
    Ok((bench, chosen))
}

fn find(name: &str) -> Outcome<&'static Entry> {
    let found = BENCHES.iter().find(|(known, ..)| *known == name);
    found.ok_or_else(|| format!("there is no bench {name}; --help lists them").into())
}

fn help() {
    say("usage: cargo xtask bench [NAME…] [--quick] [--dir FOLDER] [--program FILE]\n");
    for (name, about, _) in BENCHES {
        say(format_args!("  {name:<12}{about}"));
    }
}

/// Measures are worth nothing without optimisation: builds what users get and goes on there.
fn hand_over(arguments: &[String]) -> Outcome<()> {
    // A wrong argument is worth no build.
    parse(arguments)?;
    let mut build = workspace::cargo();
    build.args(["build", "--release", "--package", "xtask"]);
    if !arguments.iter().any(|argument| argument == "--program") {
        build.args(["--package", "oarlock"]);
    }
    if !build.status()?.success() {
        return Err("the release build failed".into());
    }
    let optimised = workspace::target_dir()?.join("release").join("xtask");
    let status = Command::new(optimised).arg("bench").args(arguments).status()?;
    if status.success() { Ok(()) } else { Err("the bench failed".into()) }
}
