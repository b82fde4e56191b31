//! The submission of a task for landing: a branch's tip at this moment.
//!
//! Every `done` asks that, so git's own files are read; git is started for what they do not say.

use std::fs;
use std::path::Path;

use crate::program::{GitFailed, ask_around};
use crate::repository::{common_dir_around, git_dir_of};
use crate::worktree::top_around;

/// The longest file of packed references that is read, in bytes. With a larger one git is asked.
const PACKED_BYTES_MAX: u64 = 64 << 20;

/// A commit, with the branch whose tip it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The short name of the branch; absent for a commit that is checked out without one.
    pub branch: Option<String>,
    /// The full hash.
    pub commit: String,
}

/// The tip of a branch in the repository around `dir`.
///
/// # Errors
/// Git fails: there is no such branch, among others.
pub fn tip_of(dir: &Path, branch: &str) -> Result<Tip, GitFailed> {
    let reference = format!("refs/heads/{branch}^{{commit}}");
    let found = ask_around(dir, &["rev-parse", "--verify", "--quiet", "--end-of-options", &reference])?;
    Ok(Tip { branch: Some(branch.to_owned()), commit: found.trim().to_owned() })
}

/// The tip of the branch `own`, where there is one, else the checked-out commit of the worktree around `dir`. None outside of a repository, and
/// before the first commit.
#[must_use]
pub fn tip_here(dir: &Path, own: &str) -> Option<Tip> {
    let top = top_around(dir)?;
    let (git_dir, common) = (git_dir_of(&top)?, common_dir_around(&top)?);
    let of_branch = |branch: &str| {
        let commit = loose_or_packed(&common, &format!("refs/heads/{branch}")).or_else(|| Some(tip_of(dir, branch).ok()?.commit))?;
        Some(Tip { branch: Some(branch.to_owned()), commit })
    };
    if common.join("refs/heads").join(own).is_file() || is_packed(&common, &format!("refs/heads/{own}")) {
        return of_branch(own);
    }
    let head = fs::read_to_string(git_dir.join("HEAD")).ok()?;
    match head.trim().strip_prefix("ref:").map(str::trim) {
        None => is_hash(head.trim()).then(|| Tip { branch: None, commit: head.trim().to_owned() }),
        Some(reference) => match reference.strip_prefix("refs/heads/").filter(|name| !name.starts_with('.')) {
            Some(branch) => of_branch(branch),
            // Where references are in another format, the file says nothing.
            None => {
                let named = ask_around(dir, &["symbolic-ref", "--quiet", "--short", "HEAD"]).ok();
                tip_of(dir, named?.trim()).ok()
            }
        },
    }
}

/// The paths of tracked files with changes in the worktree around `dir`, none of which a submitted commit has; empty outside of a repository.
///
/// # Errors
/// Git fails.
pub fn uncommitted(dir: &Path) -> Result<Vec<String>, GitFailed> {
    if top_around(dir).is_none() {
        return Ok(Vec::new());
    }
    let listed = ask_around(dir, &["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no"])?;
    Ok(listed.split('\0').filter_map(|entry| entry.get(3..)).filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

fn loose_or_packed(common: &Path, reference: &str) -> Option<String> {
    let loose = fs::read_to_string(common.join(reference)).ok().map(|text| text.trim().to_owned());
    loose.filter(|text| is_hash(text)).or_else(|| packed(common, reference))
}

fn is_packed(common: &Path, reference: &str) -> bool {
    packed(common, reference).is_some()
}

/// The commit of a packed reference: lines of a hash, a blank and the name.
fn packed(common: &Path, reference: &str) -> Option<String> {
    let file = common.join("packed-refs");
    if fs::metadata(&file).ok()?.len() > PACKED_BYTES_MAX {
        return None;
    }
    let text = fs::read_to_string(&file).ok()?;
    let found = text.lines().find_map(|line| line.strip_suffix(reference)?.strip_suffix(' ').filter(|hash| is_hash(hash)));
    found.map(str::to_owned)
}

pub(crate) fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::testing::Sandbox;

    #[test]
    fn a_tip_is_found_loose_packed_detached_and_from_a_linked_worktree() {
        let sandbox = Sandbox::new();
        let dir = sandbox.dir();
        assert_eq!(tip_here(dir, "oarlock/T-1"), None, "unborn");
        let first = sandbox.commit("a", "1\n");
        let tip = |branch: Option<&str>, commit: &str| Some(Tip { branch: branch.map(str::to_owned), commit: commit.to_owned() });
        assert_eq!(tip_here(dir, "oarlock/T-1"), tip(Some("main"), &first));
        sandbox.git(&["branch", "oarlock/T-1"]);
        let second = sandbox.commit("a", "2\n");
        assert_eq!(tip_here(dir, "oarlock/T-1"), tip(Some("oarlock/T-1"), &first));
        sandbox.git(&["pack-refs", "--all"]);
        assert_eq!(tip_here(dir, "oarlock/T-1"), tip(Some("oarlock/T-1"), &first));
        assert_eq!(tip_here(dir, "oarlock/T-2"), tip(Some("main"), &second));
        let linked = sandbox.dir().join("linked");
        sandbox.git(&["worktree", "add", "-q", "-b", "feature/x", &linked.to_string_lossy(), &first]);
        assert_eq!(tip_here(&linked, "oarlock/T-2"), tip(Some("feature/x"), &first));
        assert_eq!(tip_of(&linked, "main").map(|tip| tip.commit), Ok(second));
        assert!(tip_of(dir, "nothing").is_err());
        sandbox.git(&["checkout", "-q", "--detach", &first]);
        assert_eq!(tip_here(dir, "oarlock/T-2"), tip(None, &first));
    }
}
