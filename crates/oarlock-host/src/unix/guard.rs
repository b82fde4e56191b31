//! A guard for a program and everything it starts: when the parent ends, however it ends, or says so, all of that is ended. The kernel alone
//! kills only a child ([`super::children::die_with_parent`]); what that has started would go on working beside anyone who gets its task next.
//!
//! The guard is a process without a program of its own: the copy of the parent that `spawn` makes becomes the guard, and a copy of that
//! copy becomes the program. So the guard is the program's parent. On Linux it also adopts whatever loses its parent below it
//! (`PR_SET_CHILD_SUBREAPER`), so that a program that made a session of its own (setsid(1), daemons, detached children) is found too. Elsewhere
//! it knows the program's process group only.
//!
//! It has nothing open but the ends of two pipes: on the `line` the parent gives its orders, and its end is the parent's end; on the other
//! the guard reports the program's number and how it ended. What it does is in `post`.

mod post;
#[cfg(target_os = "linux")]
mod tree;

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::children;
use post::Order;

/// Bytes of a number that the guard reports.
const NUMBER_BYTES: usize = size_of::<libc::c_int>();

/// A program that was started under guard. Dropped, it is killed (SIGKILL) with everything below it.
#[derive(Debug)]
pub struct Guarded {
    /// The guard, our child.
    guard: Child,
    /// The program's pid, and its group.
    program: u32,
    line: PipeWriter,
    told: PipeReader,
    /// Bytes of the status that came so far.
    begun: Vec<u8>,
    /// How the program ended.
    status: Option<ExitStatus>,
    /// The guard has nothing more to report: it has ended.
    is_alone: bool,
    is_collected: bool,
}

/// Starts the command under guard, as the leader of a group of its own. It ends (SIGKILL) with the calling process, however that ends, and
/// so does everything that it has started, on Linux also what has left the group or its session. Exit codes, signals and streams are those of the program.
///
/// # Errors
/// There is no pipe to be had, or the command cannot be started; nothing is left behind.
pub fn spawn(mut command: Command) -> io::Result<Guarded> {
    let (orders, line) = io::pipe()?;
    let (told, telling) = io::pipe()?;
    let in_child = move || post::guard(orders.as_raw_fd(), telling.as_raw_fd());
    #[expect(unsafe_code, reason = "the closure makes only system calls and allocates nothing, as needed after a fork")]
    // SAFETY: see the reason; the ends of pipes that it owns are closed by exec.
    unsafe {
        command.pre_exec(in_child);
    }
    let guard = command.spawn()?;
    // With the command go our copies of the guard's ends: else its end would never be seen.
    drop(command);
    let mut guarded = Guarded { guard, program: 0, line, told, begun: Vec::new(), status: None, is_alone: false, is_collected: false };
    let mut number = [0; NUMBER_BYTES];
    guarded.told.read_exact(&mut number)?;
    guarded.program = u32::try_from(libc::c_int::from_ne_bytes(number)).map_err(io::Error::other)?;
    Ok(guarded)
}

impl Guarded {
    /// The program's pid.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.program
    }

    /// The parent's ends of the streams that were asked for as pipes; each is given once.
    pub fn streams(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.guard.stdin.take(), self.guard.stdout.take(), self.guard.stderr.take())
    }

    /// Whether the program itself has ended; what it has started may still run.
    pub fn has_ended(&mut self) -> bool {
        self.hear(Duration::ZERO);
        self.status.is_some() || self.is_alone
    }

    /// Asks (SIGTERM) the program and its group to end.
    pub fn terminate_group(&mut self) {
        self.order(Order::TerminateGroup);
    }

    /// Asks (SIGTERM) everything below the guard to end.
    pub fn terminate_all(&mut self) {
        self.order(Order::TerminateAll);
    }

    /// Kills (SIGKILL) everything below the guard.
    pub fn kill_all(&mut self) {
        self.order(Order::KillAll);
    }

    /// Waits until everything below the guard has ended, at most this long. Whether it has.
    pub fn all_ended_within(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            self.hear(left);
            if self.is_alone || left.is_zero() {
                return self.is_alone;
            }
        }
    }

    /// Kills the rest, and shows how the program ended. A program that is still running is killed too.
    ///
    /// # Errors
    /// The kernel does not know the guard.
    pub fn collect(mut self) -> io::Result<ExitStatus> {
        let guard = self.end()?;
        // A guard that was killed could know nothing; its program was killed with it.
        Ok(self.status.unwrap_or(guard))
    }

    fn end(&mut self) -> io::Result<ExitStatus> {
        self.kill_all();
        let status = self.guard.wait()?;
        self.is_collected = true;
        self.hear(Duration::ZERO);
        if self.status.is_none() && self.program != 0 {
            // Nobody is left who could end the program's group. It fails when there is none.
            let _ = children::kill_group(self.program);
        }
        Ok(status)
    }

    fn order(&mut self, order: Order) {
        // A guard that has ended has ended everything.
        let _ = self.line.write_all(&[order as u8]);
    }

    /// Takes what the guard reports, waiting at most this long for it.
    fn hear(&mut self, time: Duration) {
        let mut time = time;
        while !self.is_alone && self.has_something_within(time) {
            let mut chunk = [0; NUMBER_BYTES];
            match self.told.read(&mut chunk) {
                Ok(0) => self.is_alone = true,
                Ok(read) => self.begun.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.is_alone = true,
            }
            if let Some(number) = self.begun.first_chunk() {
                self.status = Some(ExitStatus::from_raw(libc::c_int::from_ne_bytes(*number)));
            }
            // The rest is there or not.
            time = Duration::ZERO;
        }
    }

    fn has_something_within(&self, time: Duration) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.told.as_fd(), PollFlags::IN)];
        let time = Timespec::try_from(time).ok();
        match poll(&mut fds, time.as_ref()) {
            Ok(ready) => ready > 0,
            Err(Errno::INTR) => false,
            // The reading reports the fault.
            Err(_) => true,
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if !self.is_collected {
            let _ = self.end();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
