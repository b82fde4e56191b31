//! Where git runs its hooks from.

use std::path::{Path, PathBuf};

use crate::program::{GitFailed, ask};

/// The directory of the hooks of the repository around `dir`. Git knows where it is, also of a linked worktree, and where it was moved to.
///
/// # Errors
/// There is no git, or `dir` is in no repository.
pub fn hooks_dir(dir: &Path) -> Result<PathBuf, GitFailed> {
    let path = ask(Some(dir), &["rev-parse", "--git-path", "hooks"])?;
    match path.trim() {
        "" => Err(GitFailed("it names no directory of hooks".into())),
        path => Ok(dir.join(path)),
    }
}
