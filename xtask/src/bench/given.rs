//! The settings of every bench: where stores are made, and the program that users run.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::output::Outcome;

/// The hidden command by which a bench starts itself again as another process.
pub(crate) const WORKER: &str = "bench-worker";

/// The settings of every bench.
pub(super) struct Bench {
    /// Whether small numbers are enough.
    pub(super) quick: bool,
    /// Where stores are made.
    pub(super) dir: PathBuf,
    /// The program that users run.
    pub(super) program: PathBuf,
}

impl Bench {
    /// A number for a quick run, or for a full one.
    pub(super) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// A new folder that is gone when it is dropped.
    pub(super) fn fresh_dir(&self) -> Outcome<TempDir> {
        Ok(tempfile::Builder::new().prefix("oarlock-bench-").tempdir_in(&self.dir)?)
    }

    /// The program that users run.
    ///
    /// # Errors
    /// It was not built.
    pub(super) fn program(&self) -> Outcome<&Path> {
        if self.program.is_file() {
            return Ok(&self.program);
        }
        Err(format!("{} is not built", self.program.file_name().unwrap_or_default().to_string_lossy()).into())
    }

    /// A call of the program that users run, in the project at `root`.
    ///
    /// # Errors
    /// It was not built.
    pub(super) fn oarlock(&self, root: &Path, arguments: &[&str]) -> Outcome<Command> {
        let mut command = plain(self.program()?, root);
        command.args(arguments);
        Ok(command)
    }
}

/// A command that inherits nothing by which it could act differently from one machine to the next.
pub(super) fn plain(program: &Path, root: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", root).current_dir(root);
    command
}
