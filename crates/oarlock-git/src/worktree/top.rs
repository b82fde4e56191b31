//! Worktrees by their tops: the folders that have a `.git`.

use std::path::{Path, PathBuf};

/// The name at the top of a worktree: of the repository's directory, or of a file that names it.
pub const DOT_GIT: &str = ".git";

/// Whether `dir` is the top of a worktree: a link that leads nowhere counts, since a repository can bring one.
#[must_use]
pub fn is_top(dir: &Path) -> bool {
    dir.join(DOT_GIT).symlink_metadata().is_ok()
}

/// Whether `dir` is the top of a linked worktree, or of a submodule.
#[must_use]
pub fn is_linked(dir: &Path) -> bool {
    dir.join(DOT_GIT).is_file()
}

/// The top of the worktree that `dir` is in or that it is itself.
#[must_use]
pub fn top_around(dir: &Path) -> Option<PathBuf> {
    dir.ancestors().find(|above| above.join(DOT_GIT).exists()).map(Path::to_owned)
}

/// The worktree that a folder is in, with the folder's name in it as git writes it.
#[must_use]
pub fn worktree_of(dir: &Path) -> Option<(PathBuf, String)> {
    let top = dir.ancestors().skip(1).find(|above| is_top(above))?;
    Some((top.to_owned(), slashed(dir.strip_prefix(top).ok()?)?))
}

/// A relative path as git writes it, with `/` on every system; none when it is not UTF-8.
#[must_use]
pub fn slashed(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.components().map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/"))
}
