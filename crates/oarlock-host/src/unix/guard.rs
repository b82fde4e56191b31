//! A guard for a child and everything it starts: when the parent ends, however it ends, the child's whole process group is
//! killed. The kernel alone kills only the child ([`children::die_with_parent`]); what that has started would go on working
//! beside whoever gets its task next.
//!
//! The guard is a process without a program of its own: a copy of the parent, made between fork and exec of the child, that
//! has nothing open but one end of a pipe and sleeps until the other end, which only the parent holds, is closed.

use std::io::{self, PipeWriter, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use libc::{c_int, pid_t};

use super::children;

/// The parent's end: dropped, it has the child's group killed; [`Guard::dismiss`] sends the guard away.
#[derive(Debug)]
pub struct Guard {
    line: PipeWriter,
}

impl Guard {
    /// The guard ends and kills nobody.
    pub fn dismiss(mut self) {
        // A guard that is gone already needs no word.
        let _ = self.line.write_all(b".");
    }
}

/// Starts the command as the leader of a group of its own that is killed (SIGKILL) when the calling process ends, however it
/// ends. The three things of [`children::die_with_parent`], which it calls, hold for the process itself. Who leaves the group
/// (setsid(2)) leaves the guard's care.
///
/// # Errors
/// There is no pipe to be had, or the command cannot be started; nothing is left behind.
pub fn spawn(command: &mut Command) -> io::Result<(Child, Guard)> {
    let (reader, line) = io::pipe()?;
    children::lead_group(command);
    children::die_with_parent(command);
    let in_child = move || post_guard(reader.as_raw_fd());
    #[expect(unsafe_code, reason = "the closure makes only system calls and allocates nothing, as needed after a fork")]
    // SAFETY: see the reason; the reader it owns is closed by exec.
    unsafe {
        command.pre_exec(in_child);
    }
    let child = command.spawn()?;
    Ok((child, Guard { line }))
}

/// In the child, which leads its group already: makes the guard. It is nobody's child in the end, so that the program
/// never meets a child that it did not start.
#[expect(unsafe_code, reason = "forking without running anything that a library may have registered has no safe interface")]
fn post_guard(line: RawFd) -> io::Result<()> {
    // SAFETY: the calls take and give numbers; what runs in the copies are system calls only, as after any fork.
    unsafe {
        let group = libc::getpid();
        match fork() {
            -1 => return Err(io::Error::last_os_error()),
            0 => {
                // Before the program begins: a lock that a copy of ours still holds would look as if we lived.
                close_all_but(line);
                if fork() == 0 {
                    stand_guard(line, group);
                }
                libc::_exit(0)
            }
            between => while libc::waitpid(between, std::ptr::null_mut(), 0) == -1 && is_interrupted() {},
        }
    }
    Ok(())
}

/// Whether the last system call ended for a signal. It reads a number and allocates nothing.
fn is_interrupted() -> bool {
    io::Error::last_os_error().raw_os_error() == Some(libc::EINTR)
}

/// A copy of this process, without the handlers of fork(3).
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a raw system call")]
unsafe fn fork() -> pid_t {
    use libc::c_long;
    let nothing: c_long = 0;
    // SAFETY: with these flags the call is the fork(2) of old; all other arguments are unused.
    unsafe { libc::syscall(libc::SYS_clone, c_long::from(libc::SIGCHLD), nothing, nothing, nothing, nothing) as pid_t }
}

/// A copy of this process. What a library has registered for that runs in it, as it did in the fork before.
#[cfg(not(target_os = "linux"))]
#[expect(unsafe_code, reason = "a system call")]
unsafe fn fork() -> pid_t {
    // SAFETY: what runs in the copy are system calls only.
    unsafe { libc::fork() }
}

/// Never returns.
#[expect(unsafe_code, reason = "what is left after a fork is system calls")]
unsafe fn stand_guard(line: RawFd, group: pid_t) -> ! {
    // SAFETY: system calls on numbers, and one byte to read into.
    unsafe {
        // Out of the group, and of the terminal's reach.
        libc::setsid();
        // Nobody's signals end a guard before its time: those that can be blocked are.
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
        libc::chdir(c"/".as_ptr());
        let mut byte = 0_u8;
        let read = loop {
            let read = libc::read(line, (&raw mut byte).cast(), 1);
            if read != -1 || !is_interrupted() {
                break read;
            }
        };
        if read == 0 {
            libc::kill(-group, libc::SIGKILL);
        }
        libc::_exit(0)
    }
}

/// Closes every descriptor but this one.
#[expect(unsafe_code, reason = "closing numbers")]
unsafe fn close_all_but(line: RawFd) {
    /// Where the kernel cannot close ranges (Linux before 5.9, and other systems), as many as a process usually may have.
    const FEW: c_int = 4_096;
    // SAFETY: nothing in this process uses any of them any more.
    unsafe {
        let close_one_by_one = |first: c_int, last: c_int| {
            (first..=last.min(FEW)).for_each(|fd| {
                let _ = libc::close(fd);
            });
        };
        #[cfg(target_os = "linux")]
        let close_range = |first: c_int, last: c_int| {
            use libc::c_long;
            if first <= last && libc::syscall(libc::SYS_close_range, c_long::from(first), c_long::from(last), 0 as c_long) != 0 {
                close_one_by_one(first, last);
            }
        };
        #[cfg(not(target_os = "linux"))]
        let close_range = close_one_by_one;
        close_range(0, line - 1);
        close_range(line + 1, c_int::MAX);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    use super::*;
    use crate::process::{Liveness, ProcessId};
    use crate::testing::Helper;

    /// A shell under guard whose child tells its pid and sleeps.
    pub(crate) fn family() -> (Guard, Child, ProcessId) {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let (mut shell, guard) = spawn(&mut command).expect("sh starts");
        let mut line = String::new();
        BufReader::new(shell.stdout.take().expect("piped")).read_line(&mut line).expect("it writes");
        let grandchild = ProcessId::of(line.trim().parse().expect("a pid")).expect("proc is ours").expect("it lives");
        (guard, shell, grandchild)
    }

    fn until_dead(process: &ProcessId) {
        while process.liveness() != Liveness::Dead {
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_a_child_started_dies_with_the_childs_parent() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut parent = Helper::start("guardian", dir.path());
        let grandchild = ProcessId::parse(&parent.line()).expect("the id of its child's child");
        assert_eq!(grandchild.liveness(), Liveness::Alive);
        parent.kill();
        until_dead(&grandchild);
    }

    #[test]
    fn a_guard_that_is_let_go_kills_and_a_dismissed_one_does_not() {
        let (guard, mut shell, grandchild) = family();
        drop(guard);
        shell.wait().expect("it is ours");
        until_dead(&grandchild);

        let (guard, mut shell, grandchild) = family();
        guard.dismiss();
        assert_eq!(shell.try_wait().expect("it is ours"), None);
        assert_eq!(grandchild.liveness(), Liveness::Alive);
        children::kill_group(shell.id()).expect("it is ours");
        shell.wait().expect("it is ours");
        until_dead(&grandchild);
    }

    #[test]
    fn a_program_under_guard_has_no_child_that_it_did_not_start() {
        let mut command = Command::new("sh");
        command.args(["-c", "cat /proc/$$/task/$$/children"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let (shell, guard) = spawn(&mut command).expect("sh starts");
        let output = shell.wait_with_output().expect("it is ours");
        guard.dismiss();
        let children = String::from_utf8(output.stdout).expect("numbers");
        // At most `cat` itself.
        assert!(children.split_whitespace().count() <= 1, "{children}");
    }
}
