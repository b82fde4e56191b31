//! The code between fork and exec, and in the guard: system calls only, nothing is allocated and no lock is taken, because the
//! process is a copy of one with several threads.

use std::io;
use std::os::fd::RawFd;

use libc::{c_int, pid_t};

#[cfg(target_os = "linux")]
use super::tree;

/// The requests of the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Order {
    /// SIGTERM for the program's group.
    TerminateGroup = b'G',
    /// SIGTERM for all.
    TerminateAll = b'T',
    /// SIGKILL for all, until nobody is left.
    KillAll = b'K',
}

/// How often those who are left are killed again before the guard gives up: what another user's program is, or what hangs in the
/// kernel, cannot be ended.
const KILLS_MAX: u32 = 100;
/// Milliseconds between two of these.
const KILL_PAUSE_MS: c_int = 100;
/// Milliseconds between two looks where the kernel does not report children that ended.
const LOOK_MS: c_int = 20;

/// In the child that is to become the program: makes the program's own process, in which it returns, and becomes its guard, in which it never
/// returns.
#[expect(unsafe_code, reason = "forking without running anything that a library may have registered has no safe interface")]
pub(super) fn guard(line: RawFd, telling: RawFd) -> io::Result<()> {
    // SAFETY: the calls take and give numbers; what runs in the copies are system calls only, as after any fork.
    unsafe {
        let mut fair_lock: [RawFd; 2] = [0; 2];
        if libc::pipe(fair_lock.as_mut_ptr()) == -1 {
            return Err(io::Error::last_os_error());
        }
        let [waiting, opening] = fair_lock;
        let guard = libc::getpid();
        match fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                libc::close(opening);
                become_program(guard, waiting)
            }
            program => stand_guard(program, line, telling, opening),
        }
    }
}

/// Waits until the guard is ready: before the program begins. A lock that a copy of ours still holds would look as if we lived.
#[expect(unsafe_code, reason = "what is left after a fork is system calls")]
unsafe fn become_program(guard: pid_t, fair_lock: RawFd) -> io::Result<()> {
    // SAFETY: system calls on numbers, and one byte to read into.
    unsafe {
        if libc::setpgid(0, 0) == -1 {
            return Err(io::Error::last_os_error());
        }
        // Should the guard be killed, nobody watches over the program: it ends too.
        #[cfg(target_os = "linux")]
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) == -1 {
            return Err(io::Error::last_os_error());
        }
        let mut byte = 0_u8;
        while libc::read(fair_lock, (&raw mut byte).cast(), 1) == -1 && is_interrupted() {}
        libc::close(fair_lock);
        // A parent that ended before the call above is never reported: look whether it is still ours.
        if libc::getppid() == guard { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
    }
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
unsafe fn stand_guard(program: pid_t, line: RawFd, telling: RawFd, fair_lock: RawFd) -> ! {
    // SAFETY: system calls on numbers and on values of this stack.
    unsafe {
        // Nobody's signals end a guard before its time: those that can be blocked are. A parent that is gone is an error of writing.
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
        // A host that ignores the ends of its children would have the kernel collect ours.
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        // Out of the parent's group, and of its terminal's input.
        libc::setpgid(0, 0);
        #[cfg(target_os = "linux")]
        {
            libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1 as libc::c_ulong);
            // So that who ends processes by the parent's name does not end its guards with it.
            libc::prctl(libc::PR_SET_NAME, c"task-guard".as_ptr());
        }
        libc::chdir(c"/".as_ptr());
        close_all_but([line, telling, fair_lock]);
        tell(telling, program);
        libc::close(fair_lock);
        let mut ward = Ward { program, telling, has_ended: false };
        ward.watch(line, ears())
    }
}

/// A descriptor that can be read when a child ends; -1 where there is none.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a system call")]
unsafe fn ears() -> RawFd {
    // SAFETY: the set is a value of this stack.
    unsafe {
        let mut ends: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut ends);
        libc::sigaddset(&raw mut ends, libc::SIGCHLD);
        libc::signalfd(-1, &raw const ends, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC)
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(unsafe_code, reason = "the signature is that of all systems")]
unsafe fn ears() -> RawFd {
    -1
}

/// Writes a number; a parent that is gone needs none.
#[expect(unsafe_code, reason = "a system call")]
unsafe fn tell(to: RawFd, number: c_int) {
    let bytes = number.to_ne_bytes();
    // SAFETY: the bytes live; so few are written at once or not at all.
    unsafe { while libc::write(to, bytes.as_ptr().cast(), bytes.len()) == -1 && is_interrupted() {} }
}

