//! Facts about landing: what became of the commit that a task with the gate `merge` submitted.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};

use crate::ident::TaskId;
use crate::landing::{BranchName, Landing, LandingRefusal, ObjectId};
use crate::time::StoreTime;

/// See [`Fact::LandingQueued`](super::Fact::LandingQueued).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LandingQueued {
    /// The task.
    pub id: TaskId,
    /// The branch whose tip it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchName>,
    /// The submitted commit.
    pub commit: ObjectId,
    /// The submission that goes back to its place in the queue; absent for a new one, which has the number of this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<u64>,
}

impl LandingQueued {
    /// The landing after this event, which has the number `seq`; `before` is that of the task until then.
    ///
    /// # Errors
    /// The reason against it, in words.
    pub fn applied(&self, before: Option<Landing>, seq: u64, at: StoreTime) -> Result<Landing, String> {
        let Some(submission) = self.submission else {
            return Ok(Landing::queued(self.branch.clone(), self.commit.clone(), seq, at).after(before.as_ref()));
        };
        let mut landing = open(before, &self.id)?;
        if landing.submission != submission {
            return Err(format!("submission {submission} of {} is not the last one", self.id));
        }
        landing.queue_again();
        Ok(landing)
    }
}

/// See [`Fact::LandingStarted`](super::Fact::LandingStarted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LandingStarted {
    /// The task.
    pub id: TaskId,
}

/// See [`Fact::LandingTested`](super::Fact::LandingTested).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LandingTested {
    /// The task.
    pub id: TaskId,
    /// Whether the merged tree may land.
    pub passed: bool,
    /// Runs of the test for this tree; 0 when its result was known or nothing was tested.
    pub tests: u32,
    /// Whether the test failed and then passed on the same tree.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// The merged tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<ObjectId>,
    /// The commit that the target is about to be moved to, when it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<ObjectId>,
}

/// See [`Fact::LandingLanded`](super::Fact::LandingLanded). `task_approved` and `task_done` follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LandingLanded {
    /// The task.
    pub id: TaskId,
    /// The merge commit in the target branch.
    pub commit: ObjectId,
}

/// See [`Fact::LandingRefused`](super::Fact::LandingRefused). `task_rejected` follows, with the brief, unless the task has no attempts left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LandingRefused {
    /// The task.
    pub id: TaskId,
    /// Why.
    pub reason: LandingRefusal,
    /// The files in conflict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Failures so far, this one included.
    pub failures: u32,
    /// The brief, when the task waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief: Option<String>,
}

/// The landing of a task, which must be on its way.
///
/// # Errors
/// There is none, or it is over.
pub fn open(landing: Option<Landing>, task: &TaskId) -> Result<Landing, String> {
    landing.filter(Landing::is_open).ok_or_else(|| format!("task {task} has no open submission"))
}
