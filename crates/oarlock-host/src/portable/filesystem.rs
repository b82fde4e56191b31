//! Whether a file system is on this machine alone, as far as the system reports.

use std::io;
use std::path::Path;

use crate::filesystem::FsKind;

/// The kind of the file system that `path` is on.
///
/// # Errors
/// The path does not exist or cannot be reached.
pub(crate) fn kind(path: &Path) -> io::Result<FsKind> {
    let real = path.canonicalize()?;
    #[cfg(target_vendor = "apple")]
    {
        /// `MNT_LOCAL` (statfs(2), macOS).
        const LOCAL: u32 = 0x1000;
        let is_local = rustix::fs::statfs(&real)?.f_flags & LOCAL != 0;
        Ok(if is_local { FsKind::Local("a local volume") } else { FsKind::Shared("a network volume") })
    }
    #[cfg(not(target_vendor = "apple"))]
    {
        use std::path::{Component, Prefix};
        // The real path of a drive that means a share begins with the share. Other systems have no prefixes.
        let Some(Component::Prefix(prefix)) = real.components().next() else { return Ok(FsKind::Unknown(0)) };
        Ok(match prefix.kind() {
            Prefix::UNC(..) | Prefix::VerbatimUNC(..) => FsKind::Shared("a network share"),
            _ => FsKind::Local("a local volume"),
        })
    }
}
