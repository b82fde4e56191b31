//! What systems tell and do about files in different ways: which file it is, whom it is for, and opening without falling into a trap.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

pub use crate::family::file::{
    canonical, identity, identity_at, identity_behind, is_for_owner_only, is_program, keep_for_owner, links, may_write, private_dir,
    raise_limit, rename_to_free, set_mode, sync_dir,
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
