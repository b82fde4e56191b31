//! `wait`: until tasks are done.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::request::{Query, Request, Waiting};
use crate::shapes::TaskShape;
use crate::task::{outlook, values};
use crate::topic::Topics;

/// Wait until all of the tasks, or any of them, are done. Fails with exit 4 as soon as one can no longer be done: dead, cancelled, or
/// stuck behind such a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Wait {
    /// The tasks
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<TaskId>,
    /// Wait for any one of them; exit 4 when none can be done any more
    #[arg(long)]
    #[serde(default)]
    pub any: bool,
    /// Give up after D (exit 8); without it, wait without a limit
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// The reply of [`Wait`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitReply {
    /// The tasks, as asked for.
    pub tasks: Vec<TaskShape>,
}

impl Request for Wait {
    const VERB: &'static str = "wait";
    const ABOUT: &'static str = "Wait until tasks are done";
    const EXAMPLE: &'static [&'static str] = &["T-1", "--timeout", "1s"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = WaitReply;

    fn check(&self) -> Result<(), Rejection> {
        if self.ids.is_empty() {
            return Err(Rejection::invalid("no task to wait for", "name at least one task"));
        }
        values::check_list("tasks to wait for", self.ids.len())
    }

    fn waiting(&self) -> Option<Waiting> {
        Some(Waiting { for_ms: self.timeout.map(Duration::as_ms), topics: Topics::TASKS })
    }
}

impl Query for Wait {
    fn answer(&self, cx: &Reading<'_>) -> Result<WaitReply, OpError> {
        let outlook = outlook::of(cx.view, &self.ids)?;
        let all = self.ids.len();
        let is_reached = outlook.done == all || (self.any && outlook.done > 0);
        if !is_reached {
            let hopeless = outlook.hopeless.len();
            if hopeless == all || (hopeless > 0 && !self.any) {
                return Err(outlook.refusal(cx.view)?.into());
            }
            return Err(Rejection::timed_out(format!("{} of {all} tasks are not done", all - outlook.done)).into());
        }
        let tasks = self.ids.iter().map(|id| Ok(TaskShape::of(cx, cx.task(id)?)?)).collect::<Result<_, OpError>>()?;
        Ok(WaitReply { tasks })
    }
}
