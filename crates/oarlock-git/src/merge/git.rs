//! Starting git for a merge: in the directory that all worktrees share, with fixed settings.

use std::cell::OnceCell;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::program::{GitFailed, OLDEST, REPOSITORY_VARIABLES, ask_around, output_of, version_of};
use crate::unmade::unlock_unmade;

/// Settings that decide what a merge is. Those of the user would make the same candidate another one on another machine.
pub(crate) const SETTINGS: [&str; 12] = [
    "merge.renames=true",
    "merge.renameLimit=7000",
    "merge.directoryRenames=conflict",
    "merge.conflictStyle=merge",
    "merge.renormalize=false",
    "merge.default=text",
    "merge.verbosity=2",
    "diff.renames=true",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "core.logAllRefUpdates=true",
    "i18n.commitEncoding=UTF-8",
];

/// A repository in which candidates are merged.
#[derive(Debug)]
pub struct MergeRepository {
    common: PathBuf,
    /// While it is open in any process, its lock is held: a git that moves a branch has it as its standard input.
    lock: Option<File>,
    /// Where new objects go instead of the repository's own directory, which it names as its alternate.
    objects: Option<PathBuf>,
    /// Whether git knows who commits, once it was asked.
    pub(super) has_identity: OnceCell<bool>,
    /// The version of git, once it was asked for.
    version: OnceCell<(u32, u32)>,
}

