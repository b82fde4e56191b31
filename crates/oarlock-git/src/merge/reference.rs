//! Moving the target: its reference by its old value, or in the worktree that has it checked out.

use std::path::{Path, PathBuf};

use super::git::{MergeRepository, failed, output, text};
use crate::program::{GitFailed, HOOKS_MAX, output_that_survives, too_slow};

/// The outcome of moving a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is at the new commit.
    Moved,
    /// Somebody else has moved it meanwhile.
    Stale,
    /// It is checked out, and files of that worktree are in the way; nothing has moved.
    Blocked {
        /// The worktree.
        worktree: PathBuf,
        /// The obstacle: paths with changes, or git's message.
        why: String,
    },
}

/// Moves a worktree with its branch, whatever the user has set for merges, and overwrites nothing that git does not track: also not what it ignores.
const FAST_FORWARD: [&str; 8] =
    ["merge", "--ff-only", "--no-squash", "--no-overwrite-ignore", "--no-verify-signatures", "--quiet", "--no-stat", "--no-autostash"];

/// Paths with changes that a message names.
const NAMED_MAX: usize = 5;

impl MergeRepository {
    /// Moves a branch from its old commit to a new one, which has the old one as its first parent.
    ///
    /// # Errors
    /// Git fails, or a hook of the repository refuses.
    pub fn move_branch(&self, branch: &str, new: &str, old: &str) -> Result<Moved, GitFailed> {
        match self.checked_out_at(branch)? {
            Some(worktree) => self.fast_forward(&worktree, branch, new, old),
            None => self.update(branch, new, old),
        }
    }

    fn update(&self, branch: &str, new: &str, old: &str) -> Result<Moved, GitFailed> {
        let reference = format!("refs/heads/{branch}");
        let command = self.git(&["update-ref", "-m", "oarlock: landing", &reference, new, old]);
        let moved = output(&mut self.locked(command))?;
        if moved.status.success() {
            return Ok(Moved::Moved);
        }
        match self.tip(branch)? {
            Some(tip) if tip == old => Err(failed(&moved)),
            // A hook or a person may have committed on top of it by now.
            Some(tip) if self.is_in(new, &tip)? => Ok(Moved::Moved),
            _ => Ok(Moved::Stale),
        }
    }

    /// The worktree in which a branch is checked out.
    ///
    /// # Errors
    /// Git fails.
    pub fn checked_out_at(&self, branch: &str) -> Result<Option<PathBuf>, GitFailed> {
        // Without the fixed settings, of which one calls the repository bare.
        let mut command = Self::git_in(self.common_dir(), &["worktree", "list", "--porcelain", "-z"]);
        let listed = text(&mut command)?;
        let wanted = format!("branch refs/heads/{branch}");
        let mut at = None;
        for line in listed.split('\0') {
            if let Some(path) = line.strip_prefix("worktree ") {
                at = Some(PathBuf::from(path));
            } else if line == wanted {
                return Ok(at.filter(|path| path.exists()));
            }
        }
        Ok(None)
    }

    /// The obstacle to moving a branch that is checked out to `new`, as far as it shows without trying: the worktree, and why. An untracked
    /// file is in the way where `new` has one of its name.
    ///
    /// # Errors
    /// Git fails.
    pub fn in_the_way(&self, branch: &str, new: &str, old: &str) -> Result<Option<(PathBuf, String)>, GitFailed> {
        let Some(worktree) = self.checked_out_at(branch)? else { return Ok(None) };
        if let Some(why) = Self::changed_in(&worktree)? {
            return Ok(Some((worktree, why)));
        }
        let added = self.ask(&["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A", old, new])?;
        let in_the_way = added.split('\0').find(|path| !path.is_empty() && worktree.join(path).symlink_metadata().is_ok());
        Ok(in_the_way.map(|path| format!("the untracked {path} is in the way")).map(|why| (worktree, why)))
    }

    /// The changes of tracked files in a worktree, in words.
    fn changed_in(worktree: &Path) -> Result<Option<String>, GitFailed> {
        let changed = text(&mut Self::git_in(
            worktree,
            &["status", "--porcelain", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=none"],
        ))?;
        let changed: Vec<&str> = changed.split('\0').filter_map(|line| line.get(3..)).filter(|path| !path.is_empty()).collect();
        if changed.is_empty() {
            return Ok(None);
        }
        let named = changed.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
        let more = changed.len().saturating_sub(NAMED_MAX);
        Ok(Some(if more > 0 {
            format!("{named} and {more} more have uncommitted changes")
        } else {
            format!("uncommitted changes in {named}")
        }))
    }

    fn fast_forward(&self, worktree: &Path, branch: &str, new: &str, old: &str) -> Result<Moved, GitFailed> {
        let blocked = |why: String| Ok(Moved::Blocked { worktree: worktree.to_owned(), why });
        if let Some(why) = Self::changed_in(worktree)? {
            return blocked(why);
        }
        let head = text(&mut Self::git_in(worktree, &["symbolic-ref", "--quiet", "HEAD"])).unwrap_or_default();
        if head.trim() != format!("refs/heads/{branch}") || self.tip(branch)?.as_deref() != Some(old) {
            return Ok(Moved::Stale);
        }
        let mut command = Self::git_in(worktree, &FAST_FORWARD);
        command.arg(new);
        let merged =
            output_that_survives(self.locked(command), HOOKS_MAX).map_err(|error| GitFailed(format!("git cannot be started: {error}")))?;
        let said = || merged.as_ref().map_or_else(too_slow, |merged| failed(merged).0);
        match self.tip(branch)? {
            Some(tip) if self.is_in(new, &tip)? => Ok(Moved::Moved),
            Some(tip) if tip == old => blocked(said().lines().map(str::trim).collect::<Vec<_>>().join(" ")),
            _ => Ok(Moved::Stale),
        }
    }
}
