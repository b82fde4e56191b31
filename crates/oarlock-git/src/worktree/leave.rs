//! The end of an attempt: uncommitted work is committed on the task's branch, the repository's hooks judge what earlier attempts left, and
//! the worktree lets go of the branch.

use std::fs;
use std::path::Path;

use oarlock_host::file::{Links, read_small};

use super::place::{Place, State, Working};
use super::refusal::Refusal;
use super::repo::{Worktrees, branches};
use super::tree::{contains, short};
use crate::hooks::hooks_dir;
use crate::program::{Git, GitFailed};
use crate::repository::git_dir_of;

/// Turns hooks off: no file is below this name.
const WITHOUT_HOOKS: [&str; 2] = ["-c", "core.hooksPath=/dev/null"];
/// Agents' commits are not signed: a signature may ask a person.
const UNSIGNED: [&str; 2] = ["-c", "commit.gpgSign=false"];
/// The longest `HEAD` that is read, in bytes.
const HEAD_BYTES_MAX: u64 = 4 << 10;
/// Files that a message names.
const NAMED_MAX: usize = 5;
/// Paths that are staged by name, and their bytes: more than that may be too long for a command line.
const ADDED_MAX: usize = 200;
const ADDED_BYTES_MAX: usize = 16 << 10;
/// The subject of a commit of work that is not finished begins so.
pub(super) const UNFINISHED: &str = "unfinished: ";
/// Where commits are kept that no branch has.
const KEPT: &str = "refs/oarlock/kept";

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The work is finished: its commit has the title as subject, and the repository's hooks see it.
    Finished,
    /// It is not, and is kept as it is.
    Unfinished,
}

/// The remains of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The commit at which it ended.
    pub commit: String,
    /// Whether that is another one than it began at.
    pub is_changed: bool,
    /// Why the work does not count as finished, although its command said so. It is committed as unfinished.
    pub refused: Option<String>,
}

impl Worktrees {
    /// Ends an attempt. `is_holder` says whether the task is still its agent's: if not, the branch may have gone on in another worktree,
    /// and is not moved to commits that this one made off the branch.
    ///
    /// # Errors
    /// The worktree is gone, or git cannot commit. Its files stay.
    pub fn leave(&self, place: &Place, end: End, is_holder: bool) -> Result<Left, Refusal> {
        match place.state()? {
            Some(State::Working(work)) => settle(place, &work, end, is_holder, Some(&self.target)),
            _ => Err(Refusal::of_worktree(
                format!("Oarlock's record of the worktree {} is gone", place.dir.display()),
                "commit the work there yourself, then start again",
            )),
        }
    }
}

/// Commits what a task left in a worktree, brings its commits onto its branch, and detaches the worktree from it. What `target` has counts
/// as seen by the hooks.
pub(crate) fn settle(place: &Place, work: &Working, end: End, is_holder: bool, target: Option<&str>) -> Result<Left, Refusal> {
    if !place.is_made() {
        return Err(Refusal::of_worktree(
            format!("the worktree {} is gone, or no longer belongs to this repository", place.dir.display()),
            format!("the committed work is on the branch {}; start again", work.branch),
        ));
    }
    place.free_git_locks(Some(&work.branch));
    let git = place.git();
    let reference = format!("refs/heads/{}", work.branch);
    end_operations(place, &git)?;
    // Most often it is at its branch, which its own file says: asking git takes longer.
    let is_astray = !is_at(place, &reference) && {
        let tip = branches(&git, &[&work.branch])?.remove(&work.branch).map(|branch| branch.commit);
        let on_branch = current(&git)?.is_some_and(|(_, name)| name == reference);
        !on_branch && !adopt(&git, &reference, tip.as_deref(), is_holder, work)?
    };
    let mut refused = is_astray.then(|| format!("its commits do not build on the branch {}, which has newer ones", work.branch));
    let dirt = status(&git)?;
    let why = if end == End::Finished && !is_astray {
        finish(place, &git, &dirt, work, target)?
    } else if dirt.is_empty() {
        None
    } else {
        commit(place, &git, &dirt, work, false)?
    };
    refused = refused.or(why);
    let commit = git.ask(&["rev-parse", "--verify", "HEAD^{commit}"])?;
    if is_astray && !is_reachable(&git, &commit)? {
        let kept = format!("{KEPT}/{}/{}", work.task, short(&commit));
        git.ask(&["update-ref", &kept, &commit])?;
        refused = refused.map(|why| format!("{why}; they are kept as {kept}"));
    }
    git.ask(&["update-ref", "--no-deref", "-m", "oarlock: leave the branch", "HEAD", &commit])?;
    place.note_free()?;
    let is_changed = commit != work.start;
    Ok(Left { commit, is_changed, refused: refused.filter(|_| end == End::Finished) })
}

