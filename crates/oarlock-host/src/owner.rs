//! The lock that proves the life of a session's owner: the kernel drops it when the owner dies, however it dies.
//! The rules decide about the consequences of a death.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::file::{self, WithoutTraps};

/// A held lock. Dropping it removes the file and releases the lock, in this order, so that nobody finds a
/// file that can be had after an end in good order.
///
/// The lock belongs to the open file, not to the process (flock(2); on Windows `LockFileEx`): a child made by a fork **without** an exec has it too,
/// and holds it after our death. Programs started with [`std::process::Command`] do not inherit it, except for the moment
/// between their fork and their exec.
#[derive(Debug)]
pub struct OwnerLock {
    path: PathBuf,
    file: File,
}

/// The answer of a session's lock about its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerState {
    /// Somebody holds it: the owner lives (or another process is just looking for stale locks).
    Held,
    /// It can be had: the owner is dead.
    Free,
    /// There is no file, which proves nothing: it ended in good order, never was, or the file was deleted.
    Missing,
}

impl OwnerLock {
    /// Takes the lock of a session, `dir/SESSION.lock` (made with mode 0600, its directory with 0700). None when
    /// somebody holds it. Take it before anybody can know the session's name.
    ///
    /// # Errors
    /// The name cannot be a file name, or the file or directory cannot be made.
    pub fn acquire(dir: &Path, session: &str) -> io::Result<Option<Self>> {
        let path = lock_path(dir, session)?;
        file::private_dir().recursive(true).create(dir)?;
        // Each turn follows the removal of the file by its last holder, or meets somebody who is only looking.
        for _ in 0..TRIES_MAX {
            let file = options().write(true).create(true).made_with(0o600).open(&path)?;
            match is_had(|| file.try_lock())? {
                true if is_at(&file, &path)? => return Ok(Some(Self { path, file })),
                true => continue,
                false => {}
            }
            // Those who probe share the lock for a moment, the holder does not.
            if !is_had(|| file.try_lock_shared())? {
                return Ok(None);
            }
            drop(file);
            std::thread::sleep(RETRY_AFTER);
        }
        Ok(None)
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // If somebody else's file took the place of ours, it is not ours to remove. A failure leaves a file that
        // can be had, which says that we are dead: true in a moment.
        if is_at(&self.file, &self.path).unwrap_or(false) {
            let _ = std::fs::remove_file(&self.path);
        }
        // Not left to the closing, which would not release it while a forked child has the same open file.
        let _ = self.file.unlock();
    }
}

/// Looks at a session's lock without making a file. Any number of processes can do so at once.
///
/// # Errors
/// The name cannot be a file name, or the file cannot be read; that proves nothing.
pub fn probe(dir: &Path, session: &str) -> io::Result<OwnerState> {
    let path = lock_path(dir, session)?;
    let Some(file) = open_existing(&path)? else {
        return Ok(OwnerState::Missing);
    };
    if !is_had(|| file.try_lock_shared())? {
        return Ok(OwnerState::Held);
    }
    // Removed between our opening and locking: the owner ended in good order.
    Ok(if file::links(&file)? == 0 { OwnerState::Missing } else { OwnerState::Free })
}

/// Removes the lock file of a dead owner. False when there is none, or when it is held.
///
/// # Errors
/// The name cannot be a file name, or the file cannot be read or removed.
pub fn remove_stale(dir: &Path, session: &str) -> io::Result<bool> {
    let path = lock_path(dir, session)?;
    let Some(file) = open_existing(&path)? else {
        return Ok(false);
    };
    if !is_had(|| file.try_lock())? || !is_at(&file, &path)? {
        return Ok(false);
    }
    std::fs::remove_file(&path)?;
    Ok(true)
}

/// With `RETRY_AFTER`, a fifth of a second: far longer than anybody looks.
const TRIES_MAX: u32 = 200;
const RETRY_AFTER: Duration = Duration::from_millis(1);

fn lock_path(dir: &Path, session: &str) -> io::Result<PathBuf> {
    file::check_name(session)?;
    Ok(dir.join(format!("{session}.lock")))
}

