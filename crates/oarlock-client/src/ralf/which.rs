//! Which project a call means, and the message where there is none.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_plan::Floor;
use oarlock_ralf::{FLOOR, Files, LocateError, Located, SyncState, VARIABLES, below, is_project};
use serde_json::json;

use crate::paths::current_dir;

/// The root of the project of RALF's that `dir` lies in: the nearest folder upward with `.autonomous` or `tasks/active` in it.
#[must_use]
pub fn find_root(dir: &Path) -> Option<PathBuf> {
    Files::find_root(dir)
}

/// The project that is meant in `dir`: the one that RALF's own variables name, `RALF_PROJECT_DIR` before `RALF_PROJECT_ROOT`; else the nearest
/// upward; else the only one below the repository that `dir` is in.
///
/// # Errors
/// A variable names no project, or there is none, or there are several, which the error lists.
pub fn locate(dir: &Path) -> Result<Located, LocateError> {
    let named =
        VARIABLES.into_iter().filter_map(|name| Some((name, PathBuf::from(std::env::var_os(name).filter(|value| !value.is_empty())?))));
    oarlock_ralf::locate(dir, &named.collect::<Vec<_>>())
}

/// The root of that project, if there is one; else the nearest folder upward that is laid out as one.
#[must_use]
pub fn around(dir: &Path) -> Option<PathBuf> {
    match locate(dir) {
        Ok(located) => Some(located.root),
        Err(LocateError::None { .. }) => find_root(dir),
        Err(_) => None,
    }
}

/// The least that a task file must have to be split, if `named` is one of RALF's: a path, or the name of an open task of the project around
/// `here`.
#[must_use]
pub(crate) fn floor(named: &Path, here: &Path) -> Option<Floor> {
    let file = here.join(named);
    let root = if file.is_file() { find_root(file.parent()?)? } else { around(here)? };
    Files::new(root, Duration::ZERO).is_task(&file).then_some(FLOOR)
}

/// The project that is meant in the current directory, where none is named.
///
/// # Errors
/// `not_found` when there is none, `invalid_request` when there are several.
pub fn here() -> Result<Located, OpError> {
    locate(&current_dir()?).map_err(not_located)
}

/// Refuses a folder that has no files of RALF agents, and names the projects below it.
pub(super) fn check_project(root: &Path) -> Result<(), OpError> {
    if root.is_dir() && is_project(root) {
        return Ok(());
    }
    Err(without_files(root))
}

/// The message about a folder in which nothing was found.
pub fn without_files(root: &Path) -> OpError {
    let message = format!("{} has no files of RALF agents", root.display());
    let roots: Vec<String> = if root.is_dir() { below(root).iter().map(|root| root.display().to_string()).collect() } else { Vec::new() };
    let hint = if roots.is_empty() {
        "name the project's root, which has a folder .autonomous/communications, .autonomous/agents/communications or tasks/active".into()
    } else {
        format!("name one of the projects below it: {}", roots.join(", "))
    };
    Rejection::Missing { message, hint }.into()
}

fn not_located(error: LocateError) -> OpError {
    let message = error.to_string();
    match error {
        LocateError::Several { roots, .. } => {
            let hint = "name one of them, for example `oarlock ralf status PATH`, or set RALF_PROJECT_DIR".into();
            Rejection::Invalid { message, hint, details: json!({"projects": roots}) }.into()
        }
        LocateError::Named { variable, .. } => {
            Rejection::Missing { message, hint: format!("set {variable} to a project's root, or unset it") }.into()
        }
        LocateError::None { .. } => {
            let hint =
                "name the project's root, which has a folder .autonomous/communications, .autonomous/agents/communications or tasks/active";
            Rejection::Missing { message, hint: hint.into() }.into()
        }
    }
}

/// The operating system's error for a path.
pub fn unreadable(path: &Path, error: &std::io::Error) -> OpError {
    if error.kind() == ErrorKind::NotFound {
        return Rejection::not_found("file or folder", path.display()).into();
    }
    OpError::Damaged {
        message: format!("{} cannot be read: {error}", path.display()),
        hint: "check its permissions".into(),
        details: json!({"file": path}),
    }
}

/// The remembered state of the project that is attached to the store in `dir`, if one is.
///
/// # Errors
/// `data_damaged` when it cannot be read.
pub fn attached_beside(dir: &Path) -> Result<Option<SyncState>, OpError> {
    SyncState::read(dir).map_err(|error| OpError::Damaged {
        message: format!("{}: {error}", SyncState::file(dir).display()),
        hint: "remove the file and attach the project again".into(),
        details: json!({"file": SyncState::file(dir)}),
    })
}
