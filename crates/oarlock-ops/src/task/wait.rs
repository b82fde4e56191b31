//! `wait`: until tasks are finished.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::context::Reading;
use crate::request::{Identity, Query, Request, Waiting};
use crate::shapes::TaskShape;
use crate::task::values;
use crate::topic::Topics;

/// Waits until all the tasks (or any of them) are finished: done, dead or cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Wait {
    /// The tasks
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<TaskId>,
    /// One of them is enough
    #[arg(long)]
    #[serde(default)]
    pub any: bool,
    /// Give up after so long (exit 8); without it wait for ever
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
    const ABOUT: &'static str = "Wait until tasks are finished";
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
        let mut finished = 0;
        for id in &self.ids {
            match cx.view.task_state(id)? {
                Some(state) => finished += usize::from(state.is_finished()),
                None => return Err(Rejection::not_found("task", id).into()),
            }
        }
        if finished < self.ids.len() && !(self.any && finished > 0) {
            let what = format!("{} of {} tasks are not finished", self.ids.len() - finished, self.ids.len());
            return Err(Rejection::timed_out(what).into());
        }
        let tasks = self.ids.iter().map(|id| Ok(TaskShape::of(cx, cx.task(id)?)?)).collect::<Result<_, OpError>>()?;
        Ok(WaitReply { tasks })
    }
}
