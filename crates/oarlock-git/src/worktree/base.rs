//! The commit that an attempt begins at. It is made of commits alone, before anything is checked out.

use std::collections::BTreeMap;

use super::leave::listed;
use super::place::Place;
use super::refusal::Refusal;
use super::repo::Branch;
use super::tree::{commit, containing};
use crate::merge::{MergeRepository, Merged};
use crate::program::{Git, GitFailed};

/// Commits of earlier attempts that a brief shows.
const SUBJECTS_MAX: usize = 10;

/// The commit that a task builds on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// Tasks whose branches it needs.
    pub needs: Vec<String>,
    /// Its parts, which it joins.
    pub parts: Vec<String>,
}

/// Where an attempt begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) commit: String,
    /// The notes for the agent about it: a heading and a text each.
    pub(crate) notes: Vec<(&'static str, String)>,
}

/// All branches of an attempt, by what they are for it.
#[derive(Clone, Debug)]
pub(crate) struct Branches<'a> {
    pub(crate) all: &'a BTreeMap<String, Branch>,
    pub(crate) own: &'a str,
    pub(crate) target: &'a str,
    /// In the order in which they are merged.
    pub(crate) needs: Vec<String>,
    pub(crate) parts: Vec<String>,
}

/// Finds the commit: the branch of earlier attempts with the newest target merged in, or the target with the branches of what the task
/// needs.
///
/// # Errors
/// The target is gone; what the task needs conflicts (the attempt's fault); git fails.
pub(crate) fn base(place: &Place, git: &Git, branches: &Branches<'_>) -> Result<Base, Refusal> {
    let tip = |name: &str| branches.all.get(name).map(|branch| branch.commit.as_str());
    let target = tip(branches.target).ok_or_else(|| {
        Refusal::of_worktree(format!("the target branch {} is gone", branches.target), "make it again, or name another with --onto BRANCH")
    })?;
    let join = |ours: &str, theirs: &str, name: &str| {
        joined(place, git, (ours, theirs), name == branches.target, &format!("Merge {name} into {}", branches.own))
    };
    let mut notes = Vec::new();
    let earlier = tip(branches.own);
    let mut start = target.to_owned();
    if let Some(earlier) = earlier {
        start = match join(earlier, target, branches.target)? {
            Ok(commit) => commit,
            Err(files) => {
                notes.push(("The branch conflicts with its target", unmerged(branches.target, &files)));
                earlier.to_owned()
            }
        };
        notes.extend(
            subjects(git, target, earlier)?
                .map(|text| ("Work of earlier attempts", format!("The branch {} has it:\n\n{text}", branches.own))),
        );
    }
    for name in &branches.needs {
        let Some(theirs) = tip(name) else { continue };
        match join(&start, theirs, name)? {
            Ok(commit) => start = commit,
            Err(files) if earlier.is_some() => notes.push(("The branch conflicts with a need of the task", unmerged(name, &files))),
            Err(files) => {
                let files: Vec<&str> = files.iter().map(String::as_str).collect();
                return Err(Refusal::of_task(
                    format!("the branch {name}, which the task needs, conflicts with {} in {}", before(branches, name), listed(&files)),
                    format!("merge them into {} by hand: the next attempt begins there", branches.target),
                ));
            }
        }
    }
    for name in &branches.parts {
        let Some(theirs) = tip(name) else { continue };
        match join(&start, theirs, name)? {
            Ok(commit) => start = commit,
            // Joining them is the task's work.
            Err(files) => notes.push(("A part conflicts with the others", unmerged(name, &files))),
        }
    }
    Ok(Base { commit: start, notes })
}

/// The names of the branches that were merged before this one, in words.
fn before(branches: &Branches<'_>, name: &str) -> String {
    let earlier = branches.needs.iter().take_while(|need| *need != name).filter(|need| branches.all.contains_key(*need));
    let names: Vec<&str> = std::iter::once(branches.target).chain(earlier.map(String::as_str)).collect();
    names.join(" and ")
}

fn unmerged(name: &str, files: &[String]) -> String {
    let files = files.iter().map(|file| format!("- {file}\n")).collect::<String>();
    format!(
        "The branch {name} could not be merged, because these files conflict, or only a merge driver merges them:\n\n{files}\nMerge it yourself (`git merge {name}`) and resolve them."
    )
}

/// Merges two commits into one, as landing does. The files that keep it from being merged, if any: those that conflict, and those in which a
/// merge driver has dropped a line, or a careful merge was made by one at all. Nobody has looked at such a merge, and later it is no
/// merge any more, but the branch's own work.
fn joined(
    place: &Place,
    git: &Git,
    (ours, theirs): (&str, &str),
    is_careful: bool,
    message: &str,
) -> Result<Result<String, Vec<String>>, Refusal> {
    if let Some(commit) = containing(git, ours, theirs)? {
        return Ok(Ok(commit));
    }
    match MergeRepository::at(&place.common).merge(ours, theirs)? {
        Merged::Conflicting(conflicts) => Ok(Err(conflicts.into_iter().map(|conflict| conflict.path).collect())),
        Merged::Contained => Ok(Ok(ours.to_owned())),
        Merged::Unrelated => Err(GitFailed::new(format!("{ours} and {theirs} have no commit in common")).into()),
        Merged::Clean { driven, .. } if is_careful && !driven.is_empty() => Ok(Err(driven)),
        Merged::Clean { lost, .. } if !lost.is_empty() => Ok(Err(lost)),
        Merged::Clean { tree, .. } => Ok(Ok(commit(&place.author(git.clone())?, &tree, &[ours, theirs], message)?)),
    }
}

/// The subjects of the newest commits that a branch has and the target has not.
fn subjects(git: &Git, target: &str, branch: &str) -> Result<Option<String>, GitFailed> {
    let most = format!("--max-count={SUBJECTS_MAX}");
    let range = format!("{target}..{branch}");
    let listed = git.ask(&["log", "--no-merges", "--no-show-signature", "--no-color", "--format=- %h %s", &most, &range, "--"])?;
    Ok(Some(listed).filter(|listed| !listed.is_empty()))
}