/// Files in a worktree that no attempt put there are committed without a branch, and kept. Returns where.
pub(crate) fn keep_unowned(place: &Place) -> Result<Option<String>, Refusal> {
    place.free_git_locks(None);
    let git = place.git();
    let Some((commit_before, _)) = current(&git)? else {
        return Err(Refusal::of_worktree(
            format!("HEAD of {} is at no commit", place.dir.display()),
            "check out a branch or a commit there",
        ));
    };
    end_operations(place, &git)?;
    git.ask(&["update-ref", "--no-deref", "-m", "oarlock: leave the branch", "HEAD", &commit_before])?;
    let dirt = status(&git)?;
    if !dirt.is_empty() {
        let nobody = Working {
            task: place.name.clone(),
            branch: String::new(),
            start: commit_before,
            title: format!("found in the worktree of {}", place.name),
        };
        commit(place, &git, &dirt, &nobody, false)?;
    }
    let commit = git.ask(&["rev-parse", "--verify", "HEAD^{commit}"])?;
    if is_reachable(&git, &commit)? {
        return Ok(None);
    }
    let kept = format!("{KEPT}/{}/{}", place.name, short(&commit));
    git.ask(&["update-ref", &kept, &commit])?;
    Ok(Some(kept))
}

/// The commit of HEAD, and the branch or `HEAD`; none for a branch without a commit.
pub(crate) fn current(git: &Git) -> Result<Option<(String, String)>, GitFailed> {
    let answer = git.run(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
    if answer.code != Some(0) {
        return Ok(None);
    }
    let name = git.run(&["symbolic-ref", "--quiet", "HEAD"])?;
    let name = if name.code == Some(0) { name.printed.trim().to_owned() } else { "HEAD".to_owned() };
    Ok(Some((answer.printed.trim().to_owned(), name)))
}

/// Whether the worktree's own `HEAD` names this branch, which has a commit. A repository with another kind of references says no.
fn is_at(place: &Place, reference: &str) -> bool {
    let head = git_dir_of(&place.dir).and_then(|admin| read_small(&admin.join("HEAD"), HEAD_BYTES_MAX, Links::Refused).ok().flatten());
    let is_named = head.is_some_and(|head| head.strip_prefix(b"ref: ").map(<[u8]>::trim_ascii) == Some(reference.as_bytes()));
    // A branch that was just committed on, or begun at, has a file; one without is looked at by git.
    is_named && place.common.join(reference).is_file()
}

/// The uncommitted paths by `git status`, without ignored files: two letters, a blank, and the path.
pub(crate) fn status(git: &Git) -> Result<Vec<String>, GitFailed> {
    let listed = git.ask(&["status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames", "--ignore-submodules=none"])?;
    Ok(listed.split('\0').filter(|entry| !entry.is_empty()).map(str::to_owned).collect())
}

/// Brings a HEAD that is not at the branch back to it where that loses nothing. Whether it is at the branch now.
fn adopt(git: &Git, reference: &str, tip: Option<&str>, is_holder: bool, work: &Working) -> Result<bool, GitFailed> {
    let tip = tip.map(str::to_owned);
    let attach = |git: &Git| git.ask(&["symbolic-ref", "-m", "oarlock: back to the branch", "HEAD", reference]).map(drop);
    let Some((commit, _)) = current(git)? else {
        // A branch without a commit (`git switch --orphan`), or ours was removed: only files can be new.
        if !is_holder {
            git.ask(&["update-ref", "--no-deref", "HEAD", tip.as_deref().unwrap_or(&work.start)])?;
            return Ok(false);
        }
        if tip.is_none() {
            git.ask(&["update-ref", reference, &work.start, ""])?;
        }
        attach(git)?;
        return Ok(true);
    };
    let from = tip.clone().unwrap_or_else(|| work.start.clone());
    if is_holder && contains(git, &commit, &from)? {
        if tip.as_deref() != Some(&commit) {
            git.ask(&["update-ref", "-m", "oarlock: commits made off the branch", reference, &commit, tip.as_deref().unwrap_or_default()])?;
        }
        attach(git)?;
        return Ok(true);
    }
    // Another branch that was checked out is not ours to commit on.
    git.ask(&["update-ref", "--no-deref", "-m", "oarlock: leave the branch", "HEAD", &commit])?;
    Ok(false)
}

/// Ends a rebase or a bisection that was left in the middle. A merge or cherry-pick ends with the commit.
fn end_operations(place: &Place, git: &Git) -> Result<(), GitFailed> {
    let Some(admin) = git_dir_of(&place.dir) else { return Ok(()) };
    if admin.join("rebase-merge").is_dir() || admin.join("rebase-apply").is_dir() {
        git.ask(&["rebase", "--quit"])?;
    }
    if admin.join("sequencer").is_dir() {
        let quit = if admin.join("REVERT_HEAD").is_file() { "revert" } else { "cherry-pick" };
        git.ask(&[quit, "--quit"])?;
    }
    Ok(())
}

/// Commits everything. Why it does not count as finished, although it was to.
pub(super) fn commit(place: &Place, git: &Git, dirt: &[String], work: &Working, finished: bool) -> Result<Option<String>, Refusal> {
    let unmerged: Vec<&str> = dirt.iter().filter(|entry| is_unresolved(&place.dir, entry)).filter_map(|entry| entry.get(3..)).collect();
    let mut refused = (!unmerged.is_empty()).then(|| format!("a merge was left with conflicts in {}", listed(&unmerged)));
    if let Some(fault) = add(git, dirt)? {
        refused = refused.or(Some(fault));
    }
    if finished && refused.is_none() {
        let answer = place.author(git.clone())?.run_with_hooks(&[&UNSIGNED[..], &["commit", "--quiet", "-m", &work.title]].concat())?;
        if answer.code == Some(0) {
            return Ok(None);
        }
        // A git that was too slow was ended, and may have left its locks.
        if answer.code.is_none() {
            place.free_git_locks(Some(&work.branch));
        }
        if is_staged_empty(git)? {
            return Ok(None);
        }
        refused = Some(format!("git refused the commit: {}", answer.failed()));
    }
    commit_staged(place, git, work, false)?;
    Ok(refused)
}

/// Commits the staged files without the hooks: as finished where they have judged it, else as unfinished.
pub(super) fn commit_staged(place: &Place, git: &Git, work: &Working, finished: bool) -> Result<(), Refusal> {
    let subject = if finished { work.title.clone() } else { format!("{UNFINISHED}{}", work.title) };
    let words = [&UNSIGNED[..], &WITHOUT_HOOKS[..], &["commit", "--quiet", "--no-verify", "-m", &subject]].concat();
    let answer = place.author(git.clone())?.run(&words)?;
    if answer.code != Some(0) && !is_staged_empty(git)? {
        return Err(Refusal::of_worktree(
            format!("the work on {} cannot be committed in {}: {}", work.task, place.dir.display(), answer.failed()),
            "the work stays there: fix the problem that git names, and commit it",
        ));
    }
    Ok(())
}

/// Stages everything. What could not be staged, if anything.
pub(super) fn add(git: &Git, dirt: &[String]) -> Result<Option<String>, GitFailed> {
    // A few paths by name: git need not look at all others again.
    let paths: Vec<&str> = dirt.iter().filter_map(|entry| entry.get(3..)).collect();
    let is_short = paths.len() <= ADDED_MAX && paths.iter().map(|path| path.len()).sum::<usize>() <= ADDED_BYTES_MAX;
    let are_exact = paths.len() == dirt.len() && !paths.iter().any(|path| path.contains('\u{fffd}'));
    if is_short && are_exact && git.run(&[&["--literal-pathspecs", "add", "--all", "--sparse", "--"], &paths[..]].concat())?.code == Some(0)
    {
        return Ok(None);
    }
    let answer = git.run(&["add", "--all", "--sparse", "--", ":(top)"])?;
    if answer.code == Some(0) {
        return Ok(None);
    }
    // All that can be staged is.
    let rest = git.run(&["add", "--all", "--sparse", "--ignore-errors", "--", ":(top)"])?;
    Ok(Some(format!("not everything can be committed: {}", if rest.error.is_empty() { answer } else { rest }.failed())))
}

pub(super) fn is_staged_empty(git: &Git) -> Result<bool, GitFailed> {
    git.says(&["diff", "--cached", "--quiet", "HEAD", "--"])
}

/// Whether any branch, tag or kept reference has the commit.
fn is_reachable(git: &Git, commit: &str) -> Result<bool, GitFailed> {
    git.ask(&["for-each-ref", "--count=1", "--format=%(refname)", "--contains", commit]).map(|found| !found.is_empty())
}

/// Whether a path of an unfinished merge still has to be resolved. A file without conflict markers was, and only not staged.
fn is_unresolved(top: &Path, entry: &str) -> bool {
    if !is_unmerged(entry) {
        return false;
    }
    let has_both_sides = entry.starts_with("UU") || entry.starts_with("AA");
    let text = entry.get(3..).filter(|_| has_both_sides).and_then(|path| fs::read(top.join(path)).ok());
    text.is_none_or(|text| text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"<<<<<<< ") || line.starts_with(b">>>>>>> ")))
}

