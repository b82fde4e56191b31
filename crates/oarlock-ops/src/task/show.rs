//! `task`: one task with its history.

use clap::Args;
use oarlock_model::{Rejection, TaskId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::cursor;
use crate::page;
use crate::request::{Query, Request, is_list};
use crate::shapes::{EventShape, TaskShape};
use crate::store::EventFilter;
use crate::task::values;

/// Show one task with the newest part of its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct ShowTask {
    /// The task
    pub id: TaskId,
    /// At most this many events of its history [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Show older events, before this cursor, the `next` of the previous page
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The reply of [`ShowTask`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShowTaskReply {
    /// The task.
    pub task: TaskShape,
    /// Its newest events, oldest first.
    pub events: Vec<EventShape>,
    /// Where older events are; absent when these begin with the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Request for ShowTask {
    const VERB: &'static str = "task";
    const ABOUT: &'static str = "Show one task with its history";
    const EXAMPLE: &'static [&'static str] = &["T-1"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ShowTaskReply;

    is_list!();

    fn check(&self) -> Result<(), Rejection> {
        values::page_limit(self.limit)?;
        cursor::check(self.after.as_deref())
    }
}

impl Query for ShowTask {
    fn answer(&self, cx: &Reading<'_>) -> Result<ShowTaskReply, OpError> {
        let task = TaskShape::of(cx, cx.task(&self.id)?)?;
        let before = match &self.after {
            Some(_) => Some(cursor::after_event(cx.view, self.after.as_deref())?),
            None => None,
        };
        let mut filter = EventFilter {
            subject: Some(self.id.to_string()),
            before_seq: before,
            newest: true,
            limit: values::page_limit(self.limit)?,
            bytes_max: limits::PAGE_BYTES_MAX,
            ..EventFilter::default()
        };
        let events = cx.view.events(&filter)?;
        filter.before_seq = events.first().map(|event| event.seq);
        filter.limit = 1;
        let is_cut = filter.before_seq.is_some() && !cx.view.events(&filter)?.is_empty();
        let next = filter.before_seq.filter(|_| page::goes_on(is_cut)).map(|first| cursor::after(cx.view, first)).transpose()?;
        let events = events.into_iter().map(|event| EventShape::of(cx.view, event)).collect::<Result<_, _>>()?;
        Ok(ShowTaskReply { task, events, next })
    }
}
