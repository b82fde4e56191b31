//! The landing queue: `merge` works the queue of one target branch. It merges each submission, tests the merged tree in a worktree of its own, moves
//! the branch by its old value, and then tells the store that the task is done.
//!
//! What lands, and when a submission counts, is the operations' to say (`oarlock_ops::landing`). Between their two last steps the branch moves:
//! a worker that dies there leaves a candidate, and [`settle`] asks git whether the branch has it.

mod brief;
mod known;
mod lock;
mod queue;
mod settle;
mod step;
mod trial;

use std::path::PathBuf;
use std::time::Duration as StdDuration;

use oarlock_git::GitFailed;
use oarlock_model::landing::{BranchName, LandingRefusal, ObjectId};
use oarlock_model::{Rejection, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Stores;
use crate::progress::Progress;
use crate::signals::Signals;

/// How long a test may run when nothing is said.
pub const TEST_TIMEOUT_DEFAULT: StdDuration = StdDuration::from_secs(30 * 60);

/// What a landing queue is asked to do.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The target branch; absent for that of the only unfinished run.
    pub onto: Option<BranchName>,
    /// The test of a merged tree, run by `sh -c`: the operator's own words. Absent when nothing is tested.
    pub test: Option<String>,
    /// How long one run of it may take.
    pub test_timeout: StdDuration,
    /// End when the queue is empty.
    pub once: bool,
    /// Who calls.
    pub caller: Caller,
    /// A directory in the repository.
    pub directory: PathBuf,
}

/// A task that has landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    /// The task.
    pub task: TaskId,
    /// The merge commit in the target branch.
    pub commit: ObjectId,
    /// Runs of the test for this landing.
    pub tests: u32,
    /// Whether the test failed first and passed when it was repeated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// Files that a merge driver put together, and that only the test has judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub driven: Vec<String>,
}

/// A task that was given back, or waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The task.
    pub task: TaskId,
    /// Why.
    pub reason: LandingRefusal,
    /// The files in conflict.
    pub files: Vec<String>,
    /// Whether it used up its attempts and waits for a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits_for_person: bool,
}

/// What a landing queue has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeReport {
    /// The target branch.
    pub onto: BranchName,
    /// Tasks that have landed, in this order.
    pub landed: Vec<Landed>,
    /// Tasks that were refused, in this order.
    pub refused: Vec<Refused>,
    /// Runs of the test in all.
    pub tests_run: u32,
    /// Whether there was a test.
    pub tested: bool,
}

/// How a landing queue ended.
#[derive(Debug)]
pub struct MergeEnd {
    /// What it has done.
    pub report: MergeReport,
    /// Why it ended before the queue was empty: `state_conflict` when the target's worktree is in the way or git fails, `interrupted` after a signal.
    pub error: Option<OpError>,
}

/// Works the queue of a target branch. A second call for the same target waits for the first.
///
/// # Errors
/// Nothing was begun: `invalid_request` without a target, `not_found` when there is no such branch, `state_conflict` when git cannot be used here;
/// or the store is gone.
pub fn merge(stores: &dyn Stores, settings: &Settings, merge: &Merge, progress: &mut dyn Progress) -> Result<MergeEnd, OpError> {
    queue::work(stores, settings, merge, None, progress)
}

/// [`merge`] with the signals of the caller.
///
/// # Errors
/// As [`merge`].
pub fn merge_until(
    signals: &Signals,
    stores: &dyn Stores,
    settings: &Settings,
    merge: &Merge,
    progress: &mut dyn Progress,
) -> Result<MergeEnd, OpError> {
    queue::work(stores, settings, merge, Some(signals), progress)
}

/// Git failed: what it said, as a refusal.
pub(crate) fn git_failed(what: &str, error: &GitFailed) -> OpError {
    Rejection::Conflict {
        message: format!("{what}: {error}"),
        hint: "correct that, then call `oarlock merge` again: it goes on where it stopped".into(),
        details: json!({"git": error.to_string()}),
    }
    .into()
}

/// A hash that git gave.
pub(crate) fn object(hash: &str) -> Result<ObjectId, OpError> {
    ObjectId::parse(hash).map_err(|_| OpError::Internal(format!("git gave \"{hash}\" as a hash")))
}
