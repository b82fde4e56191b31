//! `ready`: what can be claimed now, in claim order.

use clap::Args;
use oarlock_model::Rejection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::context::Reading;
use crate::request::{Identity, Query, Request};
use crate::shapes::TaskShape;
use crate::task::claim::Offers;
use crate::task::values;

/// Lists what can be claimed now, in claim order; tasks whose lease has expired are among it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Ready {
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// The reply of [`Ready`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadyReply {
    /// The tasks.
    pub tasks: Vec<TaskShape>,
}

impl Request for Ready {
    const VERB: &'static str = "ready";
    const ABOUT: &'static str = "List what can be claimed now, in claim order";
    const EXAMPLE: &'static [&'static str] = &["--limit", "10"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ReadyReply;

    fn check(&self) -> Result<(), Rejection> {
        values::page_limit(self.limit).map(drop)
    }
}

impl Query for Ready {
    fn answer(&self, cx: &Reading<'_>) -> Result<ReadyReply, OpError> {
        let limit = values::page_limit(self.limit)?;
        let mut offers = Offers::new(cx.view, limit)?;
        let mut tasks = Vec::new();
        let mut bytes = 0;
        while tasks.len() < limit {
            let Some(task) = offers.next(cx.view)? else { break };
            bytes += task.text_bytes();
            if bytes > oarlock_model::limits::PAGE_BYTES_MAX && !tasks.is_empty() {
                break;
            }
            tasks.push(TaskShape::listed(cx, task, false)?);
        }
        Ok(ReadyReply { tasks })
    }
}
