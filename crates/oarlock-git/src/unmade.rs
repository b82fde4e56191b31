//! Worktrees that git was killed over while it made them.

use std::fs;
use std::path::Path;

use oarlock_host::file::{Links, read_small};

/// The longest file of git about a worktree that is read, in bytes.
const ADMIN_BYTES_MAX: u64 = 64 << 10;

/// Takes the lock away from worktrees that git was killed over while it made them: `git worktree prune` leaves locked ones alone, also when they
/// are not there. Only those that are ours, by the path of their `.git`.
pub(crate) fn unlock_unmade(common: &Path, is_ours: &dyn Fn(&Path) -> bool) {
    for entry in fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten() {
        let admin = entry.path();
        let text = |name: &str| read_small(&admin.join(name), ADMIN_BYTES_MAX, Links::Refused).ok().flatten();
        let named = text("gitdir").and_then(|bytes| String::from_utf8(bytes).ok());
        let dot_git = named.as_deref().map(|named| Path::new(named.trim_end_matches(['\n', '\r'])));
        let is_unmade = text("locked").is_some_and(|why| why.starts_with(b"initializing"));
        if is_unmade && dot_git.is_some_and(|path| is_ours(path) && path.symlink_metadata().is_err()) {
            // If it stays, git says so where it is in the way.
            let _ = fs::remove_file(admin.join("locked"));
        }
    }
}
