//! Running the test of a candidate: in a worktree of its own, ended with everything that it has started, and repeated once when it fails.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use oarlock_git::merge::{MergeRepository, TestTree};
use oarlock_host::process::guard;
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;

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

/// A test, and where it runs.
#[derive(Debug)]
pub(super) struct Trial {
    test: String,
    timeout: Duration,
    tree: TestTree,
}

/// What became of the test of one candidate.
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
    pub(super) fn new(repository: &MergeRepository, dir: PathBuf, test: String, timeout: Duration) -> Self {
        Self { test, timeout, tree: TestTree::new(repository, dir) }
    }

    /// The command.
    pub(super) fn test(&self) -> &str {
        &self.test
    }

    /// Tests a commit. A failure is repeated once on the same tree; a test that did not end is not.
    pub(super) fn judge(&self, commit: &str, signals: &Signals) -> Result<Verdict, OpError> {
        let mut runs = 0;
        loop {
            self.tree.check_out(commit).map_err(|error| git_failed("the candidate cannot be checked out for its test", &error))?;
            runs += 1;
            match self.run(signals)? {
                Run::Interrupted => return Ok(Verdict::Interrupted),
                Run::TimedOut(output) => {
                    return Ok(Verdict::Failed { runs, how: format!("it did not end within {} s", self.timeout.as_secs()), output });
                }
                Run::Ended(status, _) if status.success() => return Ok(Verdict::Passed { runs, is_flaky: runs > 1 }),
                Run::Ended(status, output) if runs > 1 => return Ok(Verdict::Failed { runs, how: ending(status), output }),
                Run::Ended(..) => {}
            }
        }
    }

    fn run(&self, signals: &Signals) -> Result<Run, OpError> {
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
            let is_interrupted = signals.taken();
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

    /// Removes its worktree.
    pub(super) fn clean_up(&self) {
        self.tree.remove();
    }
}