/// Whom the guard watches over.
struct Ward {
    program: pid_t,
    telling: RawFd,
    has_ended: bool,
}

impl Ward {
    /// Waits for orders and for ends, until nobody is left.
    #[expect(unsafe_code, reason = "what is left after a fork is system calls")]
    unsafe fn watch(&mut self, mut line: RawFd, ears: RawFd) -> ! {
        // SAFETY: system calls on numbers and on values of this stack.
        unsafe {
            let mut kills = None;
            loop {
                if self.is_alone() {
                    libc::_exit(0);
                }
                match &mut kills {
                    Some(KILLS_MAX) => libc::_exit(0),
                    Some(kills) => {
                        *kills += 1;
                        self.signal_all(libc::SIGKILL);
                    }
                    None => {}
                }
                let pause = if kills.is_some() { KILL_PAUSE_MS } else { -1 };
                let pause = if ears == -1 { LOOK_MS } else { pause };
                let interest = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
                let mut fds = [interest(line), interest(ears)];
                libc::poll(fds.as_mut_ptr(), 2, pause);
                if fds[1].revents != 0 {
                    let mut seen = [0_u8; 1_024];
                    while libc::read(ears, seen.as_mut_ptr().cast(), seen.len()) > 0 {}
                }
                if fds[0].revents == 0 {
                    continue;
                }
                let mut order = 0_u8;
                match libc::read(line, (&raw mut order).cast(), 1) {
                    -1 if is_interrupted() => {}
                    1 if order == Order::TerminateGroup as u8 => self.terminate_group(),
                    1 if order == Order::TerminateAll as u8 => self.signal_all(libc::SIGTERM),
                    1 => kills = kills.or(Some(0)),
                    // The parent is gone, or has let go.
                    _ => {
                        kills = kills.or(Some(0));
                        line = -1;
                    }
                }
            }
        }
    }

    /// Collects those who have ended; whether nobody is left.
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "a system call")]
    unsafe fn is_alone(&mut self) -> bool {
        loop {
            let mut status = 0;
            // SAFETY: the status is a value of this stack.
            match unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) } {
                0 => return false,
                -1 if is_interrupted() => {}
                -1 => return true,
                ended if ended == self.program => {
                    self.has_ended = true;
                    // SAFETY: as for any system call.
                    unsafe { tell(self.telling, status) };
                }
                _ => {}
            }
        }
    }

    /// Whether nobody is left: the program has ended, and its group has no other process. It stays uncollected as long as the group
    /// may have to be ended, so that its number belongs to nobody else.
    #[cfg(not(target_os = "linux"))]
    #[expect(unsafe_code, reason = "a system call")]
    unsafe fn is_alone(&mut self) -> bool {
        // SAFETY: the values are of this stack.
        unsafe {
            if !self.has_ended {
                let mut end: libc::siginfo_t = std::mem::zeroed();
                let look = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
                let is_over =
                    libc::waitid(libc::P_PID, self.program as libc::id_t, &raw mut end, look) == 0 && end.si_pid() == self.program;
                if !is_over {
                    return false;
                }
                self.has_ended = true;
                let (code, status) = (end.si_code, end.si_status());
                tell(self.telling, if code == libc::CLD_EXITED { (status & 0xff) << 8 } else { status & 0x7f });
            }
            libc::kill(-self.program, 0) == -1
        }
    }

    #[expect(unsafe_code, reason = "a system call")]
    unsafe fn terminate_group(&self) {
        // Once it is collected, the number of its group may be somebody else's.
        if !self.has_ended || cfg!(not(target_os = "linux")) {
            // SAFETY: a call on numbers.
            unsafe { libc::kill(-self.program, libc::SIGTERM) };
        }
    }

    #[expect(unsafe_code, reason = "a system call")]
    unsafe fn signal_all(&self, signal: c_int) {
        // SAFETY: calls on numbers.
        unsafe {
            if !self.has_ended || cfg!(not(target_os = "linux")) {
                libc::kill(-self.program, signal);
            }
            #[cfg(target_os = "linux")]
            tree::signal_below(signal, if self.has_ended { 0 } else { self.program });
        }
    }
}

/// Closes every descriptor but these.
#[expect(unsafe_code, reason = "closing numbers")]
unsafe fn close_all_but(mut kept: [RawFd; 3]) {
    /// Where the kernel cannot close ranges (Linux before 5.9, and other systems), as many as a process usually may have.
    const FEW: c_int = 4_096;
    kept.sort_unstable();
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
        let mut first = 0;
        for fd in kept {
            close_range(first, fd - 1);
            first = fd + 1;
        }
        close_range(first, c_int::MAX);
    }
}
