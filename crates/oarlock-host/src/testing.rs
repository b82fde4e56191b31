//! Real processes for the tests of this crate: the test binary starts itself again in a role, reports in lines what
//! it has reached, and waits until it is ended.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::{fair_lock, notifier, owner, process, shared_state};

const ROLE: &str = "OARLOCK_HOST_TEST_ROLE";
const DIRECTORY: &str = "OARLOCK_HOST_TEST_DIRECTORY";
/// Distinguishes the lines of a role from those of the test harness.
const MARK: &str = "helper: ";

/// A running helper process; killed when dropped.
pub(crate) struct Helper {
    child: Child,
    lines: BufReader<ChildStdout>,
    _stdin: ChildStdin,
}

impl Helper {
    /// Starts a helper and waits for its first line, `ready`.
    pub(crate) fn start(role: &str, directory: &Path) -> Self {
        let binary = std::env::current_exe().expect("a test binary has a path");
        let mut child = Command::new(binary)
            .args(["--exact", "testing::play_a_role", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test binary starts");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        let stdin = child.stdin.take().expect("piped");
        let mut helper = Self { child, lines, _stdin: stdin };
        assert_eq!(helper.line(), "ready");
        helper
    }

    /// Waits for the next line of the role.
    pub(crate) fn line(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).expect("it writes text"), 0, "the helper ended");
            if let Some((_, text)) = line.trim_end().split_once(MARK) {
                return text.to_owned();
            }
        }
    }

    /// Stops it (SIGSTOP) and waits until it is stopped.
    pub(crate) fn stop(&self) {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, Signal::STOP).expect("it is ours");
        let path = format!("/proc/{}/stat", self.child.id());
        while !std::fs::read_to_string(&path).expect("it lives").contains(") T ") {
            std::thread::yield_now();
        }
    }

    /// Kills it (SIGKILL) and waits until it has ended.
    pub(crate) fn kill(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("it is ours");
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tell(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{MARK}{text}").and_then(|()| out.flush()).expect("the parent reads");
}

/// Returns when the parent closes our input or ends.
fn wait_for_the_end() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Does nothing unless started by [`Helper::start`].
#[test]
fn play_a_role() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let directory = std::env::var_os(DIRECTORY).expect("set together");
    let directory = Path::new(&directory);
    match role.as_str() {
        "owner" => {
            let _lock = owner::OwnerLock::acquire(directory, "ada-1").expect("acquires").expect("nobody holds it");
            tell("ready");
            wait_for_the_end();
        }
        "gate" => {
            let mut fair_lock = fair_lock::FairLock::on(shared_state::SharedState::open(&directory.join("board"), true).expect("opens"));
            let _passage = fair_lock.enter(Duration::from_secs(60));
            tell("ready");
            wait_for_the_end();
        }
        "queue" => {
            let mut fair_lock = fair_lock::FairLock::on(shared_state::SharedState::open(&directory.join("board"), true).expect("opens"));
            tell("ready");
            let _passage = fair_lock.enter(Duration::from_secs(600));
            wait_for_the_end();
        }
        "bell" => {
            let shared_state = || shared_state::SharedState::open(&directory.with_extension("board"), true).expect("opens");
            let notifiers = notifier::Notifiers::new(directory, &["mail", "work"], shared_state()).expect("they are names");
            let mut listener = notifier::Listener::new(&notifiers, &["work"], shared_state()).expect("listens");
            tell("ready");
            loop {
                match listener.wait(None, &[]).expect("waits") {
                    // Waits are short on this system.
                    notifier::Woken::Interrupted => {}
                    woken => tell(&format!("{woken:?}")),
                }
            }
        }
        "guardian" => {
            let (_guarded, below) = process::guard::tests::family();
            tell("ready");
            for process in below {
                tell(&process.to_text());
            }
            wait_for_the_end();
        }
        "parent" => {
            tell("ready");
            let mut command = Command::new("sleep");
            process::children::die_with_parent(&mut command);
            let mut child = command.arg("600").stdin(Stdio::null()).spawn().expect("sleep starts");
            tell(&process::ProcessId::of(child.id()).expect("proc is ours").expect("it lives").to_text());
            wait_for_the_end();
            child.kill().and_then(|()| child.wait()).expect("it is ours");
        }
        other => unreachable!("no role {other}"),
    }
}
