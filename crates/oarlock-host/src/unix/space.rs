//! The room on a disk, by statvfs(3).

use std::io;
use std::path::Path;

/// The bytes that a process without privileges can still write on the file system of `path`.
///
/// # Errors
/// The path does not exist or cannot be reached.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
