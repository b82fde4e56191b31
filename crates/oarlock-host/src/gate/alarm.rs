//! A time limit for locking, which blocks in the kernel without one: a timer of this thread, whose signal ends the call
//! with EINTR.

use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use libc::c_int;
use rustix::io::Errno;

/// Locks by `try_lock`, and if that is not to be had, by `lock`, which waits; false when the time (none: for ever) is over.
///
/// Waiting in the kernel keeps the place among the waiters and costs one wake-up. The alarm costs five system calls, so it is
/// armed only when the lock is not free.
pub(super) fn lock_until(
    until: Option<Instant>,
    try_lock: impl Fn() -> io::Result<bool>,
    lock: impl Fn() -> Result<(), Errno>,
) -> io::Result<bool> {
    let left = || until.map(|until| until.saturating_duration_since(Instant::now()));
    if try_lock()? {
        return Ok(true);
    }
    let _alarm = match left() {
        Some(left) if left.is_zero() => return Ok(false),
        Some(left) => match Alarm::arm(left) {
            Ok(alarm) => Some(alarm),
            Err(_) => return lock_by_looking(until, try_lock),
        },
        None => None,
    };
    loop {
        match lock() {
            Ok(()) => return Ok(true),
            Err(Errno::INTR) if left().is_some_and(|left| left.is_zero()) => return Ok(false),
            // Another signal of this thread; then we wait again.
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// For the sandboxes that have no timers for threads: late by a millisecond, and in no order.
fn lock_by_looking(until: Option<Instant>, try_lock: impl Fn() -> io::Result<bool>) -> io::Result<bool> {
    loop {
        if try_lock()? {
            return Ok(true);
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// An armed timer of the calling thread. The first signal comes after the given time, further ones each
/// millisecond: one that came just before the blocking call began is not lost.
///
/// While it is armed, the signal is not blocked in this thread; dropping it restores the mask. A signal that is still
/// pending then has been handled: the kernel delivers it at the end of the call that deletes the timer.
struct Alarm {
    timer: libc::timer_t,
    mask: libc::sigset_t,
    /// The signal and the mask are those of one thread.
    _not_send: PhantomData<*const ()>,
}

impl Alarm {
    /// Arms it (timer_create(2), with `SIGEV_THREAD_ID`).
    ///
    /// # Errors
    /// There is no free real-time signal, too many signals are queued for this user, or the system has no such timers.
    fn arm(after: Duration) -> io::Result<Self> {
        let signal = signal()?;
        let timer = create_timer(signal)?;
        // From here on, dropping it deletes the timer.
        let alarm = Self { timer, mask: unblock(signal), _not_send: PhantomData };
        set_timer(timer, after.max(Duration::from_micros(1)), Duration::from_millis(1))?;
        Ok(alarm)
    }
}

impl Drop for Alarm {
    #[expect(unsafe_code, reason = "deleting a POSIX timer and restoring a signal mask have no safe interface")]
    fn drop(&mut self) {
        // SAFETY: the timer was created by `arm` and is deleted once; the mask was filled by `unblock`.
        unsafe {
            libc::timer_delete(self.timer);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.mask, ptr::null_mut());
        }
    }
}

/// The signal of this process for alarms: the highest real-time signal that nobody else uses, with a handler that does
/// nothing, and without `SA_RESTART`, so that it ends the call. Chosen once.
fn signal() -> io::Result<c_int> {
    static SIGNAL: OnceLock<Option<c_int>> = OnceLock::new();
    let signal = SIGNAL.get_or_init(|| (libc::SIGRTMIN()..=libc::SIGRTMAX()).rev().find(|signal| claim_signal(*signal)));
    signal.ok_or_else(|| io::Error::other("no free real-time signal"))
}

extern "C" fn do_nothing(_signal: c_int) {}

#[expect(unsafe_code, reason = "installing a signal handler has no safe interface")]
fn claim_signal(signal: c_int) -> bool {
    // SAFETY: both structures are plain data for which zero is valid; the handler touches nothing, so it may run at
    // any time in any thread.
    unsafe {
        let mut current: libc::sigaction = MaybeUninit::zeroed().assume_init();
        if libc::sigaction(signal, ptr::null(), &raw mut current) != 0 || current.sa_sigaction != libc::SIG_DFL {
            return false;
        }
        let mut ours: libc::sigaction = MaybeUninit::zeroed().assume_init();
        ours.sa_sigaction = do_nothing as extern "C" fn(c_int) as libc::sighandler_t;
        ours.sa_flags = libc::SA_ONSTACK;
        libc::sigaction(signal, &raw const ours, ptr::null_mut()) == 0
    }
}

#[expect(unsafe_code, reason = "creating a POSIX timer has no safe interface")]
fn create_timer(signal: c_int) -> io::Result<libc::timer_t> {
    // SAFETY: the event is plain data for which zero is valid, filled as timer_create(2) asks; the call writes the timer.
    unsafe {
        let mut event: libc::sigevent = MaybeUninit::zeroed().assume_init();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal;
        event.sigev_notify_thread_id = rustix::thread::gettid().as_raw_pid();
        let mut timer: libc::timer_t = ptr::null_mut();
        if libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) == 0 {
            Ok(timer)
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

#[expect(unsafe_code, reason = "setting a POSIX timer has no safe interface")]
fn set_timer(timer: libc::timer_t, first: Duration, then_each: Duration) -> io::Result<()> {
    let setting = libc::itimerspec { it_interval: timespec(then_each), it_value: timespec(first) };
    // SAFETY: the timer exists, the setting lives over the call, and the old setting is not asked for.
    let result = unsafe { libc::timer_settime(timer, 0, &raw const setting, ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Unblocks the signal in this thread; gives the mask from before.
#[expect(unsafe_code, reason = "changing a signal mask has no safe interface")]
fn unblock(signal: c_int) -> libc::sigset_t {
    // SAFETY: signal sets are plain data for which zero is valid; the calls write only the two sets, and cannot fail with
    // a valid signal.
    unsafe {
        let mut set: libc::sigset_t = MaybeUninit::zeroed().assume_init();
        let mut before: libc::sigset_t = MaybeUninit::zeroed().assume_init();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, &raw mut before);
        before
    }
}

/// A time beyond what the kernel's type holds is as good as one at its end.
fn timespec(duration: Duration) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // A year is patience enough, and fits into every width of the type.
    time.tv_sec = libc::time_t::try_from(duration.as_secs().min(31_536_000)).unwrap_or(libc::time_t::MAX);
    time.tv_nsec = duration.subsec_nanos().into();
    time
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::*;

    #[expect(unsafe_code, reason = "changing a signal mask has no safe interface")]
    pub(in super::super) fn block_all_signals() {
        // SAFETY: as in `unblock`.
        unsafe {
            let mut set: libc::sigset_t = MaybeUninit::zeroed().assume_init();
            libc::sigfillset(&raw mut set);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, ptr::null_mut());
        }
    }

    #[test]
    fn an_alarm_ends_a_blocking_call_also_when_it_fires_before_it() {
        let (_writer_kept, reader) = rustix::pipe::pipe().map(|(reader, writer)| (writer, reader)).expect("a pipe");
        let after = Duration::from_millis(5);
        let start = Instant::now();
        let alarm = Alarm::arm(after).expect("Linux has timers");
        // The first signal comes while nothing blocks.
        while start.elapsed() < after * 2 {
            std::hint::spin_loop();
        }
        let result = rustix::io::read(&reader, &mut [0_u8; 1]);
        assert_eq!(result, Err(rustix::io::Errno::INTR));
        drop(alarm);
    }

    #[test]
    fn looking_is_a_substitute_for_waiting() {
        let looks = Cell::new(0);
        let third_time = || {
            looks.set(looks.get() + 1);
            Ok(looks.get() >= 3)
        };
        assert!(lock_by_looking(None, third_time).expect("looks"));
        let until = Instant::now().checked_add(Duration::from_millis(3));
        assert!(!lock_by_looking(until, || Ok(false)).expect("looks"));
        assert!(Some(Instant::now()) >= until);
    }
}
