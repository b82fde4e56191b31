//! How a notifier is rung so that inotify hears it.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens the file for writing and closes it: never through a symlink, and never waiting should somebody have put a pipe there.
///
/// # Errors
/// It is missing and not to be made, or cannot be opened.
pub(crate) fn strike(path: &Path, create: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(create).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path).map(drop)
}
