//! Which branches would conflict: every pair is merged without a worktree, so nothing is checked out or changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use oarlock_host::file::canonical;

use super::leave::status;
use super::names::{BRANCHES, is_branch};
use super::refusal::Refusal;
use super::repo::{Branch, around, branches};
use super::tree::{Merged, commit, merge_trees};
use crate::program::{Git, GitFailed};
use crate::repository::{Repository, git_dir_of};

/// Threads that merge at once.
const THREADS_MAX: usize = 8;
/// The most branches that are compared: half a million pairs take an hour.
const BRANCHES_MAX: usize = 1_000;

/// Which branches are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// These, by the names of branches or ids of tasks; without any, those of all tasks that are not in `onto`.
    pub branches: Vec<String>,
    /// The branch that work lands on: merged branches are not live any more. The checked-out branch, without it.
    pub onto: Option<String>,
}

/// Two branches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The first.
    pub a: String,
    /// The second.
    pub b: String,
    /// The files in which they conflict; none when they merge cleanly.
    pub files: Vec<String>,
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// The branches.
    pub branches: Vec<String>,
    /// Every pair of them, in their order.
    pub pairs: Vec<Pair>,
}

impl Pairs {
    /// Compares them, in the repository around `here`. What agents have not committed yet counts as well.
    ///
    /// # Errors
    /// There is no git, it is too old, a branch is missing, there are too many, or git fails.
    pub fn compare(&self, here: &Path) -> Result<Compared, Refusal> {
        let (top, _) = around(here)?;
        let git = Git::at(&top);
        let mut live = if self.branches.is_empty() { self.live(&git)? } else { self.named(&git)? };
        if live.len() > BRANCHES_MAX {
            return Err(Refusal::of_task(
                format!("{} branches are too many to compare, at most {BRANCHES_MAX}", live.len()),
                "name those that matter",
            ));
        }
        let home = Repository::at(&top).map(|repository| repository.root().join(".oarlock").join(super::repo::HOME));
        let home = home.and_then(|home| canonical(&home).ok());
        for (_, branch) in &mut live {
            let is_agents = branch.checked_out.as_deref().and_then(Path::parent).and_then(|dir| canonical(dir).ok()) == home;
            if let Some(dir) = branch.checked_out.clone().filter(|_| home.is_some() && is_agents) {
                // What changes in this moment is seen the next time.
                if let Ok(Some(commit)) = with_uncommitted(&dir, &branch.commit) {
                    branch.commit = commit;
                }
            }
        }
        let pairs = merged(&git, &live)?;
        Ok(Compared { branches: live.into_iter().map(|(name, _)| name).collect(), pairs })
    }

    fn live(&self, git: &Git) -> Result<Vec<(String, Branch)>, Refusal> {
        let onto = match &self.onto {
            Some(name) => existing(git, name)?.1.commit,
            None => "HEAD".to_owned(),
        };
        let of_tasks = format!("refs/heads/{BRANCHES}");
        let listed = git.ask(&["for-each-ref", "--format=%(refname:lstrip=2)", &format!("--no-merged={onto}"), &of_tasks])?;
        let of_runs = format!("{BRANCHES}run/");
        let names: Vec<&str> = listed.lines().filter(|name| !name.starts_with(&of_runs)).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        Ok(branches(git, &names)?.into_iter().collect())
    }

    fn named(&self, git: &Git) -> Result<Vec<(String, Branch)>, Refusal> {
        let mut live: Vec<(String, Branch)> = Vec::new();
        for name in &self.branches {
            let found = existing(git, name)?;
            if !live.iter().any(|(name, _)| *name == found.0) {
                live.push(found);
            }
        }
        Ok(live)
    }
}

/// A branch by its name, or by the id of its task.
fn existing(git: &Git, name: &str) -> Result<(String, Branch), Refusal> {
    let of_task = format!("{BRANCHES}{name}");
    if !is_branch(name) {
        return Err(Refusal::of_task(format!("{name:?} cannot be the name of a branch"), "name a local branch, for example main"));
    }
    let mut found = branches(git, &[name, &of_task])?;
    [name, &of_task].into_iter().find_map(|name| found.remove_entry(name)).ok_or_else(|| {
        Refusal::of_task(format!("there is no local branch {name}"), format!("`git branch --list '{BRANCHES}*'` lists those of tasks"))
    })
}

/// Merges every pair.
fn merged(git: &Git, live: &[(String, Branch)]) -> Result<Vec<Pair>, Refusal> {
    let all: Vec<(usize, usize)> = (0..live.len()).flat_map(|a| (a + 1..live.len()).map(move |b| (a, b))).collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(all.len()));
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX).min(all.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, (a, b))) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, *all.get(at)?))) {
                    let merged = merge_trees(git, &live[a].1.commit, &live[b].1.commit);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, a, b, merged));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, ..)| *at);
    let pair = |(_, a, b, merged): (usize, usize, usize, Result<Merged, GitFailed>)| {
        let files = match merged? {
            Merged::Conflict(files) => files,
            Merged::Tree(_) => Vec::new(),
        };
        Ok(Pair { a: live[a].0.clone(), b: live[b].0.clone(), files })
    };
    done.into_iter().map(pair).collect()
}

/// A commit of what a worktree holds now, on top of its branch; none when all of it is committed. The worktree's index is not touched.
fn with_uncommitted(dir: &Path, tip: &str) -> Result<Option<String>, GitFailed> {
    let git = Git::at(dir).with("GIT_OPTIONAL_LOCKS", "0");
    if status(&git)?.is_empty() {
        return Ok(None);
    }
    let Some(index) = git_dir_of(dir).map(|admin| admin.join("index")) else { return Ok(None) };
    let copy = Removed(index.with_file_name(format!("index-oarlock-{}", std::process::id())));
    fs::copy(&index, &copy.0).map_err(|error| GitFailed(error.to_string()))?;
    let git = git.with("GIT_INDEX_FILE", copy.0.clone());
    git.ask(&["add", "--all", "--sparse", "--", ":(top)"])?;
    let tree = git.ask(&["write-tree"])?;
    let names = ["AUTHOR", "COMMITTER"]
        .iter()
        .flat_map(|role| [(format!("GIT_{role}_NAME"), "oarlock"), (format!("GIT_{role}_EMAIL"), "oarlock@oarlock.invalid")]);
    let git = names.fold(git, |git, (name, value)| git.with(name, value));
    commit(&git, &tree, &[tip], "uncommitted").map(Some)
}

/// A file that goes away with this.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        // It is git's own directory, which goes away with the worktree.
        let _ = fs::remove_file(&self.0);
    }
}
