//! The kind of file system a path is on, because write-ahead logging needs memory shared between all processes
//! that open the file, which file systems shared with other machines do not give.

use std::fmt;
use std::io;
use std::path::Path;

/// The known facts of a path's file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsKind {
    /// On this machine alone; locks and shared memory work.
    Local(&'static str),
    /// Shared with another machine, or with the other side of a virtual machine.
    Shared(&'static str),
    /// Not in our table; its magic number (statfs(2), `f_type`).
    Unknown(u64),
}

impl FsKind {
    /// Whether SQLite's write-ahead log must not be used on it. An unknown kind is not refused.
    #[must_use]
    pub fn refuses_wal(self) -> bool {
        matches!(self, Self::Shared(_))
    }
}

impl fmt::Display for FsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(name) | Self::Shared(name) => f.write_str(name),
            Self::Unknown(magic) => write!(f, "file system {magic:#x}"),
        }
    }
}

/// The kind of the file system that `path` (an existing file or directory) is on.
///
/// On Linux FUSE counts as shared: virtiofs and sshfs cannot be distinguished from a local helper such as fuse-overlayfs by its call. On macOS the system
/// itself shows whether it is local, on Windows a path of a network share is not; elsewhere the kind is unknown.
///
/// # Errors
/// The path does not exist or cannot be reached.
pub fn kind(path: &Path) -> io::Result<FsKind> {
    crate::system::filesystem::kind(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_refuse_the_write_ahead_log_and_others_do_not() {
        assert!(FsKind::Shared("nfs").refuses_wal());
        assert!(!FsKind::Local("ext").refuses_wal() && !FsKind::Unknown(1).refuses_wal());
        assert_eq!(FsKind::Unknown(0x77).to_string(), "file system 0x77");
    }

    #[test]
    fn kind_of_a_path_is_told_and_a_missing_path_is_an_error() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        assert!(kind(dir.path()).is_ok());
        assert!(kind(Path::new("/no/such/path")).is_err());
    }
}
