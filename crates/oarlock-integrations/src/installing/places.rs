//! Where clients keep their files.

use crate::client::Client;
use crate::setup::Base;
use oarlock_client::user::{self, named};
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// The directories that files are looked for in.
#[derive(Clone, Debug)]
pub struct Places {
    /// The top of the worktree, or the current directory where there is none.
    pub project: PathBuf,
}

impl Places {
    /// Waits until no other set-up of this user runs: they share files and the journal. It ends with the returned guard; where nothing can
    /// be locked, there is none to wait for.
    pub fn alone(&self) -> Option<File> {
        let dir = home().ok().filter(|home| home.is_dir()).unwrap_or_else(|| self.project.clone());
        // Not every system opens directories; those that do not lock a file beside the journal.
        let place = File::open(dir).or_else(|error| {
            let own = user::state_dir().ok_or(error)?;
            oarlock_host::file::private_dir().recursive(true).create(&own)?;
            OpenOptions::new().create(true).read(true).append(true).open(own.join("setup.lock"))
        });
        let place = place.ok()?;
        place.lock().ok().map(|()| place)
    }

    /// The directory of a base.
    ///
    /// # Errors
    /// `invalid_request` without a home, or without a repository of git where its hooks are wanted.
    pub fn dir(&self, client: Client, base: Base) -> Result<PathBuf, OpError> {
        match base {
            Base::Project => Ok(self.project.clone()),
            // Claude Code keeps its servers beside its directory, unless that was moved.
            Base::Home => named("CLAUDE_CONFIG_DIR").map_or_else(home, Ok),
            Base::Client => client_dir(client),
            Base::GitHooks => git_hooks(&self.project),
        }
    }
}

fn home() -> Result<PathBuf, OpError> {
    user::home().ok_or_else(|| Rejection::invalid("there is no home directory", "set HOME, or use --scope project").into())
}

fn client_dir(client: Client) -> Result<PathBuf, OpError> {
    match client {
        Client::Claude => named("CLAUDE_CONFIG_DIR").map_or_else(|| home().map(|home| home.join(".claude")), Ok),
        Client::Codex => named("CODEX_HOME").map_or_else(|| home().map(|home| home.join(".codex")), Ok),
        Client::Gemini => home().map(|home| home.join(".gemini")),
        // Also on Windows.
        Client::OpenCode => {
            named("XDG_CONFIG_HOME").map_or_else(|| home().map(|home| home.join(".config")), Ok).map(|config| config.join("opencode"))
        }
        Client::Cursor => home().map(|home| home.join(".cursor")),
        Client::VsCode if cfg!(target_os = "macos") => home().map(|home| home.join("Library/Application Support/Code/User")),
        Client::VsCode => user::config_base().map_or_else(home, Ok).map(|config| config.join("Code/User")),
        Client::Git => home(),
    }
}

/// The directory of git's hooks.
fn git_hooks(project: &Path) -> Result<PathBuf, OpError> {
    oarlock_git::hooks_dir(project)
        .map_err(|_| Rejection::invalid("this is not a git repository", "run it in one, or leave \"git\" out").into())
}
