//! The rights of other users of the machine to files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Everything below a directory that others may read, write or enter.
///
/// # Panics
/// The directory cannot be read.
#[must_use]
pub fn open_to_others(dir: &Path) -> Vec<PathBuf> {
    let mut open = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let found = entry.metadata().expect("it is there");
        if found.permissions().mode() & 0o077 != 0 {
            open.push(entry.path());
        }
        if found.is_dir() {
            open.extend(open_to_others(&entry.path()));
        }
    }
    open
}
