//! The commits of submissions, each below a reference of its own: neither a deleted branch nor `git gc` loses what waits to land.

use std::path::Path;

use super::git::MergeRepository;
use crate::program::{GitFailed, ask_around};

/// Where they are, by the id of their task.
const PINNED: &str = "refs/oarlock/submitted/";
/// Where commits are kept that no branch has.
const KEPT: &str = "refs/oarlock/kept/";
/// A dot where git allows none. No id has this character.
const DOT: &str = "%2E";

/// The reference of a task's submission. Git refuses some names that ids may have: two dots, and one, or `.lock`, at the end.
fn reference(task: &str) -> String {
    let is_refused = task.contains("..") || task.ends_with('.') || task.to_ascii_lowercase().ends_with(".lock");
    format!("{PINNED}{}", if is_refused { task.replace('.', DOT) } else { task.to_owned() })
}

/// Keeps the submitted commit of a task in the repository around `dir`, instead of the one that it submitted before.
///
/// # Errors
/// Git fails: the repository does not have the commit, among others.
pub fn pin_submission(dir: &Path, task: &str, commit: &str) -> Result<(), GitFailed> {
    ask_around(dir, &["update-ref", "-m", "oarlock: submitted", &reference(task), commit]).map(drop)
}

impl MergeRepository {
    /// Keeps the submitted commit of a task, as [`pin_submission`] does.
    ///
    /// # Errors
    /// Git fails: the repository does not have the commit, among others.
    pub fn pin(&self, task: &str, commit: &str) -> Result<(), GitFailed> {
        pin_submission(self.common_dir(), task, commit)
    }

    /// The submitted commits that are kept: task and commit.
    ///
    /// # Errors
    /// Git fails.
    pub fn pinned(&self) -> Result<Vec<(String, String)>, GitFailed> {
        let listed = self.ask(&["for-each-ref", "--format=%(refname) %(objectname)", PINNED])?;
        let read = |line: &str| {
            let (name, commit) = line.split_once(' ')?;
            Some((name.strip_prefix(PINNED)?.replace(DOT, "."), commit.to_owned()))
        };
        Ok(listed.lines().filter_map(read).collect())
    }

    /// Lets go of submitted commits, by task, that a branch has.
    ///
    /// # Errors
    /// Git fails. They are still kept, then.
    pub fn unpin_landed(&self, landed: &[(&str, &str)]) -> Result<(), GitFailed> {
        let lines: String = landed.iter().map(|(task, commit)| format!("delete {} {commit}\n", reference(task))).collect();
        self.feed(&["update-ref", "--stdin"], &lines, &[]).map(drop)
    }

    /// Lets go of the submitted commit of a task. A commit that no branch, tag or other reference has goes on below `refs/oarlock/kept`.
    ///
    /// # Errors
    /// Git fails. The commit is still kept, then.
    pub fn unpin(&self, task: &str, commit: &str) -> Result<(), GitFailed> {
        let own = reference(task);
        let having = self.ask(&["for-each-ref", "--count=2", "--format=%(refname)", "--contains", commit])?;
        if having.lines().all(|name| name == own) {
            let kept = format!("{KEPT}{}/{}", own.trim_start_matches(PINNED), commit.get(..10).unwrap_or(commit));
            self.ask(&["update-ref", &kept, commit])?;
        }
        self.ask(&["update-ref", "-d", &own, commit]).map(drop)
    }
}
