//! The beginning of an attempt: the agent's worktree, in order, at the task's branch.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::file::canonical;

use super::base::{Branches, Ground, base};
use super::leave::{End, current, settle, status};
use super::mend::mend;
use super::names::{BRANCHES, branch_of};
use super::place::{IN_USE_MAX, LOOK, Place, State, Working, turn};
use super::refusal::{Concern, Refusal};
use super::repo::{Branch, Worktrees, branches};
use super::tree::short;
use crate::program::{Git, GitFailed};

/// A worktree in which an attempt can begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Its top.
    pub top: PathBuf,
    /// The directory to start in: the same sub-directory as the caller's.
    pub dir: PathBuf,
    /// The task's branch, which is checked out.
    pub branch: String,
    /// The commit it is at.
    pub commit: String,
    /// The notes for the agent about its branch: a heading and a text each.
    pub notes: Vec<(&'static str, String)>,
    /// Notes for people.
    pub warnings: Vec<String>,
}

impl Worktrees {
    /// Makes an agent's worktree ready for a task: made or reused, clean, and at the task's branch.
    ///
    /// # Errors
    /// A refusal that concerns the task or the worktree; nothing may be started then.
    pub fn enter(&self, place: &Place, task: &str, title: &str, ground: &Ground) -> Result<Entered, Refusal> {
        let own = branch_of(task)?;
        let mut warnings = mend(place, &self.top)?;
        let names = |tasks: &[String]| -> Vec<String> { tasks.iter().filter_map(|task| branch_of(task).ok()).collect() };
        let (needs, parts) = (names(&ground.needs), names(&ground.parts));
        let all: Vec<&str> = [&self.target, &own].into_iter().chain(&needs).chain(&parts).map(String::as_str).collect();
        let git = place.git_at(&self.top);
        let mut found = branches(&git, &all)?;
        let mut moved = false;
        for name in all.iter().skip(1) {
            if let Some(user) = found.get(*name).and_then(|branch| branch.checked_out.clone()) {
                moved |= self.free(place, name, &user, *name == own, &mut warnings)?;
            }
        }
        if moved {
            found = branches(&git, &all)?;
        }
        let base = base(place, &git, &Branches { all: &found, own: &own, target: &self.target, needs, parts })?;
        self.switch(place, &base.commit)?;
        let work = Working { task: task.to_owned(), branch: own.clone(), start: base.commit.clone(), title: title.to_owned() };
        self.attach(place, &work, found.get(&own))?;
        let dir = self.check(place, &work)?;
        if self.shared.paths().next().is_some() {
            self.shared.hide(&self.common)?;
            self.shared.put(&self.top, &canonical(&place.dir).unwrap_or_else(|_| place.dir.clone()))?;
        }
        Ok(Entered { top: place.dir.clone(), dir, branch: own, commit: base.commit, notes: base.notes, warnings })
    }

    /// Frees a branch that another worktree has checked out. Whether that may have moved it.
    ///
    /// An agent's worktree lets go of it by the end of its attempt; what a dead one left is committed first. A living one that does not let
    /// go has lost the task: the branch is taken from it, so that its later commits are not on it. A branch that the task only needs
    /// stays as it is.
    fn free(&self, place: &Place, branch: &str, user: &Path, is_own: bool, warnings: &mut Vec<String>) -> Result<bool, Refusal> {
        let real = |path: &Path| canonical(path).unwrap_or_else(|_| path.to_owned());
        let user = real(user);
        let agent = user.parent().filter(|dir| *dir == real(&self.home)).and_then(|_| user.file_name()?.to_str());
        let Some(agent) = agent else {
            if !is_own {
                return Ok(false);
            }
            // No attempt of any agent can go better before a person acts, so none is used up.
            return Err(Refusal::of_worktree(
                format!("the branch {branch} is checked out in {}", user.display()),
                format!("check out another branch there, for example `git -C '{}' switch -`", user.display()),
            ));
        };
        if agent == place.name || !user.exists() {
            return Ok(false);
        }
        let (until, reference) = (Instant::now() + IN_USE_MAX, format!("refs/heads/{branch}"));
        loop {
            if let Some(other) = self.try_take(agent, Duration::ZERO)? {
                warnings.extend(mend(&other, &self.top)?);
                return Ok(true);
            }
            // Its agent lives, and works on something else now.
            if current(&place.git_at(&user))?.is_none_or(|(_, name)| name != reference) {
                return Ok(true);
            }
            if Instant::now() >= until {
                break;
            }
            thread::sleep(LOOK);
        }
        if is_own {
            let git = place.git_at(&user);
            let commit = git.ask(&["rev-parse", "--verify", "HEAD^{commit}"])?;
            git.ask(&["update-ref", "--no-deref", "-m", "oarlock: the task is another agent's", "HEAD", &commit])?;
            warnings.push(format!("{agent} still works on {branch}, which it has lost; its commits are no longer on that branch"));
        }
        Ok(true)
    }

    /// Brings the worktree to a commit, at no branch. It is clean, or not there.
    fn switch(&self, place: &Place, commit: &str) -> Result<(), Refusal> {
        if !place.is_made() {
            return self.make(place, commit);
        }
        let git = place.git();
        if git.ask(&["rev-parse", "--verify", "HEAD^{commit}"])? == commit {
            return Ok(());
        }
        place.note(&State::Switching(commit.to_owned()))?;
        let answer = git.run_with_hooks(&["checkout", "--quiet", "--no-overwrite-ignore", "--detach", commit])?;
        // A hook may have failed after the fact: what counts is where the worktree is now.
        if answer.code != Some(0) && git.ask(&["rev-parse", "--verify", "HEAD^{commit}"])? != commit {
            return Err(Refusal::of_worktree(
                format!("{} cannot be moved to {}: {}", place.dir.display(), short(commit), answer.failed()),
                "fix the problem that git names, then start again; no work is lost",
            ));
        }
        Ok(())
    }

