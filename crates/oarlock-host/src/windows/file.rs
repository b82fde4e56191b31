//! Files on Windows: file indexes, and no permission bits. Whom a file is for is known by the access list that it takes over from its
//! directory; those below a user's profile are for that user and administrators.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use winapi_util::Handle;

use crate::file::WithoutTraps;

/// The link itself is opened, not what it leads to (`FILE_FLAG_OPEN_REPARSE_POINT`).
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

impl WithoutTraps for OpenOptions {
    fn without_traps(&mut self) -> &mut Self {
        self.custom_flags(OPEN_REPARSE_POINT)
    }

    fn without_waiting(&mut self) -> &mut Self {
        self
    }

    fn made_with(&mut self, _mode: u32) -> &mut Self {
        self
    }
}

/// Whether the file at the path is not marked as read-only; whether its owner lets this process write, opening it reports.
pub fn may_write(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_dir() || !found.permissions().readonly())
}

/// Makes directories with the access list of the one around them.
#[must_use]
pub fn private_dir() -> DirBuilder {
    DirBuilder::new()
}

/// The volume and number of an open file: no other file has both while it is there.
///
/// # Errors
/// The system does not say.
pub fn identity(file: &File) -> io::Result<(u64, u64)> {
    winapi_util::file::information(file).map(|found| (found.volume_serial_number(), found.file_index()))
}

/// As [`identity`], of the file at the path, or of a link's target.
///
/// # Errors
/// Nothing is there, or the system does not say.
pub fn identity_at(path: &Path) -> io::Result<(u64, u64)> {
    let found = winapi_util::file::information(Handle::from_path_any(path)?)?;
    Ok((found.volume_serial_number(), found.file_index()))
}

/// As [`identity`], of what a path leads to.
///
/// # Errors
/// Nothing is there, or the system does not say.
pub fn identity_behind(path: &Path) -> io::Result<(u64, u64)> {
    identity_at(path)
}

/// The path without links, as people write it: `C:\…`, not `\\?\C:\…`, wherever that is possible.
///
/// # Errors
/// Nothing is there.
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    dunce::canonicalize(path)
}

/// How many names an open file has.
///
/// # Errors
/// The system does not say.
pub fn links(file: &File) -> io::Result<u64> {
    winapi_util::file::information(file).map(|found| found.number_of_links())
}

/// Makes a symbolic link to a file or directory.
///
/// # Errors
/// Something is there, or this user may not make links (without the developer mode only administrators may).
pub fn make_link(target: &Path, link: &Path) -> io::Result<()> {
    if target.is_dir() { std::os::windows::fs::symlink_dir(target, link) } else { std::os::windows::fs::symlink_file(target, link) }
}

/// The access list is not looked at: true.
#[must_use]
pub fn is_for_owner_only(_found: &Metadata) -> bool {
    true
}

/// A user of the system; access lists are not looked at, so there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner;

impl Owner {
    /// The user of this process.
    #[must_use]
    pub fn own() -> Self {
        Self
    }

    /// There is none: false.
    #[must_use]
    pub fn is_root(self) -> bool {
        false
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this user")
    }
}

/// This user.
#[must_use]
pub fn owner(_found: &Metadata) -> Owner {
    Owner
}

/// The access list is not looked at: false.
#[must_use]
pub fn is_open_to_others(_found: &Metadata) -> bool {
    false
}

/// The kind is unknown from the listing; the file has to be asked.
#[must_use]
pub fn identity_in(_found: &Metadata) -> Option<(u64, u64)> {
    None
}

/// The access list of the directory shows who may use it.
///
/// # Errors
/// None here; the signature is that of all systems.
pub fn keep_private(_path: &Path, _found: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Owners are not changed.
///
/// # Errors
/// None here; the signature is that of all systems.
pub fn own_like(_path: &Path, _dir: &Path) -> io::Result<()> {
    Ok(())
}

/// The name shows whether it is a program: true.
#[must_use]
pub fn is_program(_found: &Metadata) -> bool {
    true
}

/// There are no permission bits.
///
/// # Errors
/// None here; the signature is that of all systems.
pub fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// The access list of the directory shows who may use it.
///
/// # Errors
/// None here; the signature is that of all systems.
pub fn keep_for_owner(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Directories cannot be synced; the journal of the file system keeps their changes in order.
///
/// # Errors
/// None here; the signature is that of all systems.
pub fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}

/// There is no limit to raise.
pub fn raise_limit() {}

/// Nothing: a file that is open keeps its name here.
#[must_use]
pub fn kept_open(_path: &Path) -> Option<File> {
    None
}

/// Renames to where nothing is. It looks first, and somebody may come in between.
///
/// # Errors
/// Something is there (`AlreadyExists`), and as [`std::fs::rename`].
pub fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    if to.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    std::fs::rename(from, to)
}
