//! Waiting for the lock of a file, in the kernel's queue and no longer than is said.
//!
//! Who looks again and again would come too late for ever where others wait in a queue, so a thread waits in that queue. It cannot be called
//! back: when its caller's patience is over it waits on for the next one who asks, so that a lock which is held for ever costs one thread and not
//! one for each call.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::file;

/// A thread that waits for a lock.
#[derive(Default)]
struct Waiter {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Default)]
enum State {
    /// Somebody waits for it.
    #[default]
    Wanted,
    /// Nobody waits for it at the moment: the next who does takes it over.
    Idle,
    /// It has the lock, or cannot get it.
    Has(io::Result<File>),
    /// It has come to its end.
    Over,
}

/// Waiters by the file that they wait for: device and number.
type Waiters = BTreeMap<(u64, u64), Vec<Arc<Waiter>>>;

/// Those that nobody waits for.
static IDLE: Mutex<Waiters> = Mutex::new(BTreeMap::new());

fn idle() -> MutexGuard<'static, Waiters> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file with its lock taken; nothing when `patience` is over.
pub(crate) fn locked(file: File, patience: Duration) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => return Ok(Some(file)),
        Err(TryLockError::WouldBlock) if patience.is_zero() => return Ok(None),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let start = Instant::now();
    let which = file::identity(&file)?;
    let waiter = Waiter::of(which, file)?;
    let mut state = waiter.state();
    loop {
        if let State::Has(taken) = std::mem::replace(&mut *state, State::Wanted) {
            *state = State::Over;
            return taken.map(Some);
        }
        let left = patience.saturating_sub(start.elapsed());
        let is_interrupted = INTERRUPTED.get().is_some_and(|is_interrupted| is_interrupted());
        if left.is_zero() || is_interrupted {
            *state = State::Idle;
            drop(state);
            idle().entry(which).or_default().push(waiter);
            // Not of the kind `Interrupted`, which asks to be tried again.
            return if is_interrupted { Err(io::Error::other("the wait was interrupted")) } else { Ok(None) };
        }
        state = waiter.told.wait_timeout(state, left.min(LOOK_EVERY)).unwrap_or_else(PoisonError::into_inner).0;
    }
}

impl Waiter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that waits for this file already, or else a new one, which does so with this handle.
    fn of(which: (u64, u64), file: File) -> io::Result<Arc<Self>> {
        let mut all = idle();
        let left = all.remove(&which).unwrap_or_default();
        let mut left: Vec<Arc<Self>> = left.into_iter().filter(|waiter| matches!(*waiter.state(), State::Idle)).collect();
        let found = left.pop().filter(|waiter| waiter.is_wanted_again());
        if !left.is_empty() {
            all.insert(which, left);
        }
        drop(all);
        if let Some(waiter) = found {
            return Ok(waiter);
        }
        let waiter = Arc::new(Self::default());
        let own = Arc::clone(&waiter);
        thread::Builder::new().name("lock".to_owned()).spawn(move || own.wait(file))?;
        Ok(waiter)
    }

    /// Whether it still waits, now for somebody.
    fn is_wanted_again(&self) -> bool {
        let mut state = self.state();
        let waits = matches!(*state, State::Idle);
        if waits {
            *state = State::Wanted;
        }
        waits
    }

    fn wait(&self, file: File) {
        let taken = loop {
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let mut state = self.state();
        // Where nobody waits for it the file is closed, and its lock given back with it.
        *state = match *state {
            State::Wanted => State::Has(taken.map(|()| file)),
            _ => State::Over,
        };
        self.told.notify_all();
    }
}

/// Asked while a lock is waited for.
static INTERRUPTED: OnceLock<fn() -> bool> = OnceLock::new();
/// How often it is asked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// From now on a wait for a lock ends as soon as `is_interrupted` says so. A program whose signals end it needs nothing of the kind.
pub fn while_waiting(is_interrupted: fn() -> bool) {
    let _ = INTERRUPTED.set(is_interrupted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_often_a_lock_is_waited_for_in_vain_one_thread_stays_and_gets_it_for_the_next_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let open = || File::create(&path).expect("a file");
        let held = open();
        held.lock().expect("it is free");
        let which = file::identity(&held).expect("a file");
        let waiting = || idle().get(&which).map_or(0, Vec::len);
        assert!(locked(open(), Duration::ZERO).expect("no error").is_none());
        assert_eq!(waiting(), 0, "who does not wait leaves nobody behind");
        for _ in 0..5 {
            assert!(locked(open(), Duration::from_millis(1)).expect("no error").is_none());
            assert_eq!(waiting(), 1);
        }
        let next = thread::spawn({
            let file = open();
            move || locked(file, Duration::from_secs(60)).expect("no error").is_some()
        });
        while waiting() > 0 {
            thread::yield_now();
        }
        drop(held);
        assert!(next.join().expect("no panic"), "the one that waits gets it");
        assert!(locked(open(), Duration::from_secs(60)).expect("no error").is_some(), "and nobody keeps it");
    }
}
