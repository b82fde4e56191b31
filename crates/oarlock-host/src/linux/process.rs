//! Processes as `/proc` shows them.

use std::io;

use rustix::process::Pid;

use super::{clock, small_file};

/// The facts that we need from one line of `/proc/PID/stat` (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    state: u8,
    /// The pid of its parent; 0 when it has none that can be seen.
    pub(crate) parent: u32,
    threads: u64,
    /// Field 22, in clock ticks since the boot as our time namespace counts it.
    pub(crate) started: u64,
}

impl Stat {
    /// Whether it has ended. A process whose first thread has ended is shown as a zombie too, but the others work on.
    pub(crate) fn has_ended(&self) -> bool {
        match self.state {
            b'X' | b'x' => true,
            b'Z' => self.threads <= 1,
            _ => false,
        }
    }
}

/// The line of the process that has this pid now, if there is one.
pub(crate) fn read(pid: u32) -> io::Result<Option<Stat>> {
    match small_file::read(format!("/proc/{pid}/stat")) {
        Ok(line) => parse(&line).map(Some).ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat is not understood"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // It ended between the opening and the reading.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(None),
        Err(error) => Err(error),
    }
}

/// By how many ticks the starts that we read are ahead of those that the first time namespace of the boot reads. The kernel reports starts in
/// ticks of 1/100 s whatever its own rate (USER_HZ).
pub(crate) fn offset_ticks() -> i64 {
    clock::offset_ns("boottime") / 10_000_000
}

/// A pid namespace made without a new `/proc` sees the pids of the outer one there: they are not ours to judge.
///
/// # Errors
/// It is so, or `/proc` is not mounted.
pub(crate) fn check_view() -> io::Result<()> {
    let link = std::fs::read_link("/proc/self")?;
    if link.to_str().and_then(|pid| pid.parse().ok()) == Some(std::process::id()) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::Unsupported, "/proc shows another pid namespace than the one of this process"))
}

/// Whether there is a process with this pid, also one that `/proc` hides.
pub(crate) fn exists(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

/// The name of the program that it runs: at most 15 bytes.
pub(crate) fn program(pid: u32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned())
}

/// The second field is the name in brackets and may hold anything, brackets and blanks too: the rest starts after
/// the last closing bracket.
fn parse(line: &[u8]) -> Option<Stat> {
    let end_of_name = line.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(&line[end_of_name + 1..]).ok()?;
    // The first of these is field 3.
    let fields: Vec<&str> = rest.split_ascii_whitespace().take(20).collect();
    Some(Stat {
        state: *fields.first()?.as_bytes().first()?,
        parent: fields.get(1)?.parse().ok()?,
        threads: fields.get(17)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_and_bytes_do_not_confuse() {
        let tail = "S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 9876 1 2 3";
        for name in ["cat", "a) R 1 (b", ") S 9", "", "\u{7}"] {
            let stat = parse(format!("42 ({name}) {tail}").as_bytes());
            assert_eq!(stat, Some(Stat { state: b'S', parent: 7, threads: 3, started: 9876 }), "{name}");
        }
        assert!(parse(&[b"1 (\xff) ", tail.as_bytes()].concat()).is_some());
        for line in ["", "1 (a", "1 (a)", "1 (a) S x", "1 (a) S 1 2 3"] {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_zombie_leader_with_threads_has_not_ended() {
        let stat = |state, threads| Stat { state, parent: 1, threads, started: 1 };
        assert!(stat(b'Z', 1).has_ended() && stat(b'Z', 0).has_ended() && stat(b'X', 5).has_ended());
        assert!(!stat(b'Z', 2).has_ended() && !stat(b'T', 1).has_ended() && !stat(b'D', 1).has_ended());
    }
}
