//! The requests to a landing queue, and its replies.

use std::path::PathBuf;
use std::time::Duration as StdDuration;

use oarlock_git::GitFailed;
use oarlock_model::landing::{BranchName, LandingRefusal, ObjectId};
use oarlock_model::{Rejection, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long a test may run when nothing is said.
pub const TEST_TIMEOUT_DEFAULT: StdDuration = StdDuration::from_secs(30 * 60);

/// The request to a landing queue.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The target branch; absent for that of the only unfinished run.
    pub onto: Option<BranchName>,
    /// The test of a merged tree, run by `sh -c`: the operator's own words. Absent when nothing is tested.
    pub test: Option<String>,
    /// How long one run of it may take.
    pub test_timeout: StdDuration,
    /// How many tests may run at once, when a batch fails.
    pub slots: usize,
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
    /// Runs of the test of the batch that it landed with.
    pub tests: u32,
    /// Whether the test failed first and passed when it was repeated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// Whether the target had the submitted commit already: nothing was merged, and nothing tested.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
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

/// Who put changes together: each step is for what the one before could not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rungs {
    /// Submissions that git merged.
    pub git: usize,
    /// Submissions for which a merge driver put files together, and the test agreed.
    pub driver: usize,
    /// Submissions that went back to their tasks with a brief, for another attempt.
    pub owner: usize,
    /// Submissions that wait for a person, after the last attempt.
    pub person: usize,
}

impl MergeReport {
    /// Counts its landings and refusals by who put them together.
    pub(super) fn count_rungs(&mut self) {
        let driver = self.landed.iter().filter(|landed| !landed.driven.is_empty()).count();
        let person = self.refused.iter().filter(|refused| refused.waits_for_person).count();
        self.rungs = Rungs { git: self.landed.len() - driver, driver, owner: self.refused.len() - person, person };
    }
}

/// The work of a landing queue.
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
    /// Who put the changes together.
    pub rungs: Rungs,
}

/// How a landing queue ended.
#[derive(Debug)]
pub struct MergeEnd {
    /// The work it has done.
    pub report: MergeReport,
    /// Why it ended before the queue was empty: `state_conflict` when the target's worktree is in the way or git fails, `interrupted` after a signal.
    pub error: Option<OpError>,
}

/// Git failed: what it said, as a refusal.
pub(crate) fn git_failed(what: &str, error: &GitFailed) -> OpError {
    Rejection::Conflict {
        message: format!("{what}: {error}"),
        hint: "fix that, then call `oarlock merge` again: it continues where it stopped".into(),
        details: json!({"git": error.to_string()}),
    }
    .into()
}

/// A hash that git gave.
pub(crate) fn object(hash: &str) -> Result<ObjectId, OpError> {
    ObjectId::parse(hash).map_err(|_| OpError::Internal(format!("git gave \"{hash}\" as a hash")))
}
