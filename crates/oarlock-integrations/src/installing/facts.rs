//! Facts about this machine that set-ups need.

use oarlock_git::{slashed, top_around};
use std::path::{Path, PathBuf};

use oarlock_host::file::canonical;

use super::places::Places;
use crate::setup::{Facts, Scope};

/// The facts for clients in these places; `project` is the directory of the project's own files, where there is a project.
#[must_use]
pub fn facts(places: &Places, project: Option<&Path>, scope: Scope) -> Facts {
    Facts { program: program(scope), store_dir: project.map(|dir| store_dir(dir, &places.project, scope)) }
}

/// Whether a directory is in a repository of git.
#[must_use]
pub fn is_in_git(dir: &Path) -> bool {
    top_around(dir).is_some()
}

/// The directory of the store as Codex reads it in its own file: in a file that others share, seen from the folder that this one is in, unless
/// the store is elsewhere, as that of a linked worktree is.
fn store_dir(dir: &Path, root: &Path, scope: Scope) -> String {
    let real = |path: &Path| canonical(path).unwrap_or_else(|_| path.to_owned());
    let (dir, root) = (real(dir), real(root));
    match dir.strip_prefix(&root).ok().filter(|_| scope == Scope::Project).and_then(slashed) {
        Some(inside) => format!("../{inside}"),
        None => dir.display().to_string(),
    }
}

/// The program as clients find it: by its name in files that others read too; in the user's own by its path, where the name leads elsewhere.
fn program(scope: Scope) -> String {
    let own = std::env::current_exe().and_then(|exe| canonical(&exe)).ok();
    let found = on_path("oarlock").and_then(|path| canonical(&path).ok());
    match own {
        Some(own) if scope == Scope::User && found.as_ref() != Some(&own) => own.display().to_string(),
        _ => "oarlock".into(),
    }
}

/// Where a program is on the PATH.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|dir| dir.join(&file)).find(|file| file.is_file())
}
