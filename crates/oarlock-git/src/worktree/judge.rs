//! Work that an earlier attempt left without the repository's hooks: they judge it before it counts as finished.

use super::leave::{UNFINISHED, commit, commit_staged, is_staged_empty};
use super::place::{Place, Working};
use super::refusal::Refusal;
use super::repo::branches;
use super::tree::short;
use crate::program::{Git, GitFailed};
use crate::repository::git_dir_of;

/// Where a tip is kept while the hooks judge what it has.
const JUDGED: &str = "refs/oarlock/judged";

/// What the hooks have not seen of a branch.
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
pub(super) fn finish(place: &Place, git: &Git, dirt: &[String], work: &Working, target: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(mut unseen) = target.map(|target| unseen(git, work, target)).transpose()?.flatten() else {
        return if dirt.is_empty() { Ok(None) } else { commit(place, git, dirt, work, true) };
    };
    let is_merging = git_dir_of(&place.dir).is_some_and(|admin| admin.join("MERGE_HEAD").is_file());
    if is_merging {
        // Only a commit keeps what is merged.
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
            // What was just judged, or refused.
            commit_staged(place, git, work, refused.is_none())?;
        }
    }
    git.ask(&["update-ref", "-d", &kept])?;
    Ok(refused)
}

/// What of a branch the hooks have not seen; none when they saw all that was committed, or were not asked by those who committed it.
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
