//! Which project a call means, and what is said where there is none.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_ralf::{LocateError, below, is_project};
use serde_json::json;

use crate::cli::output::{Output, note};
use crate::project::current_dir;
use crate::ralf::locate;

/// The project that is meant where none is named. One that lies below the current directory's repository is told.
pub(super) fn here(output: &Output) -> Result<PathBuf, OpError> {
    let located = locate(&current_dir()?).map_err(not_located)?;
    // In JSON its root stands in the reply.
    if located.is_below && !output.json && !output.quiet {
        note(&format!("the project is {}", located.root.display()));
    }
    Ok(located.root)
}

/// Refuses a folder that has no files of RALF agents, and names the projects below it.
pub(super) fn check_project(root: &Path) -> Result<(), OpError> {
    if root.is_dir() && is_project(root) {
        return Ok(());
    }
    Err(without_files(root))
}

/// What is said of a folder in which nothing was found.
pub(super) fn without_files(root: &Path) -> OpError {
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

/// What the operating system says of a path.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> OpError {
    if error.kind() == ErrorKind::NotFound {
        return Rejection::not_found("file or folder", path.display()).into();
    }
    OpError::Damaged {
        message: format!("{} cannot be read: {error}", path.display()),
        hint: "look at its permissions".into(),
        details: json!({"file": path}),
    }
}
