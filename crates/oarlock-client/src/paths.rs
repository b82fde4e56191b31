//! Paths as callers name them.

use oarlock_host::file::canonical;
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use std::path::{Component, Path, PathBuf};

/// The directory of a project's own files.
pub const PROJECT_DIR: &str = ".oarlock";

/// The current directory.
///
/// # Errors
/// `store_unavailable` when it was deleted.
pub fn current_dir() -> Result<PathBuf, OpError> {
    std::env::current_dir().map_err(|error| {
        StoreError::Unavailable {
            message: format!("the current directory cannot be found: {error}"),
            hint: "change into a directory that exists".into(),
        }
        .into()
    })
}

/// `path` seen from `base`, with `.` and `..` taken out of it.
pub fn resolved(base: &Path, path: impl AsRef<Path>) -> PathBuf {
    let mut out = PathBuf::new();
    for component in base.join(path).components() {
        match component {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// Resolves symlinks as far as the path exists.
pub fn with_links_resolved(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (canonical(above), path.strip_prefix(above)) {
            return real.join(rest);
        }
    }
    path.to_owned()
}
