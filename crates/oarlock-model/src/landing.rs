//! Landing: a task with the gate `merge` is done when its commit is in its target branch, and not before.

mod names;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::time::StoreTime;

pub use names::{BranchName, ObjectId};

/// Where a submission is on its way to the target branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LandingState {
    /// It waits for its turn.
    Queued,
    /// It is merged and tested.
    Testing,
    /// Its commit is in the target branch.
    Landed,
    /// It did not land, and the task was given back, or waits for a person.
    Refused,
}

impl LandingState {
    /// The state's word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LandingState::Queued => "queued",
            LandingState::Testing => "testing",
            LandingState::Landed => "landed",
            LandingState::Refused => "refused",
        }
    }
}

impl fmt::Display for LandingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a submission did not land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LandingRefusal {
    /// It conflicts with the target branch.
    Conflict,
    /// The test of the merged tree failed.
    Test,
    /// A person rejected or cancelled the task, or changed its gate.
    Withdrawn,
}

impl LandingRefusal {
    /// The reason's word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LandingRefusal::Conflict => "conflict",
            LandingRefusal::Test => "test",
            LandingRefusal::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for LandingRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The last submission of a task, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landing {
    /// Where it is.
    pub state: LandingState,
    /// The branch whose tip was submitted; absent for a commit without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchName>,
    /// The submitted commit: however the branch moves, only this one lands.
    pub commit: ObjectId,
    /// The number of the event that submitted it: its place in the queue, and what distinguishes it from other submissions.
    pub submission: u64,
    /// The number of the task's first submission, where this is a later one after refusals: its turn in the queue counts from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// When it was submitted, in store time.
    pub since: StoreTime,
    /// The commit that the target is about to be moved to; from then on the task cannot be taken out of the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<ObjectId>,
    /// The commit by which it landed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landed_commit: Option<ObjectId>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<LandingRefusal>,
    /// The files in conflict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

impl Landing {
    /// A new submission.
    #[must_use]
    pub fn queued(branch: Option<BranchName>, commit: ObjectId, submission: u64, since: StoreTime) -> Self {
        Self {
            state: LandingState::Queued,
            branch,
            commit,
            submission,
            first: None,
            since,
            candidate: None,
            landed_commit: None,
            reason: None,
            files: Vec::new(),
        }
    }

    /// The same after the task's submission before, which did not land: the task keeps its turn, so that what others land meanwhile does not
    /// put it off again and again.
    #[must_use]
    pub fn after(mut self, before: Option<&Landing>) -> Self {
        self.first = before.filter(|before| before.state != LandingState::Landed).map(Landing::turn);
        self
    }

    /// Its turn in the queue: the lower the earlier.
    #[must_use]
    pub fn turn(&self) -> u64 {
        self.first.unwrap_or(self.submission)
    }

    /// Whether it is still on its way.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, LandingState::Queued | LandingState::Testing)
    }

    /// It is back in the queue, at its place.
    pub fn queue_again(&mut self) {
        self.state = LandingState::Queued;
        self.candidate = None;
    }

    /// It is merged and tested now.
    pub fn start(&mut self) {
        self.state = LandingState::Testing;
        self.candidate = None;
    }

    /// It has landed.
    pub fn land(&mut self, commit: ObjectId) {
        self.state = LandingState::Landed;
        self.candidate = None;
        self.landed_commit = Some(commit);
    }

    /// It does not land.
    pub fn refuse(&mut self, reason: LandingRefusal, files: Vec<String>) {
        self.state = LandingState::Refused;
        self.candidate = None;
        self.reason = Some(reason);
        self.files = files;
    }
}
