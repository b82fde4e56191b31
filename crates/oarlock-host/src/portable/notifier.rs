//! How a notifier is rung so that anyone who looks at its file sees it.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::file::WithoutTraps;

/// Sets the time of the file.
///
/// # Errors
/// It is missing and not to be made, or cannot be opened or changed.
pub(crate) fn strike(path: &Path, create: bool) -> io::Result<()> {
    let opened = OpenOptions::new().append(true).create(create).made_with(0o600).without_traps().open(path)?;
    opened.set_modified(SystemTime::now())
}
