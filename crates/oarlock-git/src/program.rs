//! Starting git.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Environment variables that make git use another repository, worktree, index or attributes than those of its directory. Hooks and aliases of git
/// set them for what they start.
pub const REPOSITORY_VARIABLES: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_ATTR_SOURCE",
];

/// The oldest git that merges without a worktree (`git merge-tree --write-tree`).
pub(crate) const OLDEST: (u32, u32) = (2, 38);

/// No process stays behind to tidy the repository up, which could hold its locks: git as people start it does that.
const WITHOUT_MAINTENANCE: [&str; 2] = ["-c", "maintenance.auto=false"];

/// The longest error of git that is passed on, in characters. Its end is kept: the reason is in the last lines.
const ERROR_CHARS_MAX: usize = 2_000;

/// How often git is asked again where another process was just making or removing a worktree.
const AGAIN_MAX: u32 = 20;
/// The pause before it.
const AGAIN_PAUSE: Duration = Duration::from_millis(25);

/// Why git did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitFailed(pub(crate) String);

impl GitFailed {
    /// A failure that was found out otherwise, in words.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for GitFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GitFailed {}

/// The first two numbers of `git version 2.47.3`.
pub(crate) fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(2)?.split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// The output of git, asked in `dir`, or in the current directory.
///
/// # Errors
/// There is no git, or it ends with an error, whose text is reported.
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
    for variable in REPOSITORY_VARIABLES {
        command.env_remove(variable);
    }
    answer(command.arg("-C").arg(dir).args(args))
}

/// Runs git, and runs it again a few times where it met a worktree that another process had half made or half removed: git writes the files of
/// a worktree one after the other, reads those of all, and ends before it has done anything when one is empty.
pub(crate) fn output_of(command: &mut Command) -> io::Result<Output> {
    let mut output = command.output()?;
    for _ in 0..AGAIN_MAX {
        if output.status.success() || !is_half_made(&output.stderr) {
            break;
        }
        thread::sleep(AGAIN_PAUSE);
        output = command.output()?;
    }
    Ok(output)
}

/// Whether git complains about a file of a worktree that it could not read, in whatever language.
fn is_half_made(error: &[u8]) -> bool {
    let error = String::from_utf8_lossy(error);
    error.lines().any(|line| line.starts_with("fatal: ") && line.contains("/worktrees/") && line.contains("/commondir"))
}

fn answer(command: &mut Command) -> Result<String, GitFailed> {
    let run = output_of(command).map_err(|error| GitFailed(error.to_string()))?;
    if !run.status.success() {
        return Err(GitFailed(String::from_utf8_lossy(&run.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&run.stdout).into_owned())
}

/// Git, started in one directory. It uses the repository of that directory, whatever the environment names, and never asks a person.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    dir: PathBuf,
    variables: Vec<(OsString, OsString)>,
    /// Kept open by the started program, so that a lock on it lasts as long as that lives, also when we are killed.
    lock: Option<Arc<File>>,
}

/// The answer of git, whether it succeeded or not.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The exit status; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// The output. Names that are not UTF-8 are damaged here.
    pub(crate) printed: String,
    /// The error output, cut to its last 2,000 characters.
    pub(crate) error: String,
}

impl Git {
    pub(crate) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), variables: Vec::new(), lock: None }
    }

    /// With this variable in its environment.
    pub(crate) fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// With a lock that is kept while git runs.
    pub(crate) fn holding(mut self, lock: &Arc<File>) -> Self {
        self.lock = Some(Arc::clone(lock));
        self
    }

    /// The output of git, without the end of its last line.
    ///
    /// # Errors
    /// There is no git, or it fails; its own words are the error.
    pub(crate) fn ask<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String, GitFailed> {
        let answer = self.run(args)?;
        match answer.code {
            Some(0) => Ok(answer.printed.trim_end_matches(['\n', '\r']).to_owned()),
            _ => Err(answer.failed()),
        }
    }

    /// Whether git says yes (exit 0) or no (exit 1).
    ///
    /// # Errors
    /// There is no git, or it ends in another way.
    pub(crate) fn says<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<bool, GitFailed> {
        let answer = self.run(args)?;
        match answer.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(answer.failed()),
        }
    }

    /// Runs git and returns how it ended.
    ///
    /// # Errors
    /// There is no git.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Answer, GitFailed> {
        let mut command = Command::new("git");
        for variable in REPOSITORY_VARIABLES {
            command.env_remove(variable);
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_EDITOR", "true").envs(self.variables.iter().map(|(name, value)| (name, value)));
        // An empty file: what reads it finds its end at once.
        if let Some(lock) = self.lock.as_deref().and_then(|lock| lock.try_clone().ok()) {
            command.stdin(Stdio::from(lock));
        }
        command.arg("-C").arg(&self.dir).args(WITHOUT_MAINTENANCE).args(args);
        let Output { status, stdout, stderr } = output_of(&mut command).map_err(|error| {
            let what = if error.kind() == io::ErrorKind::NotFound {
                "git is not installed, or not in PATH".to_owned()
            } else {
                format!("git cannot be started: {error}")
            };
            GitFailed(what)
        })?;
        let error = String::from_utf8_lossy(&stderr).trim().to_owned();
        let cut = error.char_indices().rev().nth(ERROR_CHARS_MAX - 1).map_or(0, |(at, _)| at);
        Ok(Answer { code: status.code(), printed: String::from_utf8_lossy(&stdout).into_owned(), error: error[cut..].to_owned() })
    }
}

impl Answer {
    /// The failure that this answer is.
    pub(crate) fn failed(&self) -> GitFailed {
        let said = match (self.error.is_empty(), self.printed.trim().is_empty()) {
            (false, _) => self.error.clone(),
            (true, false) => self.printed.trim().chars().take(ERROR_CHARS_MAX).collect(),
            (true, true) => {
                self.code.map_or_else(|| "git was ended by a signal".to_owned(), |code| format!("git ended with exit status {code}"))
            }
        };
        GitFailed(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::testing::Sandbox;

    #[test]
    fn a_worktree_that_is_half_made_is_waited_for() {
        let sandbox = Sandbox::new();
        sandbox.commit("a", "1\n");
        let half = sandbox.dir().join(".git/worktrees/half");
        std::fs::create_dir_all(&half).expect("ours");
        for (name, text) in [("commondir", ""), ("gitdir", "/half/.git\n"), ("HEAD", "ref: refs/heads/half\n")] {
            std::fs::write(half.join(name), text).expect("ours");
        }
        let git = Git::at(sandbox.dir());
        let words = ["for-each-ref", "--format=%(worktreepath)"];
        let failed = git.ask(&words).expect_err("it is never made");
        assert!(is_half_made(failed.0.as_bytes()), "{failed}");
        thread::scope(|scope| {
            let asked = scope.spawn(|| git.ask(&words));
            std::fs::write(half.join("commondir"), "../..\n").expect("ours");
            assert!(asked.join().is_ok_and(|answer| answer.is_ok()));
        });
    }
}
