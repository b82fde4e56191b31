//! The parts of `cargo xtask scripts` that its oracle and its race use as well: the project, its size, and calls of the program.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::output::Outcome;

/// The first argument of a process of ours.
pub(crate) const WORKER: &str = "scripts-worker";

/// Agents of ours that use the store.
pub(super) const AGENTS: usize = 6;
/// Agents of ours that write states into the file themselves.
pub(super) const WRITERS: usize = 2;

/// The project in which everything happens.
pub(super) struct Place {
    pub(super) root: PathBuf,
    pub(super) communications: PathBuf,
    /// Once this file exists, every writer stops.
    pub(super) stop: PathBuf,
    pub(super) program: PathBuf,
}

impl Place {
    /// The reply of a call in the project.
    ///
    /// # Errors
    /// The call fails, or its reply is not JSON.
    pub(super) fn oarlock(&self, arguments: &[&str]) -> Outcome<Value> {
        Ok(serde_json::from_str(&call(&self.program, &self.root, arguments)?)?)
    }
}

/// The reply of `program` in the project at `root`, as JSON text.
///
/// # Errors
/// The call fails.
pub(super) fn call(program: &Path, root: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(program).args(arguments).arg("--json").current_dir(root).env_remove("OARLOCK_AGENT").output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}
