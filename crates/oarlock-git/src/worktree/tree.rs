//! Commits without a worktree: which contains which, and new ones from trees.

use crate::program::{Git, GitFailed};

/// The one of two commits that contains the other, if one does.
///
/// # Errors
/// Git fails: the commits have nothing in common, or objects are missing.
pub(crate) fn containing(git: &Git, ours: &str, theirs: &str) -> Result<Option<String>, GitFailed> {
    if ours == theirs {
        return Ok(Some(ours.to_owned()));
    }
    let base = git.run(&["merge-base", ours, theirs])?;
    match (base.code, base.printed.trim()) {
        (Some(0), base) if base == theirs => Ok(Some(ours.to_owned())),
        (Some(0), base) if base == ours => Ok(Some(theirs.to_owned())),
        (Some(0), _) => Ok(None),
        (Some(1), _) => {
            let shallow = git.ask(&["rev-parse", "--is-shallow-repository"])? == "true";
            let why = if shallow { "; the repository is shallow: `git fetch --unshallow` gets the rest of its history" } else { "" };
            Err(GitFailed(format!("{} and {} have no commit in common{why}", short(ours), short(theirs))))
        }
        _ => Err(base.failed()),
    }
}

/// Makes a commit of a tree. `git` has an identity.
///
/// # Errors
/// Git fails.
pub(crate) fn commit(git: &Git, tree: &str, parents: &[&str], message: &str) -> Result<String, GitFailed> {
    let mut words = vec!["-c", "commit.gpgSign=false", "commit-tree", tree, "-m", message];
    parents.iter().for_each(|parent| words.extend(["-p", parent]));
    git.ask(&words)
}

/// Whether `old` is `new` or one of its ancestors.
///
/// # Errors
/// Git fails.
pub(crate) fn contains(git: &Git, new: &str, old: &str) -> Result<bool, GitFailed> {
    if new == old { Ok(true) } else { git.says(&["merge-base", "--is-ancestor", old, new]) }
}

/// The first characters of a commit's name, for people and for references.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
