//! `cargo xtask scripts --race`: old scripts and agents of a store take tasks of one project at the same time. Every task must run on one
//! side only, and every completion must be in the store and in the files at the end.

mod oracle;
mod ours;
mod shared;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::process::children::die_with_parent;

use super::shared::{WORKER as SCRIPTS_WORKER, call};
use crate::output::{Outcome, say, warn};
use crate::{python, workspace};

use ours::Door as _;
pub(super) use ours::work;
use shared::{Locking, Place};

/// The name of our workers, as the first argument after that of the scripts.
pub(super) const WORKER: &str = "race";

/// The old scripts, by what they do and their names.
const OLD: [(&str, &str); 4] = [("planner", "planner"), ("ralf", "executor-1"), ("ralf", "executor-2"), ("bb5", "bb5-1")];
/// Agents of ours: the door by which each of them takes tasks, and its name.
const OURS: [(&str, &str); 6] =
    [("claim", "o-claim-1"), ("claim", "o-claim-2"), ("once", "o-once"), ("work", WORK), ("mcp", "o-mcp"), ("python", "o-python")];
/// The worker that goes on until it is ended.
const WORK: &str = "o-work";
/// Pending tasks below which the planner adds more.
const LOW: usize = 8;
/// How long the remaining tasks may take to be done at the end.
const DRAIN_WITHIN: Duration = Duration::from_secs(60);
/// How long workers may take to end after they were asked to.
const STOP_WITHIN: Duration = Duration::from_secs(90);

/// The arguments that only a race gets.
#[derive(clap::Args)]
pub(crate) struct RaceArguments {
    /// How long a task takes, in seconds: one race for each.
    #[arg(long, value_name = "S,S,…", value_delimiter = ',', value_parser = task_time, default_value = "0.5,2,5", requires = "race")]
    task_time: Vec<String>,
    /// How the old scripts choose a task: under the lock; before they take it, as those of the project do; without one. In the last
    /// two cases what cannot be closed from our side is counted and does not fail.
    #[arg(long, value_enum, default_value_t = Locking::Locked, requires = "race")]
    old: Locking,
    /// The projects stay in this folder, with their ledgers.
    #[arg(long, value_name = "DIR", requires = "race")]
    keep: Option<PathBuf>,
}

/// A time as `sleep` reads it.
fn task_time(text: &str) -> Result<String, String> {
    let is_time = text.parse::<f64>().is_ok_and(|time| (0.0..3600.0).contains(&time));
    if is_time { Ok(text.to_owned()) } else { Err("seconds, less than an hour".to_owned()) }
}

/// The tasks of the race.
pub(super) struct Race {
    pub(super) seconds: u64,
    /// How long a task takes, as `sleep` reads it.
    pub(super) task_times: Vec<String>,
    pub(super) locking: Locking,
    /// A folder in which the projects stay, to be looked at.
    keep: Option<PathBuf>,
}

impl Race {
    /// The race that the arguments ask for.
    ///
    /// # Errors
    /// The folder cannot be named.
    pub(super) fn new(seconds: u64, arguments: &RaceArguments) -> Outcome<Self> {
        let keep = arguments.keep.as_ref().map(std::path::absolute).transpose()?;
        Ok(Self { seconds, task_times: arguments.task_time.clone(), locking: arguments.old, keep })
    }

    /// Runs it once for each task time.
    ///
    /// # Errors
    /// A worker that cannot be started, or a task that ran twice or was lost where the old scripts take their lock.
    pub(super) fn run(&self) -> Outcome<()> {
        let mut failed = Vec::new();
        for task_time in &self.task_times {
            if let Err(error) = self.run_once(task_time) {
                failed.push(format!("tasks of {task_time} s: {error}"));
            }
        }
        if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
    }

