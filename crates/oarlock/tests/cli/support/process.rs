//! Processes of tests: none outlives its test, and none hangs it.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Output};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::Reply;

/// No call takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(90);

/// Kills a process that hangs, so that the test fails instead of waiting for ever.
struct Watchdog {
    _done: Sender<()>,
}

impl Watchdog {
    fn of(child: &Child) -> Self {
        let pid = Pid::from_child(child);
        let (done, waits) = channel::<()>();
        thread::spawn(move || {
            if waits.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        Self { _done: done }
    }
}

/// A call that is being answered. It is killed when the test ends before it does.
pub(crate) struct Running {
    child: Child,
    line: String,
    reader: Option<BufReader<ChildStdout>>,
    _watchdog: Watchdog,
}

impl Running {
    pub(crate) fn new(mut child: Child, line: String) -> Self {
        let reader = child.stdout.take().map(BufReader::new);
        Self { _watchdog: Watchdog::of(&child), child, line, reader }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// The next line that it prints; empty when there is none any more.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.as_mut().expect("it is piped").read_line(&mut line).expect("UTF-8");
        line
    }

    /// No more input comes.
    pub(crate) fn end_input(&mut self) {
        self.child.stdin = None;
    }

    /// Nobody reads what it prints any more.
    pub(crate) fn close(&mut self) {
        self.reader = None;
    }

    /// Waits for its end and returns the rest of what it printed.
    pub(crate) fn output(mut self) -> Output {
        let mut stderr = self.child.stderr.take().expect("it is piped");
        let errors = thread::spawn(move || {
            let mut bytes = Vec::new();
            stderr.read_to_end(&mut bytes).map(|_| bytes)
        });
        let mut stdout = Vec::new();
        if let Some(mut reader) = self.reader.take() {
            reader.read_to_end(&mut stdout).expect("a pipe");
        }
        let status = self.child.wait().expect("it is our child");
        let stderr = errors.join().expect("it only reads").expect("a pipe");
        Output { status, stdout, stderr }
    }

    /// The same as a reply, with its form checked.
    #[track_caller]
    pub(crate) fn reply(self) -> Reply {
        let line = self.line.clone();
        let reply = Reply::of(self.output(), line);
        reply.check_form();
        reply
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
