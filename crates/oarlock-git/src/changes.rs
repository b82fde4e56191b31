//! The paths that git is about to commit or push, from the top of the worktree.

use std::io::Read;
use std::path::Path;

use crate::program::{GitFailed, ask, ask_around};

/// The longest list of references that is read, in bytes.
const REFERENCES_BYTES_MAX: u64 = 1 << 20;

/// The staged paths.
///
/// # Errors
/// Git fails.
pub fn staged() -> Result<Vec<String>, GitFailed> {
    let listed = ask(None, &["diff", "--cached", "--name-only", "--no-renames", "-z"])?;
    Ok(names(&listed))
}

/// The paths that the pushed commits change: git writes `local-ref local-id remote-ref remote-id` for each reference.
///
/// # Errors
/// Git fails.
pub fn pushed(references: impl Read) -> Result<Vec<String>, GitFailed> {
    let mut text = String::new();
    references.take(REFERENCES_BYTES_MAX).read_to_string(&mut text).map_err(|error| GitFailed(error.to_string()))?;
    let is_none = |id: &str| id.chars().all(|c| c == '0');
    let mut paths = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, remote] = words[..] else { continue };
        if is_none(local) || !is_id(local) || !is_id(remote) {
            continue;
        }
        let range = format!("{remote}..{local}");
        let listed = if is_none(remote) {
            // A new branch: what no branch of a remote has.
            ask(None, &["log", "--format=", "--name-only", "--no-renames", "-z", local, "--not", "--remotes"])
        } else {
            ask(None, &["diff", "--name-only", "--no-renames", "-z", &range])
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

/// The most lines of a patch that are shown.
const PATCH_LINES_MAX: usize = 400;

/// The changes of a commit or branch since it left another one, as people read them: a list of files, and the patch, cut to its first 400 lines.
/// None where the repository around `dir` has one of the two not, or there are no changes.
#[must_use]
pub fn changes_since(dir: &Path, onto: &str, what: &str) -> Option<String> {
    let range = format!("{onto}...{what}");
    let ask = |format: &[&str]| {
        let words = [&["diff", "--no-color", "--no-ext-diff", "--no-textconv"], format, &["--end-of-options", &range, "--"]].concat();
        ask_around(dir, &words).ok().filter(|text| !text.is_empty())
    };
    let (files, patch) = (ask(&["--stat"])?, ask(&["--patch"])?);
    let left = patch.lines().count().saturating_sub(PATCH_LINES_MAX);
    let mut shown: String = patch.split_inclusive('\n').take(PATCH_LINES_MAX).collect();
    if left > 0 {
        shown.push_str(&format!("({left} more lines: git diff {range})\n"));
    }
    Some(format!("{files}\n{shown}"))
}

/// The names of a list that ends each with a zero, and in which they stand as they are.
fn names(listed: &str) -> Vec<String> {
    listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