/// Never through a symlink, never waiting at a pipe; `std` adds close-on-exec.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).without_traps();
    options
}

fn open_existing(path: &Path) -> io::Result<Option<File>> {
    match options().open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_had(try_it: impl Fn() -> Result<(), TryLockError>) -> io::Result<bool> {
    loop {
        match try_it() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Whether the open file is the one at the path, not one that was removed or replaced meanwhile.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let own = file::identity(file)?;
    match file::identity_at(path) {
        Ok(there) => Ok(own == there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::testing::Helper;

    #[test]
    fn a_lock_has_one_holder_and_leaves_no_file() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let dir = dir.path().join("owners");
        assert_eq!(probe(&dir, "ada-1").expect("probes"), OwnerState::Missing);
        let lock = OwnerLock::acquire(&dir, "ada-1").expect("acquires").expect("nobody holds it");
        assert!(file::is_for_owner_only(&lock.file.metadata().expect("open")));
        assert!(OwnerLock::acquire(&dir, "ada-1").expect("acquires").is_none());
        assert!(!remove_stale(&dir, "ada-1").expect("looks"));
        assert_eq!(probe(&dir, "ada-1").expect("probes"), OwnerState::Held);
        let path = lock.path().to_owned();
        drop(lock);
        assert!(!path.exists());
        assert_eq!(probe(&dir, "ada-1").expect("probes"), OwnerState::Missing);
    }

    #[test]
    fn death_frees_the_lock_and_stopping_does_not() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut owner = Helper::start("owner", dir.path());
        assert_eq!(probe(dir.path(), "ada-1").expect("probes"), OwnerState::Held);
        owner.stop();
        assert_eq!(probe(dir.path(), "ada-1").expect("probes"), OwnerState::Held);
        owner.kill();
        assert_eq!(probe(dir.path(), "ada-1").expect("probes"), OwnerState::Free);
        assert_eq!(probe(dir.path(), "ada-1").expect("probes"), OwnerState::Free, "probing takes nothing");
        assert!(remove_stale(dir.path(), "ada-1").expect("removes"));
        assert!(!remove_stale(dir.path(), "ada-1").expect("looks"));
        assert_eq!(probe(dir.path(), "ada-1").expect("probes"), OwnerState::Missing);
    }

    #[test]
    fn a_program_we_start_does_not_inherit_the_lock() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let lock = OwnerLock::acquire(dir.path(), "ada-1").expect("acquires").expect("nobody holds it");
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat starts");
        let fds = std::fs::read_dir(format!("/proc/{}/fd", child.id())).expect("it lives");
        let mut targets = fds.filter_map(Result::ok).filter_map(|fd| std::fs::read_link(fd.path()).ok());
        let inherited = targets.any(|target| target == lock.path());
        assert!(!inherited);
        child.kill().and_then(|()| child.wait()).expect("it is ours");
    }

    #[test]
    fn those_who_look_do_not_hinder_each_other_nor_the_taker() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("ada-1.lock");
        let looking = options().write(true).create(true).open(path).expect("opens");
        looking.try_lock_shared().expect("nobody holds it");
        assert_eq!(probe(dir.path(), "ada-1").expect("probes"), OwnerState::Free);
        let taker = std::thread::spawn({
            let dir = dir.path().to_owned();
            move || OwnerLock::acquire(&dir, "ada-1").map(|lock| lock.is_some())
        });
        drop(looking);
        assert!(taker.join().expect("no panic").expect("acquires"));
    }

    #[test]
    fn names_that_are_no_file_names_are_refused() {
        let long = "a".repeat(201);
        for session in ["", "a/b", "..", ".a", "a\nb", "a\0", r"a\b", "a:b", &long] {
            let error = OwnerLock::acquire(Path::new("/no/such"), session).expect_err("refused");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{session:?}");
            assert!(probe(Path::new("/"), session).is_err() && remove_stale(Path::new("/"), session).is_err());
        }
    }
}
