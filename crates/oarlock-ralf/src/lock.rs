//! Waiting for the lock of a file, in the kernel's queue and no longer than is said.

use std::fs::{File, TryLockError};
use std::io;
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// The file with its lock taken; nothing when `patience` is over. Who looks again and again would come too late for ever where others wait in
/// a queue, so a thread waits in that queue, and gives the lock back should it come too late.
pub(crate) fn locked(file: File, patience: Duration) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => return Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let (sender, receiver) = mpsc::sync_channel(0);
    let wait = move || {
        let taken = loop {
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        // Nobody may be there to take it any more: then the file is closed, and its lock with it.
        let _ = sender.send(taken.map(|()| file));
    };
    thread::Builder::new().name("lock".to_owned()).spawn(wait)?;
    let start = Instant::now();
    loop {
        let left = patience.saturating_sub(start.elapsed());
        match receiver.recv_timeout(left.min(LOOK_EVERY)) {
            Ok(taken) => return taken.map(Some),
            Err(_) if left.is_zero() => return Ok(None),
            // Not of the kind `Interrupted`, which asks to be tried again.
            Err(_) if INTERRUPTED.get().is_some_and(|is_interrupted| is_interrupted()) => {
                return Err(io::Error::other("the wait was interrupted"));
            }
            Err(_) => {}
        }
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
