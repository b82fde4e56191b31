//! Starting git.

use std::fmt;
use std::path::Path;
use std::process::Command;

/// Why git did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitFailed(pub(crate) String);

impl fmt::Display for GitFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GitFailed {}

/// What git prints, asked in `dir`, or in the current directory.
///
/// # Errors
/// There is no git, or it ends with an error, whose text is told.
pub(crate) fn ask(dir: Option<&Path>, args: &[&str]) -> Result<String, GitFailed> {
    let mut command = Command::new("git");
    if let Some(dir) = dir {
        command.arg("-C").arg(dir);
    }
    answer(command.args(args))
}

/// The same of the repository around `dir`, whatever repository the environment names.
pub(crate) fn ask_around(dir: &Path, args: &[&str]) -> Result<String, GitFailed> {
    let mut command = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    answer(command.arg("-C").arg(dir).args(args))
}

fn answer(command: &mut Command) -> Result<String, GitFailed> {
    let run = command.output().map_err(|error| GitFailed(error.to_string()))?;
    if !run.status.success() {
        return Err(GitFailed(String::from_utf8_lossy(&run.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&run.stdout).into_owned())
}
