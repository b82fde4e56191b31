//! `task`: one task with its history.

use clap::Args;
use oarlock_model::{TaskId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::context::Reading;
use crate::request::{Identity, Query, Request};
use crate::shapes::{EventShape, TaskShape};
use crate::store::EventFilter;

/// Shows one task with its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct ShowTask {
    /// The task
    pub id: TaskId,
}

/// The reply of [`ShowTask`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShowTaskReply {
    /// The task.
    pub task: TaskShape,
    /// What happened to it, oldest first.
    pub events: Vec<EventShape>,
}

impl Request for ShowTask {
    const VERB: &'static str = "task";
    const ABOUT: &'static str = "Show one task with its history";
    const EXAMPLE: &'static [&'static str] = &["T-1"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ShowTaskReply;
}

impl Query for ShowTask {
    fn answer(&self, cx: &Reading<'_>) -> Result<ShowTaskReply, OpError> {
        let task = TaskShape::of(cx, cx.task(&self.id)?)?;
        let filter = EventFilter {
            subject: Some(self.id.to_string()),
            limit: limits::PAGE_ITEMS_DEFAULT,
            bytes_max: limits::PAGE_BYTES_MAX,
            ..EventFilter::default()
        };
        let events = cx.view.events(&filter)?.into_iter().map(|event| EventShape::of(cx.view, event)).collect::<Result<_, _>>()?;
        Ok(ShowTaskReply { task, events })
    }
}