impl MergeRepository {
    /// The repository around `dir`.
    ///
    /// # Errors
    /// There is no git, an older one than 2.38, or no repository.
    pub fn around(dir: &Path) -> Result<Self, GitFailed> {
        let version = ask_around(dir, &["version"]).map_err(|error| GitFailed(format!("git cannot be started: {error}")))?;
        let Some(known) = version_of(&version).filter(|version| *version >= OLDEST) else {
            return Err(GitFailed(format!("{} is too old: landing needs git {}.{} or newer", version.trim(), OLDEST.0, OLDEST.1)));
        };
        let common = ask_around(dir, &["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
        Ok(Self {
            common: PathBuf::from(common.trim_end_matches('\n')),
            lock: None,
            objects: None,
            has_identity: OnceCell::new(),
            version: OnceCell::from(known),
        })
    }

    /// The repository whose worktrees share this directory; git is there and new enough.
    pub(crate) fn at(common: &Path) -> Self {
        Self { common: common.to_owned(), lock: None, objects: None, has_identity: OnceCell::new(), version: OnceCell::new() }
    }

    /// With a directory for objects of its own: a merge that is only shown leaves nothing in the repository.
    pub(crate) fn with_objects(mut self, dir: &Path) -> Self {
        self.objects = Some(dir.to_owned());
        self
    }

    /// The version of git.
    pub(crate) fn version(&self) -> Result<(u32, u32), GitFailed> {
        if let Some(known) = self.version.get() {
            return Ok(*known);
        }
        let version = self.ask(&["version"])?;
        let known = version_of(&version).ok_or_else(|| GitFailed(format!("the version of git is not known: {}", version.trim())))?;
        Ok(*self.version.get_or_init(|| known))
    }

    /// The same where this is the version of git.
    pub(crate) fn taken_for(common: &Path, version: (u32, u32)) -> Self {
        Self { version: OnceCell::from(version), ..Self::at(common) }
    }

    /// The directory that all worktrees share.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        &self.common
    }

    /// Lets git forget worktrees whose directories are gone. What git makes of it is of no consequence.
    pub fn forget_gone_worktrees(&self) {
        let is_ours =
            |path: &Path| ["worktrees", "landing"].iter().any(|dir| path.to_string_lossy().contains(&format!("/.oarlock/{dir}/")));
        unlock_unmade(&self.common, &is_ours);
        let _ = output(&mut Self::git_in(&self.common, &["worktree", "prune"]));
    }

    /// Keeps this lock in every git that moves a branch, so that it is held until the last of them has ended, even when this process dies first.
    pub fn hold(&mut self, lock: File) {
        self.lock = Some(lock);
    }

    /// Git with the fixed settings, on no worktree.
    pub(crate) fn git(&self, args: &[&str]) -> Command {
        self.git_at(None, args)
    }

    /// The same, taking a directory for its worktree: files of attributes are read there.
    pub(super) fn git_at(&self, worktree: Option<&Path>, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        for variable in REPOSITORY_VARIABLES {
            command.env_remove(variable);
        }
        command.env("LC_ALL", "C").env("GIT_ATTR_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.current_dir(worktree.unwrap_or(&self.common)).arg("--git-dir").arg(&self.common);
        if let Some(worktree) = worktree {
            command.arg("--work-tree").arg(worktree);
        }
        let is_bare = if worktree.is_some() { "core.bare=false" } else { "core.bare=true" };
        for setting in SETTINGS.into_iter().chain([is_bare]) {
            command.args(["-c", setting]);
        }
        command.envs(self.objects.iter().map(|dir| ("GIT_OBJECT_DIRECTORY", dir)));
        command.args(args).stdin(Stdio::null());
        command
    }

    /// Git in a worktree, with the settings of the user.
    pub(crate) fn git_in(dir: &Path, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        for variable in REPOSITORY_VARIABLES {
            command.env_remove(variable);
        }
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").arg("-C").arg(dir).args(args).stdin(Stdio::null());
        command
    }

    /// Lets a git that moves a branch hold the lock of its target.
    pub(crate) fn locked(&self, mut command: Command) -> Command {
        if let Some(lock) = self.lock.as_ref().and_then(|lock| lock.try_clone().ok()) {
            command.stdin(Stdio::from(lock));
        }
        command
    }

    /// The output of git.
    pub(crate) fn ask(&self, args: &[&str]) -> Result<String, GitFailed> {
        text(&mut self.git(args))
    }

    /// The output of git when it succeeds; none at exit status 1, which means no.
    pub(crate) fn ask_maybe(&self, args: &[&str]) -> Result<Option<String>, GitFailed> {
        let output = output(&mut self.git(args))?;
        match output.status.code() {
            Some(0) => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
            Some(1) => Ok(None),
            _ => Err(failed(&output)),
        }
    }

    /// The output of git for an input.
    pub(crate) fn feed(&self, args: &[&str], input: &str, variables: &[(&str, &str)]) -> Result<String, GitFailed> {
        let mut command = self.git(args);
        command.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| GitFailed(error.to_string()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // Git reports the fault itself when it does not read to the end.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| GitFailed(error.to_string()))?;
        if output.status.success() { Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()) } else { Err(failed(&output)) }
    }

    /// The tip of a branch; none where there is no such branch, or no commit yet.
    ///
    /// # Errors
    /// Git fails.
    pub fn tip(&self, branch: &str) -> Result<Option<String>, GitFailed> {
        self.object(&format!("refs/heads/{branch}^{{commit}}"))
    }

    /// The hash of a commit, if the repository has it.
    ///
    /// # Errors
    /// Git fails.
    pub fn commit(&self, hash: &str) -> Result<Option<String>, GitFailed> {
        self.object(&format!("{hash}^{{commit}}"))
    }

    /// The tree of a commit.
    ///
    /// # Errors
    /// Git fails.
    pub fn tree_of(&self, commit: &str) -> Result<String, GitFailed> {
        let tree = self.object(&format!("{commit}^{{tree}}"))?;
        tree.ok_or_else(|| GitFailed(format!("commit {commit} has no tree here")))
    }

    fn object(&self, named: &str) -> Result<Option<String>, GitFailed> {
        let found = self.ask_maybe(&["rev-parse", "--verify", "--quiet", "--end-of-options", named])?;
        Ok(found.map(|found| found.trim().to_owned()).filter(|found| !found.is_empty()))
    }

    /// Whether a commit is in the history of another one, or is that one.
    ///
    /// # Errors
    /// Git fails.
    pub fn is_in(&self, commit: &str, tip: &str) -> Result<bool, GitFailed> {
        Ok(self.ask_maybe(&["merge-base", "--is-ancestor", commit, tip])?.is_some())
    }

    /// The newest common ancestor of two commits; none when they have none.
    ///
    /// # Errors
    /// Git fails.
    pub fn merge_base(&self, one: &str, other: &str) -> Result<Option<String>, GitFailed> {
        Ok(self.ask_maybe(&["merge-base", one, other])?.map(|base| base.trim().to_owned()))
    }
}

pub(crate) fn output(command: &mut Command) -> Result<Output, GitFailed> {
    output_of(command).map_err(|error| GitFailed(format!("git cannot be started: {error}")))
}

pub(crate) fn text(command: &mut Command) -> Result<String, GitFailed> {
    let output = output(command)?;
    if output.status.success() { Ok(String::from_utf8_lossy(&output.stdout).into_owned()) } else { Err(failed(&output)) }
}

pub(crate) fn failed(output: &Output) -> GitFailed {
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    GitFailed(if said.is_empty() { format!("git ended with {}", output.status) } else { said })
}
