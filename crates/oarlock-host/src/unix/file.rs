//! Files on Unix: inodes, permission bits, and flags for opening.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::file::WithoutTraps;

impl WithoutTraps for OpenOptions {
    fn without_traps(&mut self) -> &mut Self {
        self.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
    }

    fn without_waiting(&mut self) -> &mut Self {
        self.custom_flags(libc::O_NONBLOCK)
    }

    fn made_with(&mut self, mode: u32) -> &mut Self {
        self.mode(mode)
    }
}

/// Whether this process may write the file at the path: neither permissions nor a read-only file system forbid it.
pub fn may_write(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Makes directories for their owner only.
#[must_use]
pub fn private_dir() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// The device and number of an open file: no other file has both while it is there.
///
/// # Errors
/// The system does not say.
pub fn identity(file: &File) -> io::Result<(u64, u64)> {
    file.metadata().map(|found| (found.dev(), found.ino()))
}

/// As [`identity`], of the file at the path: a link itself, not its target.
///
/// # Errors
/// Nothing is there, or the system does not say.
pub fn identity_at(path: &Path) -> io::Result<(u64, u64)> {
    path.symlink_metadata().map(|found| (found.dev(), found.ino()))
}

/// As [`identity`], of what a path leads to.
///
/// # Errors
/// Nothing is there, or the system does not say.
pub fn identity_behind(path: &Path) -> io::Result<(u64, u64)> {
    path.metadata().map(|found| (found.dev(), found.ino()))
}

/// The file at the path, kept open while another takes its place; nothing where it cannot be, or is no regular file. Anyone who closes it last
/// waits until its blocks are free, which takes longer than the rename itself.
#[must_use]
pub fn kept_open(path: &Path) -> Option<File> {
    let file = OpenOptions::new().read(true).without_traps().open(path).ok()?;
    file.metadata().is_ok_and(|found| found.is_file()).then_some(file)
}

/// The path without links, as people write it.
///
/// # Errors
/// Nothing is there.
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// How many names an open file has; 0 when it was removed.
///
/// # Errors
/// The system does not say.
pub fn links(file: &File) -> io::Result<u64> {
    file.metadata().map(|found| found.nlink())
}

/// Makes a symbolic link to a file or directory.
///
/// # Errors
/// Something is there, or the directory cannot be written.
pub fn make_link(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

/// Whether it is this user's and nobody else may read or write it.
#[must_use]
pub fn is_for_owner_only(found: &Metadata) -> bool {
    found.mode() & 0o077 == 0 && found.uid() == rustix::process::geteuid().as_raw()
}

/// A user of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(u32);

impl Owner {
    /// The user whose rights this process has.
    #[must_use]
    pub fn own() -> Self {
        Self(rustix::process::geteuid().as_raw())
    }

    /// Whether it is the administrator, who may use the files of everybody.
    #[must_use]
    pub fn is_root(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "user {}", self.0)
    }
}

/// Whom it belongs to.
#[must_use]
pub fn owner(found: &Metadata) -> Owner {
    Owner(found.uid())
}

/// Whether others than its owner may read, write or enter it.
#[must_use]
pub fn is_open_to_others(found: &Metadata) -> bool {
    found.mode() & 0o077 != 0
}

/// The device and number of the found file.
#[must_use]
pub fn identity_in(found: &Metadata) -> Option<(u64, u64)> {
    Some((found.dev(), found.ino()))
}

/// Takes what others may do with a file or directory of this user away from them. It is not opened: to close a database would give up its locks.
///
/// # Errors
/// It is not allowed, as with somebody else's.
pub fn keep_private(path: &Path, found: &Metadata) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(found.mode() & 0o700))
}

/// Gives what root has made in somebody's directory to the owner of that directory, who could not use it otherwise.
///
/// # Errors
/// Nothing is there, or it is not allowed.
pub fn own_like(path: &Path, dir: &Path) -> io::Result<()> {
    if !Owner::own().is_root() {
        return Ok(());
    }
    let of = dir.metadata()?;
    if of.uid() == 0 {
        return Ok(());
    }
    std::os::unix::fs::lchown(path, Some(of.uid()), Some(of.gid()))
}

/// Whether anybody may run it.
#[must_use]
pub fn is_program(found: &Metadata) -> bool {
    found.mode() & 0o111 != 0
}

/// Sets the permission bits of an open file. Systems without such bits do nothing.
///
/// # Errors
/// It is not allowed.
pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Lets nobody but its owner use the file at the path, which nobody else can have replaced.
///
/// # Errors
/// It is not allowed.
pub fn keep_for_owner(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
}

/// Makes additions to and removals from a directory last through a loss of power. Where directories cannot be synced, the file system's
/// own journal has to do.
///
/// # Errors
/// The disk fails.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Lets this process have as many open files as it may at most; the usual limit is lower. Should it stay, opening fails earlier.
pub fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let found = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: found.maximum, maximum: found.maximum });
}

/// Renames to where nothing is (`RENAME_NOREPLACE`); a file system that does not know that looks first, and somebody may come in between.
///
/// # Errors
/// Something is there (`AlreadyExists`), and as [`std::fs::rename`].
pub fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {}
        done => return done.map_err(Into::into),
    }
    if to.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    std::fs::rename(from, to)
}
