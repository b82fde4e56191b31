//! The worktree in which candidates are tested.

use std::path::{Path, PathBuf};

use super::git::{MergeRepository, text};
use crate::program::GitFailed;
use crate::unmade::unlock_unmade;

/// A worktree for tests, on no branch. It is removed with [`TestTree::remove`]; what a killed process left is used again.
#[derive(Debug)]
pub struct TestTree {
    dir: PathBuf,
    common: PathBuf,
}

impl TestTree {
    /// A worktree at `dir`, made when it is first needed.
    #[must_use]
    pub fn new(repository: &MergeRepository, dir: PathBuf) -> Self {
        Self { dir, common: repository.common_dir().to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Checks out a commit, and nothing else: whatever another test has left is removed, ignored files too.
    ///
    /// # Errors
    /// Git fails, or it is at another commit afterwards.
    pub fn check_out(&self, commit: &str) -> Result<(), GitFailed> {
        let checked_out = if self.dir.join(crate::DOT_GIT).exists() { self.reuse(commit) } else { Err(GitFailed(String::new())) };
        if checked_out.is_err() {
            self.remove();
            let dir = self.dir.to_string_lossy();
            text(&mut self.git(&self.common, &["worktree", "add", "--quiet", "--force", "--force", "--detach", &dir, commit]))?;
        }
        let head = text(&mut self.git(&self.dir, &["rev-parse", "HEAD"]))?;
        match head.trim() == commit {
            true => Ok(()),
            false => Err(GitFailed(format!("the test's worktree {} is at {}, not at {commit}", self.dir.display(), head.trim()))),
        }
    }

    fn reuse(&self, commit: &str) -> Result<(), GitFailed> {
        text(&mut self.git(&self.dir, &["checkout", "--quiet", "--force", "--detach", commit]))?;
        text(&mut self.git(&self.dir, &["reset", "--quiet", "--hard", commit]))?;
        text(&mut self.git(&self.dir, &["clean", "-ffdxq"])).map(drop)
    }

    /// Git without hooks: those of the user are for what the user does.
    fn git(&self, dir: &Path, args: &[&str]) -> std::process::Command {
        let mut all = vec!["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"];
        all.extend(args);
        MergeRepository::git_in(dir, &all)
    }

    /// Removes it.
    pub fn remove(&self) {
        let dir = self.dir.to_string_lossy();
        // What cannot be removed is used again, or says so when it is.
        let _ = text(&mut self.git(&self.common, &["worktree", "remove", "--force", "--force", &dir]));
        let _ = std::fs::remove_dir_all(&self.dir);
        let dot_git = self.dir.join(crate::DOT_GIT);
        unlock_unmade(&self.common, &|path| path == dot_git);
        let _ = text(&mut self.git(&self.common, &["worktree", "prune"]));
    }
}
