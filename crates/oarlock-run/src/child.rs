//! One program that works on one task: started in a process group of its own, ended together with what it started, and
//! never left behind.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use oarlock_host::process::guard::{self, Guarded};
use oarlock_host::process::{ProcessId, children};

use crate::observed::Observed;
use crate::profile::Profile;
use crate::progress::Tell;
use crate::signals;
use crate::stdio::{self, Pipes, Printed};

/// How long a program may take to end after SIGTERM.
pub(crate) const TERM_GRACE: Duration = Duration::from_secs(5);
/// How long streams may stay open after the program itself has ended, before what it left behind is ended too.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// The start of a program.
#[derive(Debug, Default)]
pub(crate) struct Start<'a> {
    /// The program and its arguments; not empty.
    pub(crate) command: &'a [OsString],
    /// Environment variables beyond ours.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    /// Those of ours that it does not get.
    pub(crate) removed: Vec<OsString>,
    /// Where it runs; the current directory without it.
    pub(crate) dir: Option<&'a Path>,
    /// Its input.
    pub(crate) input: String,
    /// How its output is read.
    pub(crate) profile: Profile,
}

/// Names the file of a gateway's access key.
const KEY_FILE: &str = "OARLOCK_KEY_FILE";

/// A program that was started and has not been collected yet. Dropped before that, it is killed with everything that it has started.
#[derive(Debug)]
pub(crate) struct Running {
    /// It ends, with all that it has started, when we end, however that comes. Taken away by collecting it.
    guarded: Option<Guarded>,
    process: Option<String>,
    printed: Receiver<Printed>,
    observed: Observed,
    /// Dropped, it ends the thread that moves the streams.
    stop: Option<io::PipeWriter>,
    kill_at: Option<Instant>,
}