    fn run_once(&self, task_time: &str) -> Outcome<()> {
        let dir = tempfile::tempdir()?;
        let root = self.keep.as_ref().map_or_else(|| dir.path().to_owned(), |keep| keep.join(format!("race-{task_time}")));
        let place = Place::make(&root, task_time, self.locking)?;
        call(&place.program, &place.root, &["ralf", "attach", "."])?;
        let python = python::with_package()?;
        let begun = Instant::now();
        let mut watch = place.start(place.oarlock(&["ralf", "sync", ".", "--watch", "-q"]).stdout(Stdio::null()))?;
        let mut workers = Vec::new();
        for (role, name) in OLD {
            workers.push((name, place.start(&mut place.old(role, name))?));
        }
        for (door, name) in OURS {
            let mut command = match (door, &python) {
                ("python", None) => {
                    say("race: there is no Python 3.9 with venv. The agent of the Python package does not take part.");
                    continue;
                }
                ("python", Some(python)) => place.python(python, name),
                _ => place.ours(door, name)?,
            };
            workers.push((name, place.start(&mut command)?));
        }
        let mut run = place.start(&mut place.run_of_parts()?)?;
        thread::sleep(Duration::from_secs(self.seconds));
        let mut faults = Vec::new();
        // The worker that is ended in the middle of a task comes last, so that nobody takes the task before that is written down.
        let (last, first): (Vec<_>, Vec<_>) = workers.into_iter().partition(|(name, _)| *name == WORK);
        for (stop, workers) in [("stop", first), ("stop-work", last)] {
            fs::write(place.root.join(stop), "")?;
            for (name, child) in workers {
                faults.extend(ended(name, child)?);
            }
        }
        if wait(&mut run, STOP_WITHIN)?.is_none() {
            faults.push("the run of parts did not end".to_owned());
        }
        let seconds = begun.elapsed().as_secs_f64();
        end(&mut watch)?;
        place.settle(&mut faults)?;
        oracle::check(&place, self.locking, seconds, faults)
    }
}

impl Place {
    fn make(root: &Path, task_time: &str, locking: Locking) -> Outcome<Self> {
        let communications = root.join(".autonomous/agents/communications");
        for folder in
            ["tasks/active/TASK-PARTS", "tasks/completed", "tasks/working"].map(|name| root.join(name)).iter().chain([&communications])
        {
            fs::create_dir_all(folder)?;
        }
        fs::write(communications.join("events.yaml"), "events:\n")?;
        let beats = "heartbeats:\n  executor:\n    last_seen: '2026-02-01T13:37:14Z'\n    status: running\n";
        fs::write(communications.join("heartbeat.yaml"), format!("{beats}metadata:\n  timeout_seconds: 120\n"))?;
        fs::write(root.join("ledger"), "")?;
        fs::write(root.join("old.sh"), include_str!("race/old.sh"))?;
        fs::write(root.join("work.sh"), include_str!("race/work.sh"))?;
        fs::write(root.join("ours.py"), include_str!("race/ours.py"))?;
        fs::write(root.join("tasks/active/TASK-PARTS/task.md"), PARTS.to_owned() + &CONTEXT.repeat(40))?;
        let mut queue = "queue:\n".to_owned();
        for n in 1..=LOW * 2 {
            // Of both forms, as the planner goes on.
            queue.push_str(&if n % 2 == 0 {
                format!("  - id: \"TASK-{n}\"\n    title: \"Task {n}\"\n    status: \"pending\"\n    notes: \"x\"\n")
            } else {
                format!("  - task_id: TASK-{n}\n    priority: high\n    status: pending\n    notes: \"x\"\n")
            });
            if n % 4 != 1 {
                let folder = root.join(format!("tasks/active/TASK-{n}"));
                fs::create_dir_all(&folder)?;
                fs::write(folder.join("task.md"), format!("# TASK-{n}: a task\n\n**Status:** pending\n\n## Objective\n\nDo it.\n"))?;
            }
        }
        fs::write(communications.join("queue.yaml"), queue)?;
        let program = workspace::program()?;
        Ok(Self { root: root.to_owned(), program, task_time: task_time.to_owned(), locking })
    }

