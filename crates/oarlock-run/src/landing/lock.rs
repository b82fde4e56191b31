//! One worker for each target branch of a repository. The lock is a file's, which the kernel frees when the last process that has it open ends:
//! the worker, and every git that it lets move the branch.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use oarlock_git::merge::MergeRepository;
use oarlock_model::Rejection;
use oarlock_model::landing::BranchName;
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;

/// The names of the lock files in the repository's common directory, around the digest of a branch.
const LOCK_BEGIN: &str = "oarlock-landing-";
const LOCK_END: &str = ".lock";

/// How often a lock that somebody has is asked for again: the kernel's own waiting could not be ended by anything but death.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// A name for a branch that is safe as a file name: a digest of 64 bits (FNV-1a). Two branches with one digest would wait for each other, no more.
pub(crate) fn digest(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// Takes the lock, after `waits` was informed that another worker has it.
///
/// # Errors
/// `interrupted` when `is_over` says so while it waits, `store_unavailable` for a repository that cannot be written.
pub(super) fn take(common_dir: &Path, onto: &BranchName, is_over: &dyn Fn() -> bool, waits: &mut dyn FnMut()) -> Result<File, OpError> {
    let path = common_dir.join(format!("{LOCK_BEGIN}{}{LOCK_END}", digest(onto.as_str())));
    let unusable = |error: std::io::Error| {
        let message = format!("the lock of the landing queue cannot be taken: {}: {error}", path.display());
        OpError::from(StoreError::Unavailable { message, hint: "make the repository writable".into() })
    };
    let file = File::options().create(true).truncate(false).write(true).read(true).open(&path).map_err(unusable)?;
    let mut is_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if is_over() => return Err(OpError::Interrupted),
            Err(TryLockError::WouldBlock) => {
                if !is_told {
                    waits();
                    is_told = true;
                }
                thread::sleep(ASKED_EVERY);
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
    }
}

/// The landing queues of a repository, none of which is at work, held so that no worker begins on one.
pub struct IdleQueues {
    repository: Option<MergeRepository>,
    locks: Vec<(PathBuf, File)>,
}

/// Holds the landing queues of the repository around a directory while its project is removed. Outside of a repository there are none.
///
/// # Errors
/// `state_conflict` while a worker is at one of them, `store_unavailable` when the locks cannot be read.
pub fn hold_landing_queues(dir: &Path) -> Result<IdleQueues, OpError> {
    let Ok(repository) = MergeRepository::around(dir) else { return Ok(IdleQueues { repository: None, locks: Vec::new() }) };
    let common = repository.common_dir();
    let unusable = |error: std::io::Error| {
        let message = format!("the locks of the landing queues cannot be read: {}: {error}", common.display());
        OpError::from(StoreError::Unavailable { message, hint: "make the repository readable".into() })
    };
    let mut locks = Vec::new();
    for entry in std::fs::read_dir(common).map_err(unusable)? {
        let path = entry.map_err(unusable)?.path();
        let is_lock =
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(LOCK_BEGIN) && name.ends_with(LOCK_END));
        if !is_lock {
            continue;
        }
        let file = File::options().write(true).read(true).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => locks.push((path, file)),
            Err(TryLockError::WouldBlock) => {
                return Err(Rejection::Conflict {
                    message: "a worker of a landing queue of this repository is at work".into(),
                    hint: "end `oarlock merge` and `oarlock run --merge` first".into(),
                    details: serde_json::json!({"lock": path.display().to_string()}),
                }
                .into());
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
    }
    Ok(IdleQueues { repository: Some(repository), locks })
}

impl IdleQueues {
    /// Removes the remains of the queues in the repository, after the project with their test worktrees has gone: best effort, since nothing
    /// depends on it.
    pub fn remove(self) {
        if let Some(repository) = &self.repository {
            repository.forget_gone_worktrees();
            for (task, commit) in repository.pinned().unwrap_or_default() {
                let _ = repository.unpin(&task, &commit);
            }
        }
        for (path, _held) in self.locks {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_one_worker_and_another_target_another() {
        let dir = tempfile::tempdir().expect("temporary");
        let branch = |name: &str| BranchName::parse(name).expect("valid");
        let mut waited = 0;
        let first = take(dir.path(), &branch("main"), &|| false, &mut || waited += 1).expect("free");
        take(dir.path(), &branch("next"), &|| false, &mut || waited += 1).expect("free");
        assert_eq!(waited, 0);
        let over = take(dir.path(), &branch("main"), &|| true, &mut || waited += 1).expect_err("it is held");
        assert_eq!((over.code(), waited), (oarlock_model::ErrorCode::Interrupted, 0));
        std::thread::scope(|scope| {
            let (told, hears) = std::sync::mpsc::channel();
            let second = scope.spawn(move || take(dir.path(), &branch("main"), &|| false, &mut || told.send(()).expect("heard")).is_ok());
            hears.recv().expect("it waits");
            drop(first);
            assert!(second.join().expect("no panic"));
        });
    }
}
