//! The repository that the caller stands in, as far as a plan asks for it.

use oarlock_host::file::canonical;
use oarlock_ops::OpError;
use oarlock_ops::local::{Existing, Search};
use std::path::{Path, PathBuf};

use crate::paths::with_links_resolved;
use crate::project::Project;
use oarlock_git::{slashed, top_around};

/// Most files and folders that are looked through.
const ENTRIES_MAX: usize = 200_000;
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

/// What the repository around `dir` has for `search`; nothing where there is none or where nothing is looked for. Folders that cannot be
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
    walk(&root, &mut search);
    Ok(Some(search.done()))
}

fn walk(root: &Path, search: &mut Search) {
    let mut folders = vec![root.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > ENTRIES_MAX {
                search.is_cut();
                return;
            }
            // A link to a folder is not followed: it could lead round in circles.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if !SKIPPED.iter().any(|name| entry.file_name() == *name) {
                    folders.push(entry.path());
                }
            } else if let Some(path) = entry.path().strip_prefix(root).ok().and_then(slashed) {
                search.see(&path);
            }
        }
    }
}
