//! Processes as `sysinfo` shows them.

use std::io;

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

/// The facts of a process that we need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// The pid of its parent; 0 when it has none that can be seen.
    pub(crate) parent: u32,
    /// Its start, in seconds of Unix time.
    pub(crate) started: u64,
    has_ended: bool,
}

impl Stat {
    /// Whether it has ended and waits to be collected.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }
}

/// The process that has this pid now, if there is one.
///
/// # Errors
/// The system does not show processes, or not this one.
pub(crate) fn read(pid: u32) -> io::Result<Option<Stat>> {
    let stat = look(pid, |process| Stat {
        parent: process.parent().map_or(0, Pid::as_u32),
        started: process.start_time(),
        has_ended: matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead),
    })?;
    // So it is shown where this user may not look: that proves nothing.
    if stat.is_some_and(|stat| stat.started == 0 && !stat.has_ended) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("process {pid} is hidden")));
    }
    Ok(stat)
}

/// Starts are reported alike to all.
pub(crate) fn offset_ticks() -> i64 {
    0
}

/// There is one view of processes for all.
///
/// # Errors
/// None here; the signature is that of all systems.
pub(crate) fn check_view() -> io::Result<()> {
    Ok(())
}

/// Whether there is a process with this pid that [`read`] does not show. One of another user is shown as well.
pub(crate) fn exists(_pid: u32) -> bool {
    false
}

/// The name of the program that it runs, without the ending of programs on Windows.
pub(crate) fn program(pid: u32) -> Option<String> {
    let name = look(pid, |process| process.name().to_string_lossy().into_owned()).ok().flatten()?;
    Some(name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name))
}

fn look<T>(pid: u32, tell: impl FnOnce(&Process) -> T) -> io::Result<Option<T>> {
    let mut system = System::new().map_err(|error| io::Error::other(error.to_string()))?;
    let pid = Pid::from_u32(pid);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
    Ok(system.process(pid).map(tell))
}
