//! The worktrees that are there, and taking them away. Nothing that is only there is ever removed.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::leave::{End, keep_unowned, settle, status};
use super::mend::mend;
use super::names::{BRANCHES, check_dir};
use super::place::{Place, State, take_in, turn};
use super::refusal::Refusal;
use super::repo::{Worktrees, around};
use crate::program::{Git, GitFailed};
use crate::repository::git_dir_of;

/// The worktrees of agents in one directory.
#[derive(Clone, Debug)]
pub struct Stock {
    top: PathBuf,
    common: PathBuf,
    home: PathBuf,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stocked {
    /// Its agent.
    pub agent: String,
    /// Its top.
    pub path: PathBuf,
    /// Why it is not removed, if so; a sentence each.
    pub holds: Vec<String>,
}

impl Stock {
    /// The worktrees in the directory `project`, a repository's `.oarlock`; none when there are none. `here` is in a worktree of it.
    ///
    /// # Errors
    /// There are worktrees, and there is no git, or it is too old, or `here` is in no worktree.
    pub fn of(project: &Path, here: &Path) -> Result<Option<Self>, Refusal> {
        let home = project.join(super::repo::HOME);
        if !home.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return Ok(None);
        }
        let (top, common) = around(here)?;
        Ok(Some(Self { top, common, home }))
    }

    /// All of them, by agent, with what keeps each from being removed.
    ///
    /// # Errors
    /// The directory cannot be read, or git fails.
    pub fn look(&self) -> Result<Vec<Stocked>, Refusal> {
        let mut all = Vec::new();
        for agent in self.agents()? {
            let path = self.home.join(&agent);
            let holds = match take_in(&self.home, &self.common, &agent, Duration::ZERO)? {
                Some(place) => self.holds(&place)?,
                None => vec!["it is in use".to_owned()],
            };
            all.push(Stocked { agent, path, holds });
        }
        Ok(all)
    }

    /// Removes one of them. With `keep` what it holds is committed before: on the branch of its task, or as a kept reference. Without, one
    /// that holds something is refused.
    ///
    /// # Errors
    /// It is in use, it holds something, or git fails. It is there, then.
    pub fn remove(&self, agent: &str, keep: bool) -> Result<(), Refusal> {
        check_dir(agent)?;
        let path = self.home.join(agent);
        let in_use = || Refusal::of_worktree(format!("the worktree {} is in use", path.display()), "end its worker first");
        let place = take_in(&self.home, &self.common, agent, Duration::ZERO)?.ok_or_else(in_use)?;
        if keep {
            self.keep(&place)?;
        } else if let Some(first) = self.holds(&place)?.first() {
            return Err(Refusal::of_worktree(
                format!("the worktree {} is not removed: {first}", path.display()),
                "land or save its work first",
            ));
        }
        if place.is_made() {
            // Forced, because git refuses worktrees that ever had submodules. What counts was looked at above.
            let mut words: Vec<OsString> = ["worktree", "remove", "--force", "--force"].map(Into::into).to_vec();
            words.push(path.into_os_string());
            let turn = turn(&self.home, &self.common)?;
            place.git_at(&self.top).ask(&words)?;
            drop(turn);
        } else {
            // It was not made to its end, or it is empty: that is repaired away.
            mend(&place, &self.top)?;
            let _ = fs::remove_dir(&path);
        }
        place.note_free()?;
        let lock = self.home.join(format!(".lock-{agent}"));
        match fs::remove_file(&lock) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Refusal::of_worktree(
                format!("{} cannot be removed: {error}", lock.display()),
                "make the directory writable for this user",
            )),
            _ => Ok(()),
        }
    }

    fn agents(&self) -> Result<Vec<String>, Refusal> {
        let failed =
            |error: io::Error| Refusal::of_worktree(format!("{} cannot be read: {error}", self.home.display()), "check its permissions");
        let mut agents = Vec::new();
        for entry in fs::read_dir(&self.home).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            // Ours begin with a dot.
            if !name.starts_with('.') {
                agents.push(name);
            }
        }
        agents.sort();
        Ok(agents)
    }

    /// The reason that a worktree cannot be removed.
    fn holds(&self, place: &Place) -> Result<Vec<String>, Refusal> {
        if place.state()? == Some(State::Making) {
            return Ok(Vec::new());
        }
        if !place.is_made() {
            let is_empty = fs::read_dir(&place.dir).is_ok_and(|mut entries| entries.next().is_none());
            return Ok(if is_empty { Vec::new() } else { vec!["it is not a worktree of this repository".to_owned()] });
        }
        let git = place.git();
        let mut holds = Vec::new();
        let dirt = status(&git)?;
        if let Some(first) = dirt.first() {
            let (n, s) = (dirt.len(), if dirt.len() == 1 { "" } else { "s" });
            holds.push(format!("it has {n} uncommitted or untracked path{s}, first {}", first.get(3..).unwrap_or(first)));
        }
        if !is_landed(&git)? {
            holds.push("its commits are on no branch but those of tasks".to_owned());
        }
        if git_dir_of(&place.dir).is_some_and(|admin| admin.join("modules").is_dir()) {
            holds.push("it has submodules, whose commits may be nowhere else".to_owned());
        }
        Ok(holds)
    }

    /// Commits what a worktree holds.
    fn keep(&self, place: &Place) -> Result<(), Refusal> {
        if place.state()? == Some(State::Making) || !place.dir.exists() {
            return Ok(());
        }
        if let Some(first) = self.holds(place)?.iter().find(|why| why.contains("submodules") || why.contains("not a worktree")) {
            return Err(Refusal::of_worktree(
                format!("the worktree {} is not removed: {first}", place.dir.display()),
                "save its files and remove it yourself",
            ));
        }
        if !place.is_made() {
            return Ok(());
        }
        match place.state()? {
            Some(State::Working(work)) => drop(settle(place, &work, End::Unfinished, true, None)?),
            _ => drop(keep_unowned(place)?),
        }
        match status(&place.git())?.first() {
            None => Ok(()),
            Some(first) => Err(Refusal::of_worktree(
                format!("{} cannot be committed in {}", first.get(3..).unwrap_or(first), place.dir.display()),
                "if there is another repository inside, save it and remove the worktree yourself",
            )),
        }
    }
}

/// Whether a branch of people has the commit that is checked out, or one that a run lands on.
fn is_landed(git: &Git) -> Result<bool, GitFailed> {
    let commit = git.ask(&["rev-parse", "--verify", "HEAD^{commit}"])?;
    let having = git.ask(&["for-each-ref", "--format=%(refname)", "--contains", &commit, "refs/heads", "refs/remotes"])?;
    let of_tasks = format!("refs/heads/{BRANCHES}");
    let of_runs = format!("{of_tasks}run/");
    Ok(having.lines().any(|name| !name.starts_with(&of_tasks) || name.starts_with(&of_runs)))
}

impl Worktrees {
    /// The worktrees that are there.
    #[must_use]
    pub fn stock(&self) -> Stock {
        Stock { top: self.top.clone(), common: self.common.clone(), home: self.home.clone() }
    }
}
