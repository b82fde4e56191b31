//! The landing of a task.

use oarlock_model::landing::{BranchName, Landing, LandingRefusal, LandingState, ObjectId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The last submission of a task with the gate `merge`: `landing` of TASK.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LandingShape {
    /// The state: `queued`, `testing`, `landed` or `refused`.
    pub state: LandingState,
    /// The branch whose tip was submitted; absent for a commit without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchName>,
    /// The submitted commit. Only this one lands, wherever the branch is now.
    pub commit: ObjectId,
    /// Whether the merged tree may land, and the target branch is about to be moved there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
    /// The merge commit in the target branch, once it has landed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landed_commit: Option<ObjectId>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<LandingRefusal>,
    /// The files in conflict.
    pub files: Vec<String>,
}

impl LandingShape {
    /// The shape of a landing.
    #[must_use]
    pub fn of(landing: Landing) -> Self {
        let Landing { state, branch, commit, candidate, landed_commit, reason, files, .. } = landing;
        Self { state, branch, commit, verified: candidate.is_some(), landed_commit, reason, files }
    }
}
