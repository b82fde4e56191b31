//! The steps of one submission: it is merged and tested, the target is about to be moved, it has landed or was refused.
//!
//! Between `landing-tested` with a candidate and `land` the reference of the target moves. From then on nobody takes the task out of the queue, so
//! a commit in the target is never that of a task that somebody else works on. A worker that dies there leaves the candidate; the next one asks
//! git whether the target has it.

use clap::Args;
use oarlock_model::event::{LandingLanded, LandingQueued, LandingRefused, LandingStarted, LandingTested, TaskApproved, TaskRejected};
use oarlock_model::landing::{LandingRefusal, ObjectId};
use oarlock_model::rules::landing::{self, Refusal};
use oarlock_model::task::Task;
use oarlock_model::{Rejection, TaskId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::shapes::TaskShape;
use crate::task::finish::{self, Outcome};
use crate::task::{rest, values};

/// The reply of each step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LandingReply {
    /// The task.
    pub task: TaskShape,
}

/// The submission is being merged and tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct StartLanding {
    /// The task
    pub id: TaskId,
    /// The number of its submission
    #[arg(long, value_name = "N")]
    pub submission: u64,
}

/// The merged tree was tested. With a candidate, the target is about to be moved there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct TestedLanding {
    /// The task
    pub id: TaskId,
    /// The number of its submission
    #[arg(long, value_name = "N")]
    pub submission: u64,
    /// Runs of the test
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub tests: u32,
    /// The test failed and then passed on the same tree
    #[arg(long)]
    #[serde(default)]
    pub flaky: bool,
    /// The merged tree
    #[arg(long, value_name = "TREE")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<ObjectId>,
    /// The merge commit; absent when the test failed
    #[arg(long, value_name = "COMMIT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<ObjectId>,
}

/// The target was not moved: the submission is back at its place in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct RequeueLanding {
    /// The task
    pub id: TaskId,
    /// The number of its submission
    #[arg(long, value_name = "N")]
    pub submission: u64,
}

/// The commit is in the target: the task is done. The same call again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Land {
    /// The task
    pub id: TaskId,
    /// The number of its submission
    #[arg(long, value_name = "N")]
    pub submission: u64,
    /// The merge commit in the target
    #[arg(long, value_name = "COMMIT")]
    pub commit: ObjectId,
}

/// The submission does not land. That is a failed attempt: the task is ready again, or waits for a person after the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct RefuseLanding {
    /// The task
    pub id: TaskId,
    /// The number of its submission
    #[arg(long, value_name = "N")]
    pub submission: u64,
    /// Whether the submission conflicts, instead of a failed test
    #[arg(long)]
    #[serde(default)]
    pub conflict: bool,
    /// The files in conflict, comma separated
    #[arg(long, value_name = "PATHS", value_delimiter = ',')]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Text for the next attempt, Markdown
    #[arg(long, value_name = "TEXT")]
    pub brief: String,
}

/// Implements [`Request`] for a step, and the lock of its task.
macro_rules! step {
    ($name:ident, $verb:literal, $about:literal $(, $check:expr)?) => {
        impl Request for $name {
            const VERB: &'static str = $verb;
            const ABOUT: &'static str = $about;
            const EXAMPLE: &'static [&'static str] = &[];
            const IDENTITY: Identity = Identity::Optional;
            type Reply = LandingReply;

            $(fn check(&self) -> Result<(), Rejection> {
                let check: fn(&Self) -> Result<(), Rejection> = $check;
                check(self)
            })?
        }

        impl Mutation for $name {
            fn locks(&self, _caller: &Caller) -> Vec<Lock> {
                vec![Lock::Task(self.id.clone())]
            }

            fn decide(&self, cx: &mut Deciding<'_>) -> Result<LandingReply, OpError> {
                cx.caller().authority.check_operator("merge")?;
                let task = cx.task(&self.id)?;
                let task = self.step(cx, task)?;
                Ok(LandingReply { task: TaskShape::of(&cx.reading(), task)? })
            }
        }
    };
}

step!(StartLanding, "landing-start", "Record that a submission is being tested");
step!(TestedLanding, "landing-tested", "Record the test of a submission");
step!(RequeueLanding, "landing-requeue", "Put a submission back into its queue");
step!(Land, "land", "Record that a submission has landed");
step!(RefuseLanding, "landing-refuse", "Record that a submission does not land", |refused| {
    if refused.files.len() > limits::LANDING_FILES_MAX {
        return Err(Rejection::limit("files in conflict", limits::LANDING_FILES_MAX, refused.files.len()));
    }
    values::check_text("brief", &refused.brief, limits::BODY_BYTES_MAX)
});

impl StartLanding {
    fn step(&self, cx: &mut Deciding<'_>, task: Task) -> Result<Task, OpError> {
        landing::submitted(&task, self.submission, "land")?;
        landing::check_not_landing(&task, "test")?;
        cx.emit(LandingStarted { id: task.id.clone() })?;
        cx.task(&task.id)
    }
}

impl TestedLanding {
    fn step(&self, cx: &mut Deciding<'_>, task: Task) -> Result<Task, OpError> {
        landing::submitted(&task, self.submission, "land")?;
        landing::check_not_landing(&task, "test")?;
        cx.emit(LandingTested {
            id: task.id.clone(),
            passed: self.candidate.is_some(),
            tests: self.tests,
            flaky: self.flaky,
            tree: self.tree.clone(),
            candidate: self.candidate.clone(),
        })?;
        cx.task(&task.id)
    }
}

impl RequeueLanding {
    fn step(&self, cx: &mut Deciding<'_>, task: Task) -> Result<Task, OpError> {
        let landing = landing::submitted(&task, self.submission, "queue")?;
        let (branch, commit) = (landing.branch.clone(), landing.commit.clone());
        cx.emit(LandingQueued { id: task.id.clone(), branch, commit, submission: Some(self.submission) })?;
        cx.task(&task.id)
    }
}

impl Land {
    fn step(&self, cx: &mut Deciding<'_>, task: Task) -> Result<Task, OpError> {
        if landing::has_landed(&task, self.submission, &self.commit) {
            return Ok(task);
        }
        landing::submitted(&task, self.submission, "land")?;
        cx.emit(LandingLanded { id: task.id.clone(), commit: self.commit.clone() })?;
        cx.emit(TaskApproved { id: task.id.clone() })?;
        let mut task = cx.task(&task.id)?;
        finish::finish(cx, &mut task, Outcome::default())?;
        Ok(task)
    }
}

impl RefuseLanding {
    fn step(&self, cx: &mut Deciding<'_>, task: Task) -> Result<Task, OpError> {
        landing::submitted(&task, self.submission, "refuse")?;
        landing::check_not_landing(&task, "refuse")?;
        let Refusal { failures, is_given_back } = landing::refusal(&task);
        let reason = if self.conflict { LandingRefusal::Conflict } else { LandingRefusal::Test };
        let brief = (!is_given_back).then(|| self.brief.clone());
        cx.emit(LandingRefused { id: task.id.clone(), reason, files: self.files.clone(), failures, brief })?;
        if is_given_back {
            let resting = rest::resting_place(cx.view(), &task)?;
            cx.emit(TaskRejected { id: task.id.clone(), reason: self.brief.clone(), resting })?;
        }
        cx.task(&task.id)
    }
}
