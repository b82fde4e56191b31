//! The commit that git has checked out. It separates files that a checkout changed from files that somebody wrote.

use std::path::{Path, PathBuf};

use oarlock_host::file::{Links, read_small};

use crate::repository::git_dir_of;
use crate::worktree::top::top_around;

/// The longest such file that is read, in bytes.
const BYTES_MAX: u64 = 4 << 10;

/// The branch and the commit that are checked out where `dir` is; nothing outside of a repository, and no commit where git keeps it packed away.
#[must_use]
pub fn checked_out(dir: &Path) -> Option<String> {
    let git = git_dir_of(&top_around(dir)?)?;
    let head = text(&git.join("HEAD"))?;
    let common = text(&git.join("commondir")).map_or_else(|| git.clone(), |common| git.join(common.trim()));
    let branch = head.strip_prefix("ref:").map(|branch| PathBuf::from(branch.trim()));
    let commit = branch.and_then(|branch| text(&common.join(branch))).unwrap_or_default();
    Some(format!("{} {}", head.trim(), commit.trim()))
}

fn text(file: &Path) -> Option<String> {
    read_small(file, BYTES_MAX, Links::Refused).ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn another_branch_and_another_commit_are_seen() {
        let dir = tempfile::tempdir().expect("temporary");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("p/q")).expect("made");
        assert_eq!(checked_out(&at("p/q")), None);
        fs::create_dir_all(at("p/.git/refs/heads")).expect("made");
        fs::write(at("p/.git/HEAD"), "ref: refs/heads/main\n").expect("written");
        assert_eq!(checked_out(&at("p/q")).as_deref(), Some("ref: refs/heads/main "));
        fs::write(at("p/.git/refs/heads/main"), "abc\n").expect("written");
        assert_eq!(checked_out(&at("p/q")).as_deref(), Some("ref: refs/heads/main abc"));
        fs::create_dir_all(at("p/.git/worktrees/w")).expect("made");
        fs::create_dir_all(at("w")).expect("made");
        fs::write(at("w/.git"), format!("gitdir: {}\n", at("p/.git/worktrees/w").display())).expect("written");
        fs::write(at("p/.git/worktrees/w/HEAD"), "ref: refs/heads/main\n").expect("written");
        fs::write(at("p/.git/worktrees/w/commondir"), "../..\n").expect("written");
        assert_eq!(checked_out(&at("w")).as_deref(), Some("ref: refs/heads/main abc"));
        fs::write(at("p/.git/HEAD"), "def\n").expect("written");
        assert_eq!(checked_out(&at("p/q")).as_deref(), Some("def "));
    }
}
