//! `requeue`: brings a dead or cancelled task back.

use clap::Args;
use oarlock_model::TaskId;
use oarlock_model::event::TaskRequeued;
use oarlock_model::rules::resting::{RestingFacts, resting};
use oarlock_model::{Rejection, task::TaskState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::call::Caller;
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Identity, Mutation, Request};
use crate::task::add::TaskReply;

/// Brings a dead or cancelled task back with all its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Requeue {
    /// The task
    pub id: TaskId,
}

impl Request for Requeue {
    const VERB: &'static str = "requeue";
    const ABOUT: &'static str = "Bring a dead or cancelled task back";
    const EXAMPLE: &'static [&'static str] = &["T-1"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;
}

impl Mutation for Requeue {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        cx.caller().authority.check_operator(Self::VERB)?;
        let task = cx.task(&self.id)?;
        if !task.state.is_dead_end() {
            return Err(Rejection::StateConflict { verb: "requeue", task: task.id, state: task.state, why: None }.into());
        }
        if let Some(parent) = &task.spec.parent
            && let Some(state @ (TaskState::Done | TaskState::Cancelled)) = cx.view().task_state(parent)?
        {
            let why = Some(format!("its parent {parent} is {state}"));
            return Err(Rejection::StateConflict { verb: "requeue", task: task.id, state: task.state, why }.into());
        }
        let open_children = !cx.view().open_children(&task.id, 1)?.is_empty();
        let unmet_needs = !cx.view().unmet_needs(&task.id)?.is_empty();
        let facts = RestingFacts { ready_at: None, retry_at: None, ..RestingFacts::of(&task, open_children, unmet_needs) };
        cx.emit(TaskRequeued { id: task.id.clone(), resting: resting(facts, cx.now()) })?;
        TaskReply::of(cx, &task.id)
    }
}
