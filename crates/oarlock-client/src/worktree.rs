//! The repository that the caller is in, as far as a plan asks for it.

use oarlock_host::file::canonical;
use oarlock_ops::OpError;
use oarlock_ops::local::{Existing, Search};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::paths::with_links_resolved;
use crate::project::Project;
use oarlock_git::{slashed, top_around};

/// Most files and folders that are looked through.
const ENTRIES_MAX: usize = 200_000;
/// Most of them of which a list is made.
const LISTED_ENTRIES_MAX: usize = 50_000;
/// Folders that hold no work.
const SKIPPED: [&str; 4] = [".git", ".oarlock", "node_modules", "target"];

/// The top of the worktree or project that `dir` is in.
pub(crate) fn root(dir: &Path) -> Option<PathBuf> {
    top_around(dir).or_else(|| Project::around(dir).map(|project| project.root().to_owned()))
}

/// The top of the worktree that a directory is in: paths mean the same in each worktree of a repository.
pub fn worktree_of(dir: &Path) -> PathBuf {
    root(dir).unwrap_or_else(|| dir.to_owned())
}

/// The matches of `search` in the repository around `dir`; none outside a repository or for an empty search. Folders that cannot be
/// read are passed over: what they hold cannot be written either.
pub(crate) fn look_for(mut search: Search, dir: &Path) -> Result<Option<Existing>, OpError> {
    let Some(root) = root(dir).filter(|_| !search.is_empty()) else { return Ok(None) };
    let root = canonical(&root).unwrap_or(root);
    for path in search.paths().map(str::to_owned).collect::<Vec<_>>() {
        let named = root.join(&path);
        let real = with_links_resolved(&named);
        match real.strip_prefix(&root) {
            Err(_) => search.leads_outside(&path),
            Ok(inside) if named.exists() => {
                if let Some(real) = slashed(inside) {
                    search.see_as(&path, &real);
                }
            }
            Ok(_) => {}
        }
    }
    if walk(&root, ENTRIES_MAX, &mut |path| search.see(&path)).is_break() {
        search.is_cut();
    }
    Ok(Some(search.done()))
}

/// The files of the repository around `dir`, by their paths from its root: all but those of folders that hold no work, and no more than
/// the first of a very large one. None where there is no repository.
pub(crate) fn list_files(dir: &Path) -> Vec<String> {
    let Some(root) = root(dir) else { return Vec::new() };
    let mut files = Vec::new();
    // That a list is cut shows in its number of files; it helps a reader, and decides nothing.
    let _ = walk(&root, LISTED_ENTRIES_MAX, &mut |path| files.push(path));
    files
}

/// Shows each file to `see`, until `entries_max` files and folders were passed.
fn walk(root: &Path, entries_max: usize, see: &mut dyn FnMut(String)) -> ControlFlow<()> {
    let mut folders = vec![root.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > entries_max {
                return ControlFlow::Break(());
            }
            // A link to a folder is not followed: it could lead round in circles.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if !SKIPPED.iter().any(|name| entry.file_name() == *name) {
                    folders.push(entry.path());
                }
            } else if let Some(path) = entry.path().strip_prefix(root).ok().and_then(slashed) {
                see(path);
            }
        }
    }
    ControlFlow::Continue(())
}
