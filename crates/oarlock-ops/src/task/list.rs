//! `tasks`: a list, oldest first.

use clap::Args;
use oarlock_model::task::TaskState;
use oarlock_model::{AgentName, Rejection, TaskId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::cursor;
use crate::page::{self, Filling};
use crate::request::{Query, Request, is_list};
use crate::shapes::TaskShape;
use crate::shapes::related::Related;
use crate::store::TaskFilter;
use crate::task::values;

/// List tasks, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Tasks {
    /// Only in these states, comma separated
    #[arg(long, value_name = "S", value_delimiter = ',')]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<TaskState>,
    /// Only the parts of this task
    #[arg(long, value_name = "ID")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
    /// Only tasks that this agent holds or held last
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// Only tasks with this text in id, title or body
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after the `next` of a page
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The reply of [`Tasks`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TasksReply {
    /// The tasks.
    pub tasks: Vec<TaskShape>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Request for Tasks {
    const VERB: &'static str = "tasks";
    const ABOUT: &'static str = "List tasks, oldest first";
    const EXAMPLE: &'static [&'static str] = &["--state", "ready,claimed"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TasksReply;

    is_list!();

    fn check(&self) -> Result<(), Rejection> {
        values::page_limit(self.limit)?;
        values::check_note("search text", self.search.as_deref())?;
        cursor::check(self.after.as_deref())
    }
}

impl Query for Tasks {
    fn answer(&self, cx: &Reading<'_>) -> Result<TasksReply, OpError> {
        let mut filter = TaskFilter {
            states: self.state.clone(),
            parent: self.parent.clone(),
            agent: self.agent.clone(),
            search: self.search.clone(),
            after_seq: cursor::place(cx.view, self.after.as_deref())?.unwrap_or(0),
            limit: values::page_limit(self.limit)?,
            bytes_max: limits::PAGE_BYTES_MAX,
        };
        let page = cx.view.tasks(&filter)?;
        let mut related = Related::to_all(cx.view, cx.now, &page)?;
        let mut filling = Filling::new(filter.limit);
        let (mut tasks, mut is_cut) = (Vec::new(), false);
        for task in page {
            let seq = task.seq;
            let Some(shape) = filling.take(task, |task| TaskShape::listed(cx, task, &mut related), TaskShape::text_bytes)? else {
                is_cut = true;
                break;
            };
            tasks.push(shape);
            filter.after_seq = seq;
        }
        filter.limit = 1;
        let more = is_cut || (!tasks.is_empty() && !cx.view.tasks(&filter)?.is_empty());
        let next = page::goes_on(more).then(|| cursor::after_place(cx.view, &filter.after_seq)).transpose()?;
        Ok(TasksReply { tasks, next })
    }
}
