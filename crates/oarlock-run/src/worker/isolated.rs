//! The worker's side of worktrees: an attempt begins in one, and whatever comes of it, its work ends on the task's branch.

use oarlock_git::{Concern, End, Entered};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::Store;
use oarlock_ops::task::Claimed;

use crate::attempt::{self, Finished, Held};
use crate::isolation::{Cell, as_error, ground};
use crate::outcome::Outcome;
use crate::progress::Tell;

/// How an attempt begins.
pub(super) enum Begun {
    /// In the directory where the worker was started.
    Here,
    /// In this worktree.
    Worktree(Box<Entered>),
    /// Not at all: the task's branch cannot be worked on.
    Ended(Outcome),
}

/// Brings the agent's worktree to the task's branch.
///
/// # Errors
/// No task can be worked on in the worktree, and the task was given back; store errors.
pub(super) fn begin(
    cell: Option<&Cell>,
    store: &mut dyn Store,
    caller: &Caller,
    settings: &Settings,
    tell: &dyn Tell,
    claimed: &Claimed,
    held: &Held,
) -> Result<Begun, OpError> {
    let Some(cell) = cell else { return Ok(Begun::Here) };
    let ground = ground(&*store.snapshot()?, &claimed.task)?;
    match cell.worktrees.enter(&cell.place, held.id.as_str(), &held.title, &ground) {
        Ok(entered) => {
            entered.warnings.iter().for_each(|warning| tell.warning(warning));
            Ok(Begun::Worktree(Box::new(entered)))
        }
        Err(refusal) if refusal.concern != Concern::Worktree => {
            let reason = format!("{}; {}", refusal.message, refusal.hint);
            tell.warning(&format!("{} was not started: {reason}", held.id));
            let for_good = refusal.concern == Concern::Name;
            attempt::fail_unstarted(store, caller, settings, held, &reason, for_good).map(Begun::Ended)
        }
        Err(refusal) => {
            attempt::release_own(store, caller, settings, &held.id)?;
            Err(as_error(refusal))
        }
    }
}

/// Commits what a program that has ended left. What keeps the worktree from being used for another task, if anything.
pub(super) fn end(cell: Option<&Cell>, held: &Held, finished: &mut Finished) -> Option<OpError> {
    let Some(cell) = cell else {
        if held.lands && finished.is_success() {
            finished.fault = left_uncommitted();
        }
        return None;
    };
    let end = if finished.is_success() { End::Finished } else { End::Unfinished };
    match cell.worktrees.leave(&cell.place, end, true) {
        Ok(left) => {
            finished.fault = left.refused.or(finished.fault.take());
            None
        }
        Err(refusal) => {
            finished.fault = Some(refusal.message.clone());
            Some(as_error(refusal))
        }
    }
}

/// Why what is checked out here is not what the program made: a submission is a commit, and nobody commits for a program that has no worktree of
/// its own.
fn left_uncommitted() -> Option<String> {
    let dir = std::env::current_dir().ok()?;
    let changed = oarlock_git::uncommitted(&dir).ok()?;
    let first = changed.first()?;
    let more = if changed.len() > 1 { format!(" and {} more", changed.len() - 1) } else { String::new() };
    Some(format!("uncommitted changes in {first}{more}: commit them on a branch, or start the worker with --worktree"))
}

/// Commits what a program that was stopped or not started left. What cannot be committed now is by the next attempt.
pub(super) fn abandon(cell: Option<&Cell>, tell: &dyn Tell, is_holder: bool) {
    let Some(cell) = cell else { return };
    if let Err(refusal) = cell.worktrees.leave(&cell.place, End::Unfinished, is_holder) {
        tell.warning(&refusal.message);
    }
}
