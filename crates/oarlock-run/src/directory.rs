//! The directory in which a worker runs its program: it may be removed below it, as a worktree is by `git worktree remove --force`. Then
//! every program would fail at once, and a queue of tasks would be used up within seconds.

use std::path::{Path, PathBuf};

use oarlock_model::ident::shown;
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;

/// The directory in which the process was when the worker began.
#[derive(Clone, Debug)]
pub(crate) struct WorkingDirectory {
    /// For people: a process stays where it is, whatever its path becomes.
    path: PathBuf,
}

impl WorkingDirectory {
    /// The current directory.
    ///
    /// # Errors
    /// `invalid_request`: it is gone.
    pub(crate) fn current() -> Result<Self, OpError> {
        let here = Self { path: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")) };
        here.check().map(|()| here)
    }

    /// Its path when the worker began.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is still there.
    ///
    /// # Errors
    /// `invalid_request`: it is gone. Nothing can be run in it any more.
    pub(crate) fn check(&self) -> Result<(), OpError> {
        if !is_gone() || seeded::is(seeded::DIRECTORY_UNSEEN) {
            return Ok(());
        }
        let message = format!("the working directory {} is gone", shown(&self.path.to_string_lossy()));
        Err(Rejection::invalid(message, "start the worker again in a directory that is there; no task was used up").into())
    }
}

/// Whether the current directory was removed, or cannot be reached any more. A directory that was only renamed is there.
fn is_gone() -> bool {
    match std::env::current_dir() {
        // Linux says so of a directory outside of what the process sees (getcwd(2)).
        Ok(path) => !path.is_absolute(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
