//! Worktrees of agents, as the runner and the verbs about them use them. Everything about git is in `oarlock-git`.

use std::collections::BTreeSet;
use std::path::Path;

use oarlock_git::{Ground, Place, Refusal, Shared, Stock, Stocked, Worktrees};
use oarlock_model::task::Gate;
use oarlock_model::{AgentName, Rejection, TaskId, limits};
use oarlock_ops::OpError;
use oarlock_ops::shapes::TaskShape;
use oarlock_ops::store::{StoreError, StoreResult, View};

use crate::directory::WorkingDirectory;
use crate::progress::Tell;
use crate::signals::Signals;

/// How agents are kept apart: each has a worktree of its own, and each task a branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Isolation {
    /// The branch that tasks begin at; without it the one that is checked out where the worker starts.
    pub onto: Option<String>,
    /// The files that worktrees share with the one where the worker starts.
    pub shared: Shared,
}

/// A way to find the repository and the branch.
type Open = fn(&Path, Option<&str>, Shared) -> Result<(Worktrees, Vec<String>), Refusal>;

impl Isolation {
    /// Finds the repository and the branch.
    ///
    /// # Errors
    /// `invalid_request`: no worktree can be made here.
    pub(crate) fn open(&self, tell: &dyn Tell) -> Result<Worktrees, OpError> {
        self.open_by(Worktrees::open, tell)
    }

    /// The same where tasks will begin at a branch that is made first, so that none need be checked out.
    ///
    /// # Errors
    /// As [`Isolation::open`].
    pub(crate) fn open_for_new_branch(&self, tell: &dyn Tell) -> Result<Worktrees, OpError> {
        self.open_by(Worktrees::open_for_new_branch, tell)
    }

    fn open_by(&self, open: Open, tell: &dyn Tell) -> Result<Worktrees, OpError> {
        let here = WorkingDirectory::current()?;
        let (worktrees, warnings) = open(here.path(), self.onto.as_deref(), self.shared.clone()).map_err(as_error)?;
        warnings.iter().for_each(|warning| tell.warning(&format!("warning: {warning}")));
        Ok(worktrees)
    }
}

/// One agent's worktree, which is its own while the worker lives.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) worktrees: Worktrees,
    pub(crate) place: Place,
}

impl Cell {
    /// Takes it.
    ///
    /// # Errors
    /// `invalid_request`: another process uses it, or it cannot be made.
    pub(crate) fn take(worktrees: Worktrees, agent: &AgentName) -> Result<Self, OpError> {
        let place = worktrees.take(agent.as_str()).map_err(as_error)?;
        Ok(Self { worktrees, place })
    }
}

/// A refusal as every door reports it.
pub(crate) fn as_error(refusal: Refusal) -> OpError {
    Rejection::invalid(refusal.message, refusal.hint).into()
}

/// Why no work goes on in a worktree: the signal, where one came, because a terminal sends it to git, too, which then fails in its own words.
pub(crate) fn unless_stopped(error: OpError, signals: &Signals) -> OpError {
    if signals.pending() { OpError::Interrupted } else { error }
}

/// The tasks that a task builds on: its needs, those of the tasks above it, and its parts.
pub(crate) fn ground(view: &dyn View, task: &TaskShape) -> StoreResult<Ground> {
    let name = |id: &TaskId| id.as_str().to_owned();
    let mut needs: Vec<TaskId> = task.needs.iter().cloned().collect();
    let mut above = task.parent.clone();
    for _ in 0..limits::PARENT_DEPTH_MAX {
        let Some(parent) = above.take().map(|id| view.task(&id)).transpose()?.flatten() else { break };
        needs.extend(parent.needs);
        above = parent.spec.parent;
    }
    let mut seen = BTreeSet::new();
    let mut branches = Vec::new();
    for need in needs {
        // What has landed is in the target; its branch may have gone on.
        let lands = || Ok::<_, StoreError>(view.task(&need)?.is_some_and(|task| task.spec.gate == Some(Gate::Merge)));
        if seen.insert(need.clone()) && !lands()? {
            branches.push(name(&need));
        }
    }
    let parts = view.children(&task.id)?.iter().map(name).collect();
    Ok(Ground { needs: branches, parts })
}

/// The worktrees of agents in the directory of a project, with what each holds that is nowhere else.
///
/// # Errors
/// `invalid_request`: git cannot be asked.
pub fn worktrees_held(project: &Path) -> Result<Vec<Stocked>, OpError> {
    let stock = stock(project)?;
    stock.map(|stock| stock.look()).transpose().map(Option::unwrap_or_default).map_err(as_error)
}

/// Removes the worktrees of agents in the directory of a project, and returns how many there were. With `keep` what they hold is committed
/// before: on the branch of its task, or below `refs/oarlock/kept`.
///
/// # Errors
/// `invalid_request`: one is in use, or holds what cannot be committed; it and those after it are still there.
pub fn forget_worktrees(project: &Path, keep: bool) -> Result<usize, OpError> {
    let Some(stock) = stock(project)? else { return Ok(0) };
    let found = stock.look().map_err(as_error)?;
    found.iter().try_for_each(|found| stock.remove(&found.agent, keep)).map_err(as_error)?;
    Ok(found.len())
}

fn stock(project: &Path) -> Result<Option<Stock>, OpError> {
    // From the project's own place: the caller may be in a directory of no repository.
    let root = project.parent().unwrap_or(project);
    Stock::of(project, root).map_err(as_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_when_a_signal_came_is_that_signal() {
        let signals = Signals::default();
        let ended = || OpError::from(Rejection::invalid("git was ended by a signal", "start it again"));
        assert!(matches!(unless_stopped(ended(), &signals), OpError::Rejected(_)));
        signals.raise();
        assert!(matches!(unless_stopped(ended(), &signals), OpError::Interrupted));
        assert!(signals.taken(), "the worker that ends on it still sees it");
    }
}
