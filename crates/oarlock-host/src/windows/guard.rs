//! A guard for a child and everything it starts: when the parent ends, however it ends, they are ended too. It is a job object that the system
//! ends with its last handle (`JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE`), and the parent holds the only one.

use std::io;
use std::os::windows::io::AsRawHandle;
use std::process::{Child, Command};

use win32job::{ExtendedLimitInfo, Job};

use super::children;

/// The parent's handle: dropped, it ends the child and what it started.
#[derive(Debug)]
pub struct Guard {
    job: Job,
}

impl Guard {
    /// The care ends, and with it whatever the child has left running: without its parent it cannot be found by `taskkill`.
    pub fn dismiss(self) {
        drop(self.job);
    }
}

/// Starts the command with care taken of it. What it starts in its first moment, before it is in the job, is not covered.
///
/// # Errors
/// The system has no job object left, or the command cannot be started; nothing is left behind.
pub fn spawn(command: &mut Command) -> io::Result<(Child, Guard)> {
    children::lead_group(command);
    let mut limits = ExtendedLimitInfo::new();
    limits.limit_kill_on_job_close();
    let job = Job::create_with_limit_info(&limits).map_err(io::Error::other)?;
    let mut child = command.spawn()?;
    if let Err(error) = job.assign_process(child.as_raw_handle() as isize) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(io::Error::other(error));
    }
    Ok((child, Guard { job }))
}
