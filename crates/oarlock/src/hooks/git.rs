//! What git is about to commit or push: the paths, from the top of the worktree.

use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use std::io::Read as _;
use std::process::Command;

/// The longest list of references that is read, in bytes.
const REFERENCES_BYTES_MAX: u64 = 1 << 20;

/// What is staged.
///
/// # Errors
/// `store_unavailable` when git fails.
pub(super) fn staged() -> Result<Vec<String>, OpError> {
    let listed = git(&["diff", "--cached", "--name-only", "--no-renames", "-z"])?;
    Ok(names(&listed))
}

/// What the commits change that are pushed: git writes `local-ref local-id remote-ref remote-id` for each reference on standard input.
///
/// # Errors
/// `store_unavailable` when git fails.
pub(super) fn pushed() -> Result<Vec<String>, OpError> {
    let mut references = String::new();
    std::io::stdin().lock().take(REFERENCES_BYTES_MAX).read_to_string(&mut references).map_err(|error| failed(&error.to_string()))?;
    let is_none = |id: &str| id.chars().all(|c| c == '0');
    let mut paths = Vec::new();
    for line in references.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, remote] = words[..] else { continue };
        if is_none(local) || !is_id(local) || !is_id(remote) {
            continue;
        }
        let range = format!("{remote}..{local}");
        let listed = if is_none(remote) {
            // A new branch: what no branch of a remote has.
            git(&["log", "--format=", "--name-only", "--no-renames", "-z", local, "--not", "--remotes"])
        } else {
            git(&["diff", "--name-only", "--no-renames", "-z", &range])
        };
        paths.extend(names(&listed?));
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn is_id(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_hexdigit())
}

/// The names of a list that ends each with a zero, and in which they stand as they are; one that is no path of a repository is nobody's.
fn names(listed: &str) -> Vec<String> {
    let named = listed.split('\0').filter(|name| !name.is_empty());
    named.filter_map(|name| oarlock_model::pattern::normalise_path(name).ok()).collect()
}

fn git(args: &[&str]) -> Result<String, OpError> {
    let run = Command::new("git").args(args).output().map_err(|error| failed(&error.to_string()))?;
    if !run.status.success() {
        return Err(failed(String::from_utf8_lossy(&run.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&run.stdout).into_owned())
}

fn failed(why: &str) -> OpError {
    StoreError::Unavailable { message: format!("git cannot be asked: {why}"), hint: "is git installed, and is this a worktree?".into() }
        .into()
}
