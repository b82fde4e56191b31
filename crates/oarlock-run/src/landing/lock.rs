//! One worker for each target branch of a repository. The lock is a file's, which the kernel frees when the last process that has it open ends:
//! the worker, and every git that it lets move the branch.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use oarlock_model::landing::BranchName;
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;

/// How often a lock that somebody has is asked for again: the kernel's own waiting could not be ended by anything but death.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// A name for a branch that is safe as a file name: a digest of 64 bits (FNV-1a). Two branches with one digest would wait for each other, no more.
pub(super) fn digest(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// Takes the lock, after `waits` was told that another worker has it.
///
/// # Errors
/// `interrupted` when `is_over` says so while it waits, `store_unavailable` for a repository that cannot be written.
pub(super) fn take(common_dir: &Path, onto: &BranchName, is_over: &dyn Fn() -> bool, waits: &mut dyn FnMut()) -> Result<File, OpError> {
    let path = common_dir.join(format!("oarlock-landing-{}.lock", digest(onto.as_str())));
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
