//! Making a store, and taking a project away.

use oarlock_model::{Label, Rejection, limits};
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use oarlock_sqlite::Options;
use serde::Serialize;
use serde_json::json;
use std::fs;
use std::io;
use std::path::Path;

use crate::opening::create;
use crate::paths::PROJECT_DIR;
use crate::project::{Project, TASK_PREFIX};
use crate::trust;
use crate::whereabouts::StoreTarget;

/// The reply of `init`.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// The project.
    pub project: MadeProject,
}

/// The project that is there now.
#[derive(Clone, Debug, Serialize)]
pub struct MadeProject {
    /// Its root directory.
    pub root: String,
    /// The store, as `--store` takes it.
    pub store: String,
    /// Whether it was not there before.
    pub created: bool,
    /// Stores of the same repository that are not at its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_stores: Vec<String>,
}

/// Makes the store of this place, with the directory around it, unless it is there. `prefix` is that of made-up task ids; a store that came with
/// the repository is used only if the caller accepts it.
///
/// # Errors
/// `state_conflict` for another prefix than the store has, `denied` for a store that may be somebody else's, those of the store.
pub fn make(target: &StoreTarget, prefix: Option<&Label>, accept: bool, options: Options) -> Result<Made, OpError> {
    let wanted = prefix.map_or(TASK_PREFIX, Label::as_str);
    if wanted.len() > limits::TASK_PREFIX_BYTES_MAX {
        let message = format!("the prefix is longer than {} characters", limits::TASK_PREFIX_BYTES_MAX);
        return Err(Rejection::invalid(message, "use a short one, for example T").into());
    }
    if let Some(project) = target.project() {
        project.check_single()?;
        project.make_dir()?;
    }
    if accept {
        trust::check_acceptable(target.place())?
    } else {
        trust::check(target.place())?
    }
    let (mut store, created) = create(target.place(), wanted, options)?;
    let root = target.project().map_or_else(|| target.place().dir().to_owned(), |project: &Project| project.root().to_owned());
    trust::remember(target.place(), store.identity().id())?;
    let known = store.snapshot()?.task_prefix()?;
    if prefix.is_some() && known != wanted {
        return Err(Rejection::Conflict {
            message: format!("the project in {} has the prefix {known}, not {wanted}", root.display()),
            hint: format!("a prefix is chosen once, with the project: leave --prefix out, or give ids such as {wanted}-1 with `add --id`"),
            details: json!({"root": root.display().to_string(), "prefix": known, "wanted": wanted}),
        }
        .into());
    }
    let root = root.display().to_string();
    Ok(Made { project: MadeProject { root, store: target.url(), created, other_stores: target.other_stores() } })
}

/// Removes a project's directory with everything in it but the files that git tracks, whose names are returned. Its worktrees are gone
/// already. A call that is cut off leaves a directory that can be removed again.
///
/// # Errors
/// `not_found` without the directory, `state_conflict` while worktrees are in it, `store_unavailable` when something cannot be removed.
pub fn forget(project: &Project) -> Result<Vec<String>, OpError> {
    let dir = project.dir();
    if !dir.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Err(Rejection::Missing {
            message: format!("there is no project in {}", project.root().display()),
            hint: "`oarlock init` makes one".into(),
        }
        .into());
    }
    let failed = |path: &Path, error: &io::Error| StoreError::Unavailable {
        message: format!("failed to remove {}: {error}", path.display()),
        hint: "make it writable for this user, then run it again: it removes the rest".into(),
    };
    let worktrees = dir.join("worktrees");
    let has_worktrees =
        fs::read_dir(&worktrees).into_iter().flatten().flatten().any(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    if has_worktrees {
        return Err(Rejection::Conflict {
            message: format!("there are still worktrees in {}", worktrees.display()),
            hint: "run it again: it looks at them first".into(),
            details: json!({"place": worktrees.display().to_string()}),
        }
        .into());
    }
    let tracked = oarlock_git::top_around(project.root())
        .and_then(|top| {
            let inside = dir.strip_prefix(&top).ok().and_then(oarlock_git::slashed)?;
            let names = oarlock_git::tracked(&top, &inside).ok().flatten()?;
            Some(names.iter().filter_map(|name| name.strip_prefix(&inside)?.strip_prefix('/').map(str::to_owned)).collect::<Vec<_>>())
        })
        .unwrap_or_default();
    let is_kept = |name: &str| tracked.iter().any(|path| path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('/')));
    // The store first: while a part of it is there, somebody could open it.
    let mut names: Vec<_> = fs::read_dir(&dir).map_err(|error| failed(&dir, &error))?.flatten().map(|entry| entry.file_name()).collect();
    names.sort_by_key(|name| !name.to_string_lossy().starts_with(oarlock_sqlite::STORE_FILE));
    for name in names.iter().filter(|name| !is_kept(&name.to_string_lossy())) {
        let path = dir.join(name);
        let is_dir = path.symlink_metadata().is_ok_and(|found| found.is_dir());
        let removed = if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&path, &error).into()),
            _ => {}
        }
    }
    match fs::remove_dir(&dir) {
        Err(error) if tracked.is_empty() && error.kind() != io::ErrorKind::NotFound => Err(failed(&dir, &error).into()),
        _ => Ok(tracked.iter().map(|name| format!("{PROJECT_DIR}/{name}")).collect()),
    }
}
