//! `tasks`: a list, oldest first.

use clap::Args;
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{AgentName, Rejection, TaskId, limits};
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::context::Reading;
use crate::request::{Identity, Query, Request};
use crate::shapes::{TaskShape, parse_cursor};
use crate::store::TaskFilter;
use crate::task::values;

/// Lists tasks, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Args)]
pub struct Tasks {
    /// Only in these states, comma separated
    #[arg(long, value_name = "S", value_delimiter = ',')]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<TaskState>,
    /// Only the parts of this task
    #[arg(long, value_name = "ID")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
    /// Only those this agent holds or was the last to hold
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// Only with this text in id, title or body
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Go on after this cursor, the `next` of the page before
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The reply of [`Tasks`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

    fn check(&self) -> Result<(), Rejection> {
        values::page_limit(self.limit)?;
        values::check_note("search text", self.search.as_deref())?;
        parse_cursor(self.after.as_deref()).map(drop)
    }
}

impl Query for Tasks {
    fn answer(&self, cx: &Reading<'_>) -> Result<TasksReply, OpError> {
        let limit = values::page_limit(self.limit)?;
        let mut filter = TaskFilter {
            states: self.state.clone(),
            parent: self.parent.clone(),
            agent: self.agent.clone(),
            search: self.search.clone(),
            after_seq: parse_cursor(self.after.as_deref())?,
            limit: 0,
        };
        let mut page = Page::default();
        let mut stuck = None;
        // Small reads, so that a page of large bodies ends before it is all in memory.
        while page.tasks.len() < limit {
            filter.limit = (limit - page.tasks.len()).min(100);
            let chunk = cx.view.tasks(&filter)?;
            let is_last = chunk.len() < filter.limit;
            for task in chunk {
                if !page.takes(&task) {
                    return Ok(page.ending(true));
                }
                filter.after_seq = task.seq;
                page.last_seq = task.seq;
                let may_be_stuck = matches!(task.state, TaskState::Blocked | TaskState::Waiting);
                let is_stuck = may_be_stuck && stuck_set(cx, &mut stuck)?.contains(&task.id);
                page.tasks.push(TaskShape::with_stuck(cx, task, is_stuck)?);
            }
            if is_last {
                return Ok(page.ending(false));
            }
        }
        filter.limit = 1;
        let more = !cx.view.tasks(&filter)?.is_empty();
        Ok(page.ending(more))
    }
}

/// The stuck tasks of the store, found once for a page.
fn stuck_set<'s>(cx: &Reading<'_>, set: &'s mut Option<std::collections::BTreeSet<TaskId>>) -> Result<&'s std::collections::BTreeSet<TaskId>, OpError> {
    if set.is_none() {
        *set = Some(cx.view.stuck_tasks(usize::MAX)?);
    }
    set.as_ref().ok_or_else(|| OpError::Internal("the set of stuck tasks was just made".into()))
}

#[derive(Default)]
struct Page {
    tasks: Vec<TaskShape>,
    bytes: usize,
    last_seq: u64,
}

impl Page {
    /// Whether the page has room for the task; the first always fits.
    fn takes(&mut self, task: &Task) -> bool {
        self.bytes += task.spec.body.len() + task.result.as_ref().map_or(0, String::len);
        self.tasks.is_empty() || self.bytes <= limits::PAGE_BYTES_MAX
    }

    fn ending(self, more: bool) -> TasksReply {
        TasksReply { next: (more && self.last_seq > 0).then(|| self.last_seq.to_string()), tasks: self.tasks }
    }
}
