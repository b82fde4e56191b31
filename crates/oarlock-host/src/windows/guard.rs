//! A guard for a child and everything it starts: when the parent ends, however it ends, they are ended too. It is a job object that the system
//! ends with its last handle (`JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE`), and the parent holds the only one.

use std::io;
use std::os::windows::io::AsRawHandle;
use std::process::{Child, Command};

use win32job::{ExtendedLimitInfo, Job};

use super::children;

/// The parent's handle: dropped, it ends the child and what it started; [`Guard::dismiss`] does not.
#[derive(Debug)]
pub struct Guard {
    job: Job,
}

impl Guard {
    /// Takes the child that was started into care. What it has started before this call is not covered: call it at once.
    ///
    /// # Errors
    /// The system refuses.
    pub fn cover(&mut self, child: &Child) -> io::Result<()> {
        self.job.assign_process(child.as_raw_handle() as isize).map_err(io::Error::other)
    }

    /// Nobody is ended.
    pub fn dismiss(self) {
        // Should it fail, what the child left behind is ended with the job, which is not worse.
        let _ = self.job.set_extended_limit_info(&ExtendedLimitInfo::new());
    }
}

/// Prepares the care for a child, which begins with [`Guard::cover`].
///
/// # Errors
/// The system has no job object left.
pub fn guard_group(command: &mut Command) -> io::Result<Guard> {
    children::lead_group(command);
    let mut limits = ExtendedLimitInfo::new();
    limits.limit_kill_on_job_close();
    Job::create_with_limit_info(&limits).map(|job| Guard { job }).map_err(io::Error::other)
}
