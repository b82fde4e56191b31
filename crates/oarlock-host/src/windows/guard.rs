//! A guard for a program and everything it starts: when the parent ends, however it ends, they are ended too. It is a job object that the system
//! ends with its last handle (`JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE`), and the parent holds the only one.

use std::io;
use std::os::windows::io::AsRawHandle;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::time::Duration;

use win32job::{ExtendedLimitInfo, Job};

use super::children;

/// A program that was started under guard. Dropped, it is ended with everything that it has started.
#[derive(Debug)]
pub struct Guarded {
    program: Child,
    /// Its end is the end of all that are in it.
    job: Option<Job>,
}

/// Starts the command under guard. What it starts in its first moment, before it is in the job, is not covered.
///
/// # Errors
/// The system has no job object left, or the command cannot be started; nothing is left behind.
pub fn spawn(mut command: Command) -> io::Result<Guarded> {
    children::lead_group(&mut command);
    let mut limits = ExtendedLimitInfo::new();
    limits.limit_kill_on_job_close();
    let job = Job::create_with_limit_info(&limits).map_err(io::Error::other)?;
    let mut program = command.spawn()?;
    if let Err(error) = job.assign_process(program.as_raw_handle() as isize) {
        let _ = program.kill();
        let _ = program.wait();
        return Err(io::Error::other(error));
    }
    Ok(Guarded { program, job: Some(job) })
}

impl Guarded {
    /// The program's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// The parent's ends of the streams that were asked for as pipes; each is given once.
    pub fn streams(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.program.stdin.take(), self.program.stdout.take(), self.program.stderr.take())
    }

    /// Whether the program itself has ended; what it has started may still run.
    pub fn has_ended(&mut self) -> bool {
        children::has_ended(&mut self.program)
    }

    /// Asks the program and its group to end.
    pub fn terminate_group(&mut self) {
        // It fails when there is none left.
        let _ = children::terminate_group(self.program.id());
    }

    /// As [`Guarded::terminate_group`]: who is not in the group hears nothing.
    pub fn terminate_all(&mut self) {
        self.terminate_group();
    }

    /// Ends the program and everything that it has started.
    pub fn kill_all(&mut self) {
        drop(self.job.take());
    }

    /// Whether the program has ended. The system does not report the others; they end with [`Guarded::collect`].
    pub fn all_ended_within(&mut self, _time: Duration) -> bool {
        self.has_ended()
    }

    /// Ends the rest, and shows how the program ended. A program that is still running is ended too.
    ///
    /// # Errors
    /// The system does not know the program.
    pub fn collect(mut self) -> io::Result<ExitStatus> {
        self.kill_all();
        self.program.wait()
    }
}
