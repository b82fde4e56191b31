//! The brief for the next attempt after a refusal, as Markdown: the files, both sides of each conflict, the task that landed there, the end of
//! the test's output, and what to do.

use std::fmt::Write as _;

use oarlock_git::merge::Conflict;
use oarlock_model::ident::shown;
use oarlock_model::landing::BranchName;
use oarlock_model::limits;
use oarlock_ops::landing::QueuedTask;

/// Bytes of one side of a hunk, and of another task's result.
const TEXT_BYTES_MAX: usize = 4 << 10;
/// Files that are named.
const FILES_MAX: usize = limits::LANDING_FILES_MAX;

/// A task that landed in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) result: Option<String>,
}

/// A conflict, with the tasks that have changed the file in the target meanwhile.
pub(super) struct Clash<'a> {
    pub(super) conflict: &'a Conflict,
    pub(super) others: Vec<Other>,
}

/// The submission conflicts.
pub(super) fn of_conflict(queued: &QueuedTask, onto: &BranchName, clashes: &[Clash<'_>]) -> String {
    let mut text = format!("{} conflicts with {onto}. Nothing of it has landed.\n\n", submission(queued));
    let names: Vec<String> = clashes.iter().take(FILES_MAX).map(|clash| shown(&clash.conflict.path)).collect();
    let _ = write!(text, "Files in conflict: {}", names.join(", "));
    let more = clashes.len().saturating_sub(FILES_MAX);
    text.push_str(&if more > 0 { format!(" and {more} more.\n") } else { ".\n".to_owned() });
    for Clash { conflict, others } in clashes.iter().take(FILES_MAX) {
        let _ = write!(text, "\n## {}\n\n{}\n", shown(&conflict.path), conflict.message);
        others.iter().for_each(|other| describe(&mut text, other));
        for hunk in &conflict.hunks {
            for (title, side) in [
                (format!("In {onto}:"), &hunk.ours),
                ("In your submission:".to_owned(), &hunk.theirs),
                ("Before both:".to_owned(), &hunk.base),
            ] {
                let _ = write!(text, "\n{title}\n\n{}", fenced(side));
            }
        }
        if text.len() > limits::LANDING_BRIEF_BYTES_MAX {
            break;
        }
    }
    ended(text, queued, onto, "resolve the conflicts so that both changes stay")
}

/// The merged tree does not pass its test.
pub(super) fn of_test(queued: &QueuedTask, onto: &BranchName, test: &str, how: &str, output: &str, others: &[Other]) -> String {
    let mut text = format!("{} merges into {onto}, and the merged tree fails its test. Nothing of it has landed.\n\n", submission(queued));
    let _ = write!(text, "The test, {how}:\n\n{}\nThe end of its output:\n\n{}", fenced(test), fenced(output));
    if !others.is_empty() {
        let _ = write!(text, "\n## Landed on {onto} since your work began\n");
        others.iter().for_each(|other| describe(&mut text, other));
    }
    ended(text, queued, onto, "make the test pass")
}

/// The submitted commit cannot be merged at all.
pub(super) fn of_commit(queued: &QueuedTask, onto: &BranchName, why: &str) -> String {
    ended(format!("{} cannot be merged into {onto}: {why}.\n", submission(queued)), queued, onto, "commit the work on a branch of it")
}

/// Files that only a merge driver could put together, and that nothing judges.
pub(super) fn of_drivers(queued: &QueuedTask, onto: &BranchName, files: &[String], why: &str) -> String {
    let names: Vec<String> = files.iter().take(FILES_MAX).map(|file| shown(file)).collect();
    let text = format!(
        "{} and {onto} change the same files, which a merge driver of .gitattributes joins: {}. {why}\n",
        submission(queued),
        names.join(", ")
    );
    ended(text, queued, onto, "join both changes by hand")
}

fn submission(queued: &QueuedTask) -> String {
    let commit: String = queued.commit.as_str().chars().take(12).collect();
    match &queued.branch {
        Some(branch) => format!("Commit {commit} of {branch}"),
        None => format!("Commit {commit}"),
    }
}

fn describe(text: &mut String, other: &Other) {
    let _ = write!(text, "\nChanged meanwhile by {}: {}\n", other.id, shown(&other.title));
    if let Some(result) = &other.result {
        let _ = write!(text, "\nIts result:\n\n{}", fenced(result));
    }
}

fn ended(mut text: String, queued: &QueuedTask, onto: &BranchName, what: &str) -> String {
    if text.len() > limits::LANDING_BRIEF_BYTES_MAX {
        text.truncate(text.floor_char_boundary(limits::LANDING_BRIEF_BYTES_MAX));
        text.push_str("\n\n(cut here)\n");
        // A fence that was cut open would take the rest for code.
        if text.lines().filter(|line| line.starts_with("```")).count() % 2 == 1 {
            text.push_str("````````\n");
        }
    }
    let _ = write!(
        text,
        "\n## What to do\n\nMerge {onto} into your branch (`git merge {onto}`), {what}, commit, and finish the task {} again.\n",
        queued.task
    );
    text
}

/// A text as a block of code, with a fence that it does not have itself.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = text.floor_char_boundary(TEXT_BYTES_MAX.min(text.len()));
    let (shown, left_out) = text.split_at(end);
    let more = if left_out.is_empty() { String::new() } else { format!("({} bytes left out)\n", left_out.len()) };
    let newline = if shown.ends_with('\n') || shown.is_empty() { "" } else { "\n" };
    format!("{fence}\n{shown}{newline}{fence}\n{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_those_in_the_text() {
        assert_eq!(fenced("x"), "```\nx\n```\n");
        assert_eq!(fenced("a ```` b\n"), "`````\na ```` b\n`````\n");
        assert!(fenced(&"x".repeat(TEXT_BYTES_MAX + 3)).ends_with("(3 bytes left out)\n"));
    }
}