    /// Makes the worktree. One at a time: git's own locks fail at once when somebody else has them.
    fn make(&self, place: &Place, commit: &str) -> Result<(), Refusal> {
        let turn = turn(&self.home, &self.common)?;
        place.note(&State::Making)?;
        let git = place.git_at(&self.top);
        let mut words: Vec<OsString> = ["worktree", "add", "--quiet", "--force", "--detach"].map(Into::into).to_vec();
        words.extend([place.dir.clone().into_os_string(), commit.into()]);
        let answer = git.run_with_hooks(&words)?;
        drop(turn);
        let is_there = place.is_made() && place.git().ask(&["rev-parse", "--verify", "HEAD^{commit}"]).is_ok_and(|head| head == commit);
        if answer.code != Some(0) && !(is_there && status(&place.git())?.is_empty()) {
            return Err(Refusal::of_worktree(
                format!("the worktree {} cannot be made: {}", place.dir.display(), answer.failed()),
                "fix the problem that git names, then start again",
            ));
        }
        Ok(())
    }

    /// Puts the branch at the commit that the worktree is at, and the worktree at the branch.
    fn attach(&self, place: &Place, work: &Working, known: Option<&Branch>) -> Result<(), Refusal> {
        let git = place.git();
        let reference = format!("refs/heads/{}", work.branch);
        let old = known.map(|branch| branch.commit.as_str());
        place.note(&State::Working(work.clone()))?;
        if old != Some(&work.start) {
            // With its old value: somebody may have moved it meanwhile.
            let set = git.run(&["update-ref", "-m", "oarlock: begin an attempt", &reference, &work.start, old.unwrap_or_default()])?;
            if set.code != Some(0) {
                place.note_free()?;
                if let Some(refusal) = clash(&git, work)? {
                    return Err(refusal);
                }
                return Err(Refusal::of_task(
                    format!("the branch {} cannot be set to {}: {}", work.branch, short(&work.start), set.failed()),
                    "somebody else may have moved it; the next attempt tries again",
                ));
            }
        }
        git.ask(&["symbolic-ref", "-m", "oarlock: begin an attempt", "HEAD", &reference])?;
        Ok(())
    }

    /// Looks whether git and the file system agree on where the command would run. The directory to start it in.
    fn check(&self, place: &Place, work: &Working) -> Result<PathBuf, Refusal> {
        let git = place.git();
        let wrong =
            |what: String| Refusal::of_worktree(what, "no command was started there; inspect it with `git status` and `git worktree list`");
        let found = git.ask(&["rev-parse", "--path-format=absolute", "--show-toplevel", "HEAD", "--symbolic-full-name", "HEAD"])?;
        let top = canonical(&place.dir).map_err(|error| wrong(format!("{} cannot be reached: {error}", place.dir.display())))?;
        let lines: Vec<&str> = found.lines().collect();
        let wanted = format!("refs/heads/{}", work.branch);
        if lines.len() != 3 || canonical(Path::new(lines[0])).ok().as_ref() != Some(&top) {
            return Err(wrong(format!("git reports {} as the worktree of {}", lines.first().unwrap_or(&""), place.dir.display())));
        }
        if lines[1] != work.start || lines[2] != wanted {
            let (at, name) = (short(lines[1]), lines[2]);
            return Err(wrong(format!(
                "HEAD of {} is {name} at {at}, and must be {wanted} at {}",
                place.dir.display(),
                short(&work.start)
            )));
        }
        let dir = top.join(&self.below);
        let is_inside = canonical(&dir).is_ok_and(|real| real.is_dir() && real.starts_with(&top));
        if is_inside {
            return Ok(dir);
        }
        // Nothing was started: the branch is let go again.
        settle(place, work, End::Unfinished, true, None)?;
        Err(Refusal::of_worktree(
            format!("the directory {} is not in the branch {}, or outside of the sparse checkout", self.below.display(), work.branch),
            format!("commit it on {}, or start the work from the top of the repository", self.target),
        ))
    }
}

/// The branch beside which git cannot have the branch of a task, if there is one: a reference is a file or a directory, never both.
fn clash(git: &Git, work: &Working) -> Result<Option<Refusal>, GitFailed> {
    let below = format!("refs/heads/{}/", work.branch);
    let found = git.ask(&["for-each-ref", "--count=1", "--format=%(refname)", &below])?;
    if let Some(name) = found.strip_prefix("refs/heads/") {
        let message = format!("git cannot have the branch {} beside the branch {name}", work.branch);
        let hint = format!("rename that one (`git branch --move {name} NEW`) and requeue {}, or do the work under another id", work.task);
        return Ok(Some(Refusal { concern: Concern::Name, ..Refusal::of_task(message, hint) }));
    }
    let above = BRANCHES.trim_end_matches('/');
    if git.says(&["show-ref", "--verify", "--quiet", &format!("refs/heads/{above}")])? {
        let message = format!("git cannot have the branch {} beside the branch {above}", work.branch);
        return Ok(Some(Refusal::of_worktree(message, format!("rename that one: `git branch --move {above} NEW`"))));
    }
    Ok(None)
}
