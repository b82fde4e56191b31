//! Everything below the calling process, from `/proc`, and signals for it. System calls only: see [`super::post`].

use std::os::fd::RawFd;

use libc::{c_int, c_long, pid_t};

/// The most processes that one look finds. Those who are killed are looked for again.
const FOUND_MAX: usize = 1_024;

/// Sends the signal to all processes below this one. Those in the group `signalled` have it already, and are left out when it is not SIGKILL.
#[expect(unsafe_code, reason = "what is left after a fork is system calls")]
pub(super) unsafe fn signal_below(signal: c_int, signalled: pid_t) {
    // SAFETY: system calls on numbers and on values of this stack.
    unsafe {
        let me = libc::getpid();
        let proc = libc::open(c"/proc".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC);
        if proc == -1 {
            return;
        }
        let mut found = Found { pids: [0; FOUND_MAX], count: 0 };
        // Children may have lower numbers than their parents.
        while found.look(proc, me) {}
        for pid in found.pids.iter().take(found.count).copied() {
            if signal != libc::SIGKILL && signalled != 0 && libc::getpgid(pid) == signalled {
                continue;
            }
            send(proc, pid, signal, me, &found);
        }
        libc::close(proc);
    }
}

/// Signals a process that was found. A child of ours keeps its number until we collect it; any other may have ended since, and
/// its number may be somebody else's: a descriptor of it holds it fast while its parent is looked at again.
#[expect(unsafe_code, reason = "system calls")]
unsafe fn send(proc: RawFd, pid: pid_t, signal: c_int, me: pid_t, found: &Found) {
    // SAFETY: system calls on numbers.
    unsafe {
        if parent_of(proc, pid) == Some(me) {
            libc::kill(pid, signal);
            return;
        }
        let process = libc::syscall(libc::SYS_pidfd_open, c_long::from(pid), 0 as c_long);
        if process == -1 {
            return;
        }
        if parent_of(proc, pid).is_some_and(|parent| parent == me || found.has(parent)) {
            libc::syscall(libc::SYS_pidfd_send_signal, process, c_long::from(signal), 0 as c_long, 0 as c_long);
        }
        libc::close(process as RawFd);
    }
}

struct Found {
    pids: [pid_t; FOUND_MAX],
    count: usize,
}

impl Found {
    fn has(&self, pid: pid_t) -> bool {
        self.pids.iter().take(self.count).any(|found| *found == pid)
    }

    /// Looks at all processes once. Whether there are new ones among them that are below `me`.
    #[expect(unsafe_code, reason = "system calls")]
    unsafe fn look(&mut self, proc: RawFd, me: pid_t) -> bool {
        /// As the kernel aligns entries.
        #[repr(align(8))]
        struct Entries([u8; 8_192]);
        let mut entries = Entries([0; 8_192]);
        let before = self.count;
        // SAFETY: the kernel writes at most as many bytes as there are.
        unsafe {
            libc::lseek(proc, 0, libc::SEEK_SET);
            loop {
                let read = libc::syscall(libc::SYS_getdents64, c_long::from(proc), entries.0.as_mut_ptr(), entries.0.len());
                let Some(mut rest) = usize::try_from(read).ok().filter(|read| *read > 0).and_then(|read| entries.0.get(..read)) else {
                    break;
                };
                while let Some((pid, next)) = first_entry(rest) {
                    rest = next;
                    let Some(pid) = pid.filter(|pid| self.count < FOUND_MAX && !self.has(*pid)) else { continue };
                    if parent_of(proc, pid).is_some_and(|parent| parent == me || self.has(parent)) {
                        self.pids[self.count] = pid;
                        self.count += 1;
                    }
                }
            }
        }
        self.count > before
    }
}

/// The pid that the first entry of a directory's listing (getdents64(2)) names, if it names one, and the entries behind it.
fn first_entry(entries: &[u8]) -> Option<(Option<pid_t>, &[u8])> {
    const LENGTH_AT: usize = 16;
    const NAME_AT: usize = 19;
    let length = usize::from(u16::from_ne_bytes([*entries.get(LENGTH_AT)?, *entries.get(LENGTH_AT + 1)?]));
    let name = entries.get(NAME_AT..length)?;
    let name = name.split(|byte| *byte == 0).next()?;
    Some((number(name), entries.get(length..)?))
}

fn number(digits: &[u8]) -> Option<pid_t> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0, |number: pid_t, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(pid_t::from(digit))
    })
}

/// The parent of a process, from its line of `/proc/PID/stat` (proc_pid_stat(5)).
#[expect(unsafe_code, reason = "system calls")]
unsafe fn parent_of(proc: RawFd, pid: pid_t) -> Option<pid_t> {
    // `PID/stat`, which ends with a zero.
    let mut path = [0_u8; 24];
    let mut digits = [0_u8; 12];
    let mut count = 0;
    let mut rest = pid;
    while rest > 0 {
        *digits.get_mut(count)? = b'0' + u8::try_from(rest % 10).ok()?;
        count += 1;
        rest /= 10;
    }
    for (place, digit) in path.iter_mut().zip(digits.iter().take(count).rev()) {
        *place = *digit;
    }
    for (place, byte) in path.iter_mut().skip(count).zip(b"/stat") {
        *place = *byte;
    }
    let mut line = [0_u8; 512];
    // SAFETY: the path ends with a zero, and the kernel writes at most as many bytes as there are.
    let read = unsafe {
        let file = libc::openat(proc, path.as_ptr().cast(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file == -1 {
            return None;
        }
        let read = libc::read(file, line.as_mut_ptr().cast(), line.len());
        libc::close(file);
        read
    };
    parent_in(line.get(..usize::try_from(read).ok()?)?)
}

/// The second field is a name in brackets and may hold anything, brackets and blanks too; the parent is the second field behind it.
fn parent_in(line: &[u8]) -> Option<pid_t> {
    let end_of_name = line.iter().rposition(|byte| *byte == b')')?;
    number(line.get(end_of_name + 1..)?.split(|byte| *byte == b' ').filter(|field| !field.is_empty()).nth(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_stands_behind_whatever_name() {
        for name in ["cat", "a) R 1 (b", ") S 9", ""] {
            assert_eq!(parent_in(format!("42 ({name}) S 7 1 1 0").as_bytes()), Some(7), "{name}");
        }
        for line in ["", "1 (a", "1 (a)", "1 (a) S", "1 (a) S x"] {
            assert_eq!(parent_in(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn only_names_that_are_numbers_are_processes() {
        assert_eq!((number(b"4711"), number(b""), number(b"self"), number(b"99999999999")), (Some(4711), None, None, None));
    }

    #[test]
    #[expect(unsafe_code, reason = "it is the function that is tested")]
    fn the_parent_of_a_process_is_found() {
        let pid = pid_t::try_from(std::process::id()).expect("a pid");
        // SAFETY: calls on numbers.
        let found = unsafe {
            let proc = libc::open(c"/proc".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC);
            let found = (parent_of(proc, pid), parent_of(proc, pid_t::MAX));
            libc::close(proc);
            found
        };
        assert_eq!(found, (Some(std::os::unix::process::parent_id() as pid_t), None));
    }
}