impl Running {
    /// Starts the program. It dies with this process, and so does what it has started.
    ///
    /// # Errors
    /// The program cannot be started; nothing is left behind.
    pub(crate) fn start<'scope>(start: Start<'_>, scope: &'scope Scope<'scope, '_>, tell: &'scope dyn Tell) -> io::Result<Self> {
        let (program, arguments) =
            start.command.split_first().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program is named"))?;
        let (stop_reader, stop) = io::pipe()?;
        let mut command = Command::new(program);
        command.args(arguments);
        for name in start.removed {
            command.env_remove(name);
        }
        command.envs(start.variables);
        if let Some(dir) = start.dir {
            command.current_dir(dir);
        }
        // Who supervises may be an operator at a gateway; the program that it runs is not.
        command.env_remove(KEY_FILE);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut guarded = guard::spawn(command)?;
        let (Some(stdin), Some(stdout), Some(stderr)) = guarded.streams() else {
            return Err(io::Error::other("a stream that was asked for is missing"));
        };
        let (sender, printed) = channel();
        let input = start.input;
        let observed = Observed::new(start.profile);
        let heard = observed.clone();
        scope.spawn(move || {
            let all =
                stdio::exchange(Pipes { stdin, stdout, stderr }, input.as_bytes(), stop_reader, &mut |line| tell.output("", line), &heard);
            // Nobody waits for it any more when the program was killed in passing.
            let _ = sender.send(all);
        });
        let process = ProcessId::of(guarded.id()).ok().flatten().map(|process| process.to_text());
        Ok(Self { guarded: Some(guarded), process, printed, observed, stop: Some(stop), kill_at: None })
    }

    /// Its identity, for waiting for its death.
    pub(crate) fn process(&self) -> &[String] {
        self.process.as_slice()
    }

    /// Its output as it comes.
    pub(crate) fn observed(&self) -> &Observed {
        &self.observed
    }

    /// Whether the program itself has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.guarded.as_mut().is_none_or(Guarded::has_ended)
    }

    /// Waits a moment for its end.
    pub(crate) fn rest(&mut self, time: Duration) {
        let until = Instant::now() + time;
        if !self.guarded.as_mut().is_none_or(|guarded| guarded.all_ended_within(time)) {
            // Not every system can wait for all of them.
            thread::sleep(until.saturating_duration_since(Instant::now()));
        }
    }

    /// Asks it and everything that it has started to end, and kills them when [`TERM_GRACE`] has passed and [`Running::kill_if_due`] is
    /// called.
    pub(crate) fn terminate(&mut self) {
        if self.kill_at.is_none() {
            self.order(Guarded::terminate_all);
            self.kill_at = Instant::now().checked_add(TERM_GRACE);
        }
    }

    /// Kills it and everything that it has started.
    pub(crate) fn kill(&mut self) {
        self.order(Guarded::kill_all);
    }

    /// Kills all when the time after [`Running::terminate`] is over; milliseconds until then.
    pub(crate) fn kill_if_due(&mut self) -> Option<i64> {
        let left = self.kill_at?.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.kill();
        }
        Some(crate::duration::ms(left))
    }

    /// Collects it after it [`Running::has_ended`], with what it printed. What it left running, with a session of its own or without, is asked
    /// to end (SIGTERM) once the streams are closed, or after a moment; the rest is killed a moment later. `is_urgent` is asked
    /// meanwhile whether to go straight to the killing.
    ///
    /// # Errors
    /// The kernel does not know the child.
    pub(crate) fn collect(mut self, is_urgent: &dyn Fn() -> bool) -> io::Result<(ExitStatus, Printed)> {
        let printed = self.drain(is_urgent);
        let guarded = self.guarded.take().ok_or_else(|| io::Error::other("it was collected before"))?;
        let status = guarded.collect()?;
        let printed = printed.or_else(|| {
            // Who holds the streams now is not ours: another user's program, or one in another container.
            let printed = self.printed_within(DRAIN_GRACE, &|| false);
            self.stop = None;
            printed.or_else(|| self.printed.recv().ok())
        });
        let printed = printed.ok_or_else(|| io::Error::other("the thread that read its output has ended"))?;
        Ok((status, printed))
    }

    /// Its output, if all its streams are closed when everybody is asked to end.
    fn drain(&mut self, is_urgent: &dyn Fn() -> bool) -> Option<Printed> {
        let mut printed = None;
        if self.kill_at.is_none() {
            printed = self.printed_within(DRAIN_GRACE, is_urgent);
            self.order(Guarded::terminate_all);
            self.kill_at = Instant::now().checked_add(DRAIN_GRACE);
        }
        let until = self.kill_at.unwrap_or_else(Instant::now);
        while !self.guarded.as_mut().is_none_or(|guarded| guarded.all_ended_within(slice_until(until))) {
            if Instant::now() >= until || is_urgent() {
                break;
            }
        }
        printed.or_else(|| self.printed.try_recv().ok())
    }

    fn printed_within(&self, time: Duration, is_urgent: &dyn Fn() -> bool) -> Option<Printed> {
        let until = Instant::now() + time;
        loop {
            match self.printed.recv_timeout(slice_until(until)) {
                Ok(printed) => return Some(printed),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if Instant::now() >= until || is_urgent() => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn order(&mut self, order: fn(&mut Guarded)) {
        if let Some(guarded) = &mut self.guarded {
            order(guarded);
        }
    }
}

/// A piece of a wait until then, short enough to look up in between.
fn slice_until(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).min(Duration::from_millis(200))
}

/// How a program ended, as a failure's reason begins: `exit status 3`, `signal 9 (SIGKILL)`.
pub(crate) fn ending(status: ExitStatus) -> String {
    match (status.code(), children::signal_of(status)) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => match signals::name(signal) {
            Some(name) => format!("signal {signal} ({name})"),
            None => format!("signal {signal}"),
        },
        (None, None) => "an unknown end".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Heard;

    fn run(script: &str, input: &str) -> (ExitStatus, String, String, Heard) {
        let heard = Heard::default();
        let command = ["sh", "-c", script].map(OsString::from);
        let start =
            Start { command: &command, variables: vec![("OARLOCK_TASK", "T-1".into())], input: input.to_owned(), ..Start::default() };
        let (status, printed) = thread::scope(|scope| {
            let mut running = Running::start(start, scope, &heard).expect("sh starts");
            while !running.has_ended() {
                thread::yield_now();
            }
            running.collect(&|| false).expect("it is ours")
        });
        let (output, errors) = printed.into_texts();
        (status, output, errors, heard)
    }

    #[test]
    fn input_goes_in_and_output_comes_out() {
        let (status, output, errors, heard) = run("cat; echo $OARLOCK_TASK; echo one >&2; printf two >&2", "# Title\n");
        assert!(status.success());
        assert_eq!((output.as_str(), errors.as_str()), ("# Title\nT-1", "one\ntwo"));
        assert_eq!(heard.outputs(), ["one", "two"]);
    }

    #[test]
    fn a_program_that_does_not_read_and_prints_much_blocks_nobody() {
        let (status, output, _, _) = run("head -c 3000000 /dev/zero | tr '\\0' x; exit 3", &"y".repeat(3_000_000));
        assert_eq!(ending(status), "exit status 3");
        assert!(output.len() <= limits_of_a_result() && output.contains("bytes left out"), "{}", output.len());
    }

    fn limits_of_a_result() -> usize {
        oarlock_model::limits::BODY_BYTES_MAX
    }

    #[test]
    fn what_a_program_leaves_behind_is_ended_with_it() {
        let (status, output, _, _) = run("exec 3<&0; cat <&3 & sleep 1000 & echo started", "");
        assert!(status.success());
        assert_eq!(output, "started");
    }

    #[test]
    fn a_terminated_program_ends_by_the_signal() {
        let heard = Heard::default();
        let command = ["sh", "-c", "sleep 1000"].map(OsString::from);
        let start = Start { command: &command, ..Start::default() };
        let status = thread::scope(|scope| {
            let mut running = Running::start(start, scope, &heard).expect("sh starts");
            running.terminate();
            while !running.has_ended() {
                thread::yield_now();
            }
            running.collect(&|| false).expect("it is ours").0
        });
        assert_eq!(ending(status), "signal 15 (SIGTERM)");
    }

    #[test]
    fn what_cannot_be_started_leaves_nothing() {
        let heard = Heard::default();
        let command = [OsString::from("/no/such/program")];
        let start = Start { command: &command, ..Start::default() };
        let error = thread::scope(|scope| Running::start(start, scope, &heard).expect_err("it is not there"));
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