    fn oarlock(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.root).env_remove("OARLOCK_AGENT");
        command
    }

    fn old(&self, role: &str, name: &str) -> Command {
        let mut command = Command::new("bash");
        command.arg(self.root.join("old.sh")).args([role, name]).arg(&self.root).env("LOCKING", self.locking.word());
        command.env("LOW", LOW.to_string());
        command
    }

    fn python(&self, python: &Path, name: &str) -> Command {
        let mut command = Command::new(python);
        command.arg(self.root.join("ours.py")).arg(name).arg(&self.root).arg(&self.task_time).env_remove("OARLOCK_AGENT");
        command
    }

    fn ours(&self, door: &str, name: &str) -> Outcome<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([SCRIPTS_WORKER, WORKER, door, name]).arg(&self.root).arg(&self.program).arg(&self.task_time);
        Ok(command)
    }

    /// `oarlock run` on a task with a file: its parts are worked on by two workers, and their files are made beside it.
    fn run_of_parts(&self) -> Outcome<Command> {
        let mut command = self.oarlock(&["run", "TASK-PARTS", "--agents", "2", "-q", "--", "bash", "work.sh", "run", "o-run"]);
        command.arg(&self.root).stdout(Stdio::null());
        Ok(command)
    }

    fn start(&self, command: &mut Command) -> Outcome<Child> {
        command.env("TASK_TIME", &self.task_time).stdin(Stdio::null()).stderr(Stdio::piped());
        die_with_parent(command);
        Ok(command.spawn()?)
    }

    /// Undone tasks are done now by an agent of ours, so that a task that nobody can get is seen; then files and store are brought
    /// together.
    fn settle(&self, faults: &mut Vec<String>) -> Outcome<()> {
        let begun = Instant::now();
        self.brought_together()?;
        let mut drain = ours::cli(&self.program, &self.root, "drain")?;
        while let Some(task) = drain.claim("2s")? {
            ours::note(&self.root, "start", "drain", "drain", &task)?;
            drain.finish("done", &task)?;
            ours::note(&self.root, "done", "drain", "drain", &task)?;
            if begun.elapsed() > DRAIN_WITHIN {
                faults.push(format!("tasks were left after {} s", DRAIN_WITHIN.as_secs()));
                break;
            }
        }
        self.brought_together()?;
        // Everything was reported: a second pass finds nothing.
        let again = self.brought_together()?;
        for side in ["imported", "exported"] {
            if again[side].as_object().is_some_and(|counts| !counts.is_empty()) {
                faults.push(format!("a second sync still {side} {}", again[side]));
            }
        }
        Ok(())
    }

    fn brought_together(&self) -> Outcome<serde_json::Value> {
        Ok(serde_json::from_str(&call(&self.program, &self.root, &["ralf", "sync", "."])?)?)
    }
}

/// A task that splits into four parts, which need nothing of each other.
const PARTS: &str = "# TASK-PARTS: Implement the readers

**Status:** pending

## Objective

Four readers, each with its own file.

## Implementation Plan

### Component 1: Implement the reader of users (60 minutes)

- Create `src/users.py`
- A line that is damaged hides no other

### Component 2: Implement the reader of roles (60 minutes)

- Create `src/roles.py`
- A line that is damaged hides no other

### Component 3: Implement the reader of mails (60 minutes)

- Create `src/mails.py`
- A line that is damaged hides no other

### Component 4: Implement the reader of logs (60 minutes)

- Create `src/logs.py`
- A line that is damaged hides no other

## Context

";

/// Makes that task large enough to be split at all.
const CONTEXT: &str = "The names are those of the old system, and stay.\n";

/// Waits for a worker's end; `None` when it does not come.
fn wait(child: &mut Child, within: Duration) -> Outcome<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > within {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The fault of a worker's end.
fn ended(name: &str, mut child: Child) -> Outcome<Option<String>> {
    let status = wait(&mut child, STOP_WITHIN)?;
    let said = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&said.stderr).trim().lines().last().unwrap_or_default().to_owned();
    Ok(match status {
        None => Some(format!("{name} did not end: {said}")),
        Some(status) if !status.success() => Some(format!("{name} ended with {status}: {said}")),
        Some(_) => None,
    })
}

/// Ends a program that goes on until it is ended.
fn end(child: &mut Child) -> Outcome<()> {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), rustix::process::Signal::TERM)?;
    if wait(child, STOP_WITHIN)?.is_none() {
        warn("the watching sync had to be killed");
    }
    Ok(())
}