fn is_unmerged(entry: &str) -> bool {
    ["DD", "AU", "UD", "UA", "DU", "AA", "UU"].iter().any(|state| entry.starts_with(state))
}

/// The first of these names.
pub(crate) fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED_MAX { format!("{shown} and {} more", names.len() - NAMED_MAX) } else { shown }
}

/// Where a tip is kept while the hooks judge what it has.
const JUDGED: &str = "refs/oarlock/judged";

/// The commits of a branch that the hooks have not seen.
struct Unseen {
    /// The branch's tip.
    tip: String,
    /// The commit that the hooks see the work on top of.
    base: String,
    /// Whether everything in between are commits of work that was not finished, which one commit takes the place of.
    is_plain: bool,
}

/// Commits finished work, with all that no hook has seen of the commits that earlier attempts left. Why it does not count as finished, if so.
///
/// # Errors
/// Git cannot commit; what there is stays.
fn finish(place: &Place, git: &Git, dirt: &[String], work: &Working, target: Option<&str>) -> Result<Option<String>, Refusal> {
    let unseen = match target {
        Some(target) if has_hooks(place)? => unseen(git, work, target)?,
        _ => None,
    };
    let Some(mut unseen) = unseen else {
        return if dirt.is_empty() { Ok(None) } else { commit(place, git, dirt, work, true) };
    };
    let is_merging = git_dir_of(&place.dir).is_some_and(|admin| admin.join("MERGE_HEAD").is_file());
    if is_merging {
        // Only a commit keeps the merge.
        if let Some(refused) = commit(place, git, dirt, work, false)? {
            return Ok(Some(refused));
        }
        unseen.tip = git.ask(&["rev-parse", "--verify", "HEAD^{commit}"])?;
        unseen.is_plain = false;
    }
    // A kill from here on leaves the work in the index, and the commits below this name.
    let kept = format!("{JUDGED}/{}/{}", work.task, short(&unseen.tip));
    git.ask(&["update-ref", &kept, &unseen.tip])?;
    git.ask(&["update-ref", "-m", "oarlock: for the hooks to see", "HEAD", &unseen.base])?;
    let refused = commit(place, git, dirt, work, true)?;
    let is_nothing = git.ask(&["rev-parse", "--verify", "HEAD^{commit}"])? == unseen.base;
    if !unseen.is_plain || is_nothing {
        git.ask(&["update-ref", "-m", "oarlock: back to the tip", "HEAD", &unseen.tip])?;
        if !is_staged_empty(git)? {
            // The commits just judged, or refused.
            commit_staged(place, git, work, refused.is_none())?;
        }
    }
    git.ask(&["update-ref", "-d", &kept])?;
    Ok(refused)
}

