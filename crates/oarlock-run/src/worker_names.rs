//! Names of workers that have not joined yet. Two runs of one plan at the same moment would give their workers the same names, and those of one
//! would be refused; so a run locks a file for each name until its worker is replaced or the run ends.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use oarlock_host::file::{WithoutTraps as _, private_dir};
use oarlock_model::AgentName;

/// The directory of these files, beside the store.
const DIR: &str = "names";

/// A name that no other run takes while this lives. The lock ends with the process, however that ends.
#[derive(Debug)]
pub(crate) struct NameLock {
    /// The file; absent where none can be made: the store refuses the later one of two workers, then.
    file: Option<(File, PathBuf)>,
}

/// Takes a name for a run on the store in `store_dir`; none when another run has it.
pub(crate) fn take(store_dir: &Path, name: &AgentName) -> Option<NameLock> {
    let dir = store_dir.join(DIR);
    let path = dir.join(name.as_str());
    let opened = private_dir()
        .recursive(true)
        .create(&dir)
        .and_then(|()| OpenOptions::new().create(true).truncate(false).write(true).made_with(0o600).without_traps().open(&path));
    let Ok(file) = opened else { return Some(NameLock { file: None }) };
    match file.try_lock() {
        Ok(()) => Some(NameLock { file: Some((file, path)) }),
        Err(fs::TryLockError::WouldBlock) => None,
        Err(fs::TryLockError::Error(_)) => Some(NameLock { file: None }),
    }
}

impl Drop for NameLock {
    fn drop(&mut self) {
        if let Some((file, path)) = self.file.take() {
            // While it is locked: nobody else has it. One who opened it before has the lock of a file that is gone, which the store makes up for.
            let _ = fs::remove_file(path);
            drop(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_run_s_until_it_lets_go() {
        let dir = tempfile::tempdir().expect("temporary");
        let name: AgentName = "plan-w1".parse().expect("a name");
        let first = take(dir.path(), &name).expect("free");
        assert!(take(dir.path(), &name).is_none(), "another run has it");
        assert!(take(dir.path(), &"plan-w2".parse().expect("a name")).is_some());
        drop(first);
        assert!(take(dir.path(), &name).is_some());
        assert_eq!(fs::read_dir(dir.path().join(DIR)).expect("there").count(), 0, "nothing is left");
        // Where no file can be made, names go without.
        fs::write(dir.path().join("flat"), "").expect("written");
        assert!(take(&dir.path().join("flat"), &name).is_some());
    }
}
