//! Names of agents and tasks as parts of paths and references. Nobody's word becomes either unchecked.

use super::refusal::{Concern, Refusal};

/// Where the branches of tasks are, below `refs/heads/`.
pub const BRANCHES: &str = "oarlock/";
/// Where the branches of runs are, below [`BRANCHES`].
const RUNS: &str = "run";
/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Refuses what cannot be the name of a directory below ours: identifiers as the command line takes them, without a dot at their end,
/// which Windows drops.
pub(crate) fn check_dir(name: &str) -> Result<(), Refusal> {
    if is_identifier(name) && !name.ends_with('.') {
        return Ok(());
    }
    Err(Refusal::of_worktree(
        format!("the agent name {name:?} cannot be the name of a worktree"),
        "use letters, digits, `-`, `_` and `.`, with a letter or digit first and no `.` at the end",
    ))
}

/// The branch of a task, as git shows it: `oarlock/TASK`.
///
/// # Errors
/// The id cannot be a part of a branch's name (git-check-ref-format(1)), or that branch would keep those of runs, `oarlock/run/PARENT`, from
/// being made.
pub fn branch_of(task: &str) -> Result<String, Refusal> {
    let why = if task == RUNS {
        "the branches of runs are below that name"
    } else if is_identifier(task) && !task.contains("..") && !task.ends_with('.') && !has_suffix(task, ".lock") {
        return Ok(format!("{BRANCHES}{task}"));
    } else {
        "git refuses `..`, and `.` or `.lock` at the end"
    };
    let hint = format!("{why}: give the task another id, or work on it without a worktree");
    Err(Refusal { concern: Concern::Name, ..Refusal::of_task(format!("the task id {task:?} cannot be the name of a git branch"), hint) })
}

/// Whether this can be the name of a branch that somebody names: git decides in the end, and this keeps options and patterns away from it.
pub(crate) fn is_branch(name: &str) -> bool {
    let is_fine = |c: char| !c.is_control() && !c.is_whitespace() && !"~^:?*[\\".contains(c);
    let part_is_fine = |part: &str| !part.is_empty() && !part.starts_with('.') && !has_suffix(part, ".lock");
    let is_short = name.len() <= 1_000;
    is_short
        && !name.starts_with('-')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && name != "@"
        && name.chars().all(is_fine)
        && name.split('/').all(part_is_fine)
}

fn is_identifier(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(is_word) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn has_suffix(name: &str, suffix: &str) -> bool {
    name.len() >= suffix.len() && name.as_bytes()[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_safe_become_paths_and_references() {
        for name in ["ada", "T-1", "a.b_c-d", "0"] {
            assert!(check_dir(name).is_ok() && branch_of(name).is_ok_and(|branch| branch == format!("oarlock/{name}")), "{name}");
        }
        for name in ["", ".", "..", ".git", "-x", "a/b", "a\\b", "a b", "a:b", "ä", "a\0", "a.", &"x".repeat(65)] {
            assert!(check_dir(name).is_err() && branch_of(name).is_err(), "{name:?}");
        }
        for name in ["a..b", "x.lock", "x.LOCK", "end.", "run"] {
            assert!(branch_of(name).is_err_and(|refusal| refusal.concern == Concern::Name), "{name:?}");
        }
        for name in ["main", "feature/x", "a.b", "ü"] {
            assert!(is_branch(name), "{name}");
        }
        for name in ["", "-b", "a..b", "a//b", "/a", "a/", "a.lock", "x/.y", "a b", "a~1", "HEAD^", "a:b", "@", "@{-1}", "*", "a\n"] {
            assert!(!is_branch(name), "{name:?}");
        }
    }
}