/// Hooks that judge a commit (githooks(5)).
const JUDGES: [&str; 3] = ["pre-commit", "prepare-commit-msg", "commit-msg"];

/// Whether the repository has a hook that judges commits.
fn has_hooks(place: &Place) -> Result<bool, GitFailed> {
    let hooks = hooks_dir(&place.dir)?;
    Ok(JUDGES.iter().any(|hook| hooks.join(hook).is_file()))
}

/// The commits of a branch that the hooks have not seen; none when they saw all, or when the committer did not ask them.
fn unseen(git: &Git, work: &Working, target: &str) -> Result<Option<Unseen>, GitFailed> {
    let Some(target) = branches(git, &[target])?.remove(target).map(|branch| branch.commit) else { return Ok(None) };
    let own = format!("^{target}");
    let listed = git.ask(&["log", "--first-parent", "-z", "--format=%H %P%n%s", "HEAD", &own, "--"])?;
    let commits: Vec<(&str, &str)> = listed.split('\0').filter_map(|entry| entry.split_once('\n')).collect();
    let Some(first) = commits.iter().rposition(|(_, subject)| subject.starts_with(UNFINISHED)) else { return Ok(None) };
    let hashes = |at: usize| commits[at].0.split(' ').collect::<Vec<_>>();
    let subject = format!("{UNFINISHED}{}", work.title);
    let is_plain = (0..=first).all(|at| commits[at].1 == subject && hashes(at).len() == 2);
    let tip = hashes(0)[0].to_owned();
    let base = if is_plain { hashes(first)[1].to_owned() } else { git.ask(&["merge-base", &tip, &target])? };
    Ok(Some(Unseen { tip, base, is_plain }))
}
