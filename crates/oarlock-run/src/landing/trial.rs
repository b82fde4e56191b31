//! Running the test of a candidate: in a worktree of its own, ended with everything that it has started, and repeated once when it fails.

use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use oarlock_git::merge::{MergeRepository, TestTree};
use oarlock_host::process::guard;
use oarlock_model::landing::ObjectId;
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;

use super::known::Known;
use super::report::git_failed;
use crate::capture::Capture;
use crate::child::ending;
use crate::signals::Signals;

/// Bytes of a test's output that are kept: its end.
const OUTPUT_BYTES_MAX: usize = 8 << 10;
/// How often a running test is looked after.
const SLICE: Duration = Duration::from_millis(100);
/// How long the streams of a test may stay open after it has ended.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// The test of a queue: its command, the trees that have passed it, and a worktree for each slot.
#[derive(Debug)]
pub(super) struct Tests {
    pub(super) command: String,
    pub(super) known: Known,
    trials: Vec<Trial>,
}

/// One slot: a test, and where it runs.
#[derive(Debug)]
struct Trial {
    test: String,
    timeout: Duration,
    tree: TestTree,
}

/// Whether a signal came: it is taken once, and all slots have to see it.
struct Stop<'a> {
    signals: &'a Signals,
    came: AtomicBool,
}

impl Stop<'_> {
    fn came(&self) -> bool {
        if self.signals.taken() {
            self.came.store(true, Ordering::SeqCst);
        }
        self.came.load(Ordering::SeqCst)
    }
}

impl Tests {
    /// The test of a queue, in this many slots below `dir`.
    pub(super) fn new(repository: &MergeRepository, dir: &Path, known: Known, test: &str, timeout: Duration, slots: usize) -> Self {
        let trial = |slot| Trial { test: test.to_owned(), timeout, tree: TestTree::new(repository, dir.join(format!("tree-{slot}"))) };
        Self { command: test.to_owned(), known, trials: (0..slots.max(1)).map(trial).collect() }
    }

    /// How many candidates can be tested at once.
    pub(super) fn slots(&self) -> usize {
        self.trials.len()
    }

    /// Tests one commit. A failure is repeated once where that is asked for.
    pub(super) fn judge(&self, commit: &ObjectId, repeats: bool, signals: &Signals) -> Result<Verdict, OpError> {
        let stop = Stop { signals, came: AtomicBool::new(false) };
        self.trials.first().map_or(Ok(Verdict::Interrupted), |trial| trial.judge(commit.as_str(), repeats, &stop))
    }

    /// Tests commits side by side, at most one in each slot.
    pub(super) fn judge_all(&self, commits: &[&ObjectId], signals: &Signals) -> Result<Vec<Verdict>, OpError> {
        let stop = &Stop { signals, came: AtomicBool::new(false) };
        // Git makes one worktree after the other.
        let running = self.trials.iter().zip(commits).map(|(trial, commit)| trial.check_out(commit.as_str()).map(|()| (trial, commit)));
        let running: Vec<_> = running.collect::<Result<_, _>>()?;
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                running.into_iter().map(|(trial, commit)| scope.spawn(move || trial.judge(commit.as_str(), false, stop))).collect();
            let panicked = |_| OpError::Internal("a thread that ran a test has panicked".into());
            threads.into_iter().map(|thread| thread.join().map_err(panicked)?).collect()
        })
    }

    /// Removes the worktrees.
    pub(super) fn clean_up(&self) {
        self.trials.iter().for_each(|trial| trial.tree.remove());
    }
}

/// The outcome of one candidate's test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed {
        runs: u32,
        is_flaky: bool,
    },
    Failed {
        runs: u32,
        how: String,
        output: String,
    },
    /// A signal came meanwhile.
    Interrupted,
}

enum Run {
    Ended(ExitStatus, String),
    TimedOut(String),
    Interrupted,
}

impl Trial {
    fn check_out(&self, commit: &str) -> Result<(), OpError> {
        self.tree.check_out(commit).map_err(|error| git_failed("the candidate cannot be checked out for its test", &error))
    }

    /// Tests a commit. A failure is repeated once on the same tree where that is asked for; a test that did not end is not.
    fn judge(&self, commit: &str, repeats: bool, stop: &Stop<'_>) -> Result<Verdict, OpError> {
        let mut runs = 0;
        loop {
            self.check_out(commit)?;
            runs += 1;
            match self.run(stop)? {
                Run::Interrupted => return Ok(Verdict::Interrupted),
                Run::TimedOut(output) => {
                    return Ok(Verdict::Failed { runs, how: format!("it did not end within {} s", self.timeout.as_secs()), output });
                }
                Run::Ended(status, _) if status.success() => return Ok(Verdict::Passed { runs, is_flaky: runs > 1 }),
                Run::Ended(status, output) if runs > 1 || !repeats => return Ok(Verdict::Failed { runs, how: ending(status), output }),
                Run::Ended(..) => {}
            }
        }
    }

    fn run(&self, stop: &Stop<'_>) -> Result<Run, OpError> {
        let failed = |error: io::Error| {
            let message = format!("the test cannot be started: {error}");
            OpError::from(StoreError::Unavailable { message, hint: "is there a shell (sh)?".into() })
        };
        let (mut reader, writer) = io::pipe().map_err(failed)?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(&self.test).current_dir(self.tree.dir()).stdin(Stdio::null());
        command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
        // It is the repository of its directory, and its own caller: neither the git nor the agent that we were started by.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("GIT_") || name.starts_with("OARLOCK_")) {
                command.env_remove(name);
            }
        }
        let mut guarded = guard::spawn(command).map_err(failed)?;
        let (sender, closed) = channel();
        std::thread::spawn(move || {
            let mut capture = Capture::new(0, OUTPUT_BYTES_MAX);
            let mut chunk = vec![0; 64 << 10];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                capture.push(chunk.get(..read).unwrap_or_default());
            }
            // Nobody listens any more when what holds the stream is not ours.
            let _ = sender.send(capture);
        });
        let begun = Instant::now();
        let mut capture = None;
        let mut stopped = None;
        loop {
            match closed.recv_timeout(SLICE) {
                Ok(all) => capture = Some(all),
                Err(RecvTimeoutError::Timeout) => {}
                // Its streams are closed, and it goes on.
                Err(RecvTimeoutError::Disconnected) => std::thread::park_timeout(SLICE / 20),
            }
            if guarded.has_ended() {
                break;
            }
            let is_interrupted = stop.came();
            if is_interrupted || begun.elapsed() >= self.timeout {
                stopped = Some(is_interrupted);
                guarded.kill_all();
                break;
            }
        }
        let status = guarded.collect().map_err(failed)?;
        let capture = capture.or_else(|| closed.recv_timeout(DRAIN_GRACE).ok());
        let output = capture.map(|capture| capture.into_text(2 * OUTPUT_BYTES_MAX)).unwrap_or_default();
        Ok(match stopped {
            Some(true) => Run::Interrupted,
            Some(false) => Run::TimedOut(output),
            None => Run::Ended(status, output),
        })
    }
}
