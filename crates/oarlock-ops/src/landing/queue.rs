//! `landing-take` and `landing-status`: the queue of a target branch.

use clap::Args;
use oarlock_model::event::{SpecChange, TaskUpdated};
use oarlock_model::landing::{BranchName, LandingState, ObjectId};
use oarlock_model::task::Task;
use oarlock_model::{AgentName, Rejection, TaskId, Token, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::{Deciding, Reading};
use crate::lock::Lock;
use crate::request::{Mutation, Query, Request};
use crate::store::{QueuedLanding, StoreResult, View};

/// Returns the queue of a target branch. Submissions without a target get this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct TakeLandings {
    /// The target branch
    #[arg(long, value_name = "BRANCH")]
    pub onto: BranchName,
}

/// The reply of [`TakeLandings`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakeLandingsReply {
    /// The submissions, in their turns; at most [`limits::LANDING_QUEUE_MAX`].
    pub queue: Vec<QueuedTask>,
}

/// A submission on its way, with what its worker has to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueuedTask {
    /// The task.
    pub task: TaskId,
    /// Its title.
    pub title: String,
    /// The number of the submission: each step names it, so that an old one cannot land.
    pub submission: u64,
    /// The state.
    pub state: LandingState,
    /// The branch whose tip was submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchName>,
    /// The submitted commit.
    pub commit: ObjectId,
    /// The commit that the target was about to be moved to, when a worker died before it said whether that happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<ObjectId>,
    /// The agent that submitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// The token of the grant that submitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

/// Show the landing queue of a target branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct LandingStatus {
    /// The target branch [default: that of the only unfinished run]
    #[arg(long, value_name = "BRANCH")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onto: Option<BranchName>,
}

/// The reply of [`LandingStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LandingStatusReply {
    /// The target branch.
    pub onto: BranchName,
    /// The submissions on their way, in their turns. Those that no queue has taken yet are among them.
    pub queue: Vec<WaitingTask>,
    /// Tasks that have landed on this branch.
    pub landed: u64,
    /// Tasks whose last submission was refused.
    pub refused: u64,
}

/// A submission in the reply of [`LandingStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingTask {
    /// The task.
    pub task: TaskId,
    /// The state: `queued` or `testing`.
    pub state: LandingState,
    /// The time since it was submitted, in milliseconds.
    pub waiting_ms: i64,
}

impl Request for TakeLandings {
    const VERB: &'static str = "landing-take";
    const ABOUT: &'static str = "Return the landing queue of a branch";
    const EXAMPLE: &'static [&'static str] = &["--onto", "main"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TakeLandingsReply;
}

impl Request for LandingStatus {
    const VERB: &'static str = "landing-status";
    const ABOUT: &'static str = "Show the landing queue of a branch";
    const EXAMPLE: &'static [&'static str] = &["--onto", "main"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = LandingStatusReply;
}

/// The submissions of this target, and those that have none yet, in their turns: a task that was refused keeps that of its first submission.
fn of_target(view: &dyn View, onto: &BranchName) -> StoreResult<Vec<QueuedLanding>> {
    let mut queue = view.queued_landings(onto, limits::LANDING_QUEUE_MAX)?;
    queue.sort_by_key(|queued| queued.landing.turn());
    Ok(queue)
}

impl Mutation for TakeLandings {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Graph]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TakeLandingsReply, OpError> {
        cx.caller().authority.check_operator("merge")?;
        let mut reply = TakeLandingsReply::default();
        for QueuedLanding { task, onto, landing } in of_target(cx.view(), &self.onto)? {
            let Task { id, spec, grant, .. } = cx.task(&task)?;
            if onto.is_none() {
                let change = SpecChange { onto: Some(self.onto.clone()), ..SpecChange::default() };
                cx.emit(TaskUpdated { id: id.clone(), change, effective_priority: None, resting: None })?;
            }
            let (agent, token) = grant.map(|grant| (grant.agent, grant.token)).unzip();
            reply.queue.push(QueuedTask {
                task: id,
                title: spec.title,
                submission: landing.submission,
                state: landing.state,
                branch: landing.branch,
                commit: landing.commit,
                candidate: landing.candidate,
                agent,
                token,
            });
        }
        Ok(reply)
    }
}

impl Query for LandingStatus {
    fn answer(&self, cx: &Reading<'_>) -> Result<LandingStatusReply, OpError> {
        let onto = match &self.onto {
            Some(onto) => onto.clone(),
            None => only_target(cx.view)?,
        };
        let counts = cx.view.landing_counts(&onto)?;
        let queue = of_target(cx.view, &onto)?.into_iter().map(|queued| WaitingTask {
            task: queued.task,
            state: queued.landing.state,
            waiting_ms: cx.now.store.since_ms(queued.landing.since).max(0),
        });
        Ok(LandingStatusReply { queue: queue.collect(), landed: counts.landed, refused: counts.refused, onto })
    }
}

/// The one branch that unfinished tasks have as their target.
fn only_target(view: &dyn View) -> Result<BranchName, OpError> {
    let mut targets = view.landing_targets()?;
    if targets.len() == 1
        && let Some(target) = targets.pop()
    {
        return Ok(target);
    }
    let names: Vec<&str> = targets.iter().map(BranchName::as_str).collect();
    let message = match targets.is_empty() {
        true => "no unfinished task has a target branch".to_owned(),
        false => format!("unfinished tasks have {} target branches: {}", names.len(), names.join(", ")),
    };
    Err(Rejection::Invalid { message, hint: "name the target with --onto BRANCH".into(), details: json!({"targets": names}) }.into())
}
