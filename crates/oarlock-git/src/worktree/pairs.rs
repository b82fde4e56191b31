//! Which branches would conflict: every pair is merged without a worktree, so nothing is checked out or changed.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::radar::{Live, Radar};
use super::refusal::Refusal;
use super::repo::{around, branches};
use crate::program::{Git, GitFailed};

/// Threads that merge at once.
const THREADS_MAX: usize = 8;
/// The most branches that are compared: half a million pairs take an hour.
const BRANCHES_MAX: usize = 1_000;

/// Which branches are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// These, by the names of branches or ids of tasks; without any, those of all tasks that are in none of `onto`.
    pub branches: Vec<String>,
    /// The target branches: merged branches are not live any more. The checked-out branch, without any.
    pub onto: Vec<String>,
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
    /// Those of these branches that are there, in the repository around `here`.
    ///
    /// # Errors
    /// There is no git, it is too old, or git fails.
    pub fn existing(here: &Path, names: &[&str]) -> Result<Vec<String>, Refusal> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let (top, _) = around(here)?;
        Ok(branches(&Git::at(&top), names)?.into_keys().collect())
    }

    /// Compares them, in the repository around `here`. What agents have not committed yet counts as well. `is_over` says of branches that were not
    /// named whether they are not live any more, although no target has them.
    ///
    /// # Errors
    /// There is no git, it is too old, a branch is missing, there are too many, or git fails.
    pub fn compare(&self, here: &Path, is_over: &dyn Fn(&str) -> bool) -> Result<Compared, Refusal> {
        let scratch = Radar::common_dir(here)?.join(format!("oarlock-conflicts-{}", std::process::id()));
        let mut radar = Radar::open(here, &scratch)?;
        let live = if self.branches.is_empty() { self.live(&mut radar, is_over)? } else { self.named(&mut radar)? };
        if live.len() > BRANCHES_MAX {
            return Err(Refusal::of_task(
                format!("{} branches are too many to compare, at most {BRANCHES_MAX}", live.len()),
                "name those that matter",
            ));
        }
        let pairs = merged(&radar, &live)?;
        Ok(Compared { branches: live.into_iter().map(|branch| branch.name).collect(), pairs })
    }

    fn live(&self, radar: &mut Radar, is_over: &dyn Fn(&str) -> bool) -> Result<Vec<Live>, Refusal> {
        let mut targets = Vec::new();
        for name in &self.onto {
            targets.push(radar.named(name)?.commit);
        }
        if self.onto.is_empty() {
            // A branch without a commit contains nothing.
            targets.extend(radar.head()?);
        }
        let mut live = radar.not_in(&targets.iter().map(String::as_str).collect::<Vec<_>>())?;
        live.retain(|branch| !is_over(&branch.name));
        Ok(live)
    }

    fn named(&self, radar: &mut Radar) -> Result<Vec<Live>, Refusal> {
        let mut live: Vec<Live> = Vec::new();
        for name in &self.branches {
            let mut found = radar.named(name)?;
            if !live.iter().any(|known| known.name == found.name) {
                radar.with_uncommitted(&mut found);
                live.push(found);
            }
        }
        Ok(live)
    }
}

/// Merges every pair.
fn merged(radar: &Radar, live: &[Live]) -> Result<Vec<Pair>, Refusal> {
    let all: Vec<(usize, usize)> = (0..live.len()).flat_map(|a| (a + 1..live.len()).map(move |b| (a, b))).collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(all.len()));
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX).min(all.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, (a, b))) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, *all.get(at)?))) {
                    let merged = radar.conflicting_files(&live[a].commit, &live[b].commit);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, a, b, merged));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, ..)| *at);
    let pair = |(_, a, b, merged): (usize, usize, usize, Result<Vec<String>, GitFailed>)| {
        Ok(Pair { a: live[a].name.clone(), b: live[b].name.clone(), files: merged? })
    };
    done.into_iter().map(pair).collect()
}
