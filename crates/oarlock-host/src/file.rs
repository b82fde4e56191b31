//! Differences between systems about files: which file it is, whom it is for, and opening without falling into a trap.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

pub use crate::family::file::{
    Owner, canonical, identity, identity_at, identity_behind, identity_in, is_for_owner_only, is_open_to_others, is_program,
    keep_for_owner, keep_private, kept_open, links, make_link, may_write, own_like, owner, private_dir, raise_limit, rename_to_free,
    set_mode, sync_dir,
};

/// Opening files that others may have put traps in the place of.
pub trait WithoutTraps {
    /// Never through a symbolic link at the end of the path, and never waiting at a pipe, which on Windows is no file.
    fn without_traps(&mut self) -> &mut Self;
    /// Never waiting at a pipe; links are followed.
    fn without_waiting(&mut self) -> &mut Self;
    /// A file that is made has these permission bits, less the umask. Systems without such bits give it those of its directory.
    fn made_with(&mut self, mode: u32) -> &mut Self;
}

/// Makes the content of a file that others have written last through a loss of power. It is opened for writing, which Windows asks for.
///
/// # Errors
/// It is missing or may not be written, or the disk fails.
pub fn sync(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.sync_all()
}

/// Why a small file cannot be read.
#[derive(Debug)]
pub enum Unreadable {
    /// It is a link, and links are not followed here.
    Link,
    /// It is a directory, a pipe, a socket or a device.
    NoFile,
    /// It is larger than the read limit; the number of bytes, where that is known.
    TooLarge(u64),
    /// The system refuses.
    Io(io::Error),
}

/// Whether a symbolic link at the end of a path is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It may lead to a file elsewhere.
    Followed,
    /// It is refused.
    Refused,
}

/// Reads a small file of others: a regular file of at most `bytes_max` bytes. It never waits at a pipe and never reads a device, and it
/// reads no more than that, also when the file grows meanwhile. None when nothing is there.
///
/// # Errors
/// As [`Unreadable`] says.
pub fn read_small(path: &Path, bytes_max: u64, links: Links) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut options = OpenOptions::new();
    options.read(true);
    match links {
        Links::Followed => options.without_waiting(),
        Links::Refused => options.without_traps(),
    };
    let file: File = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if links == Links::Refused && path.is_symlink() => return Err(Unreadable::Link),
        Err(error) => return Err(Unreadable::Io(error)),
    };
    let found = file.metadata().map_err(Unreadable::Io)?;
    if found.is_symlink() {
        return Err(Unreadable::Link);
    }
    if !found.is_file() {
        return Err(Unreadable::NoFile);
    }
    if found.len() > bytes_max {
        return Err(Unreadable::TooLarge(found.len()));
    }
    // Room for all of it, and for seeing that it ends there: a file is read in two calls and not in many.
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default() + 1);
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(Unreadable::Io)?;
    match bytes.len() as u64 > bytes_max {
        true => Err(Unreadable::TooLarge(bytes.len() as u64)),
        false => Ok(Some(bytes)),
    }
}

/// The longest name that becomes a file name, in bytes; systems allow 255 and we add a suffix.
const NAME_BYTES_MAX: usize = 200;

/// Refuses what cannot be the name of a file in a directory of ours, on any system.
pub(crate) fn check_name(name: &str) -> io::Result<()> {
    let is_bad = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
    let fine = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.starts_with('.') && !name.chars().any(is_bad);
    if fine {
        return Ok(());
    }
    let message = format!(
        "{name:?} cannot be a file name: it must have 1 to {NAME_BYTES_MAX} bytes, no `/`, `\\` or `:`, no control characters, and no `.` at its start"
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}
