//! `done`: completes a task (semantics 4, 10).

use clap::Args;
use oarlock_model::event::Fact;
use oarlock_model::task::{Grant, GrantEnd, Task, TaskState};
use oarlock_model::{Rejection, TaskId, Token, limits, planted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::call::Caller;
use crate::context::Deciding;
use crate::local::Local;
use crate::lock::Lock;
use crate::request::{Identity, Mutation, Request};
use crate::settle;
use crate::shapes::TaskShape;
use crate::task::finish::{self, Outcome};
use crate::task::release::granted_to_me;
use crate::task::values;

/// Completes a task. The same call again gives the same reply; another result is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Done {
    /// The task
    pub id: TaskId,
    /// The token of the lease; without it the session's own lease is meant
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// What came of it; - reads standard input
    #[arg(long, value_name = "TEXT", conflicts_with = "result_file")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The result from a file; - reads standard input
    #[arg(long, value_name = "F")]
    #[serde(skip)]
    pub result_file: Option<String>,
    /// Paths that came of it
    #[arg(long, value_name = "PATH", num_args = 1..)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifact: Vec<String>,
}

/// The reply of [`Done`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DoneReply {
    /// The task.
    pub task: TaskShape,
    /// Tasks that can be claimed because of it.
    pub unblocked: Vec<TaskId>,
    /// Needs that the task got while it was held and that were not done when it was finished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet_needs: Vec<TaskId>,
    /// Messages that the agent has neither acknowledged nor been shown.
    #[serde(default)]
    pub unread: u64,
}

impl Request for Done {
    const VERB: &'static str = "done";
    const ABOUT: &'static str = "Complete a task";
    const EXAMPLE: &'static [&'static str] = &["T-1", "--result", "parser written, 12 tests"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = DoneReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        if let Some(path) = self.result_file.take().or_else(|| self.result.take_if(|result| result == "-")) {
            self.result = Some(local.read_text(&path, limits::BODY_BYTES_MAX)?);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Rejection> {
        if let Some(result) = &self.result {
            values::check_text("result", result, limits::BODY_BYTES_MAX)?;
        }
        values::check_list("artifacts", self.artifact.len())?;
        self.artifact.iter().try_for_each(|path| values::check_note("artifact", Some(path)))
    }
}

impl Mutation for Done {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<DoneReply, OpError> {
        match granted_to_me(cx, &self.id, self.token)? {
            (task, Some(grant)) if grant.end.is_none() => self.complete(cx, task, &grant),
            (task, Some(grant)) if grant.end == Some(GrantEnd::Done) => self.repeat(cx, task),
            (task, _) => Err(Rejection::StateConflict { verb: "finish", task: task.id, state: task.state, why: None }.into()),
        }
    }
}

impl Done {
    fn complete(&self, cx: &mut Deciding<'_>, mut task: Task, grant: &Grant) -> Result<DoneReply, OpError> {
        if !cx.view().open_children(&task.id, 1)?.is_empty() {
            let why = Some("it has unfinished parts".to_owned());
            return Err(Rejection::StateConflict { verb: "finish", task: task.id.clone(), state: task.state, why }.into());
        }
        let outcome = Outcome { token: Some(grant.token), result: self.result.clone(), artifacts: self.artifact.clone() };
        let unmet_needs = finish::unmet_needs(cx, &task)?;
        let unblocked = finish::finish(cx, &mut task, outcome)?;
        settle::end_reservations_of_task(cx, &task.id)?;
        Ok(DoneReply { task: TaskShape::of(&cx.reading(), task)?, unblocked, unmet_needs, unread: cx.view().unread(&cx.me()?.name)? })
    }

    /// The caller finished it before: the same result gets the same reply.
    fn repeat(&self, cx: &Deciding<'_>, task: Task) -> Result<DoneReply, OpError> {
        let last = |kind| Ok::<_, OpError>(cx.view().last_event_of(task.id.as_str(), kind)?.map(|event| event.fact));
        let done = if task.state == TaskState::Review { None } else { last("task_done")? };
        // What an approval finished was handed in before.
        let (given, unblocked, unmet_needs) = match done {
            Some(Fact::TaskDone(done)) if done.token.is_some() => (Some((done.result, done.artifacts)), done.unblocked, done.unmet_needs),
            done => {
                let (given, unmet_needs) = match last("task_submitted")? {
                    Some(Fact::TaskSubmitted(submitted)) => (Some((submitted.result, submitted.artifacts)), submitted.unmet_needs),
                    _ => (None, Vec::new()),
                };
                (given, if let Some(Fact::TaskDone(done)) = done { done.unblocked } else { Vec::new() }, unmet_needs)
            }
        };
        let (result, artifacts) = given.unwrap_or_else(|| (task.result.clone(), task.artifacts.clone()));
        if (result != self.result || artifacts != self.artifact) && !planted::is(planted::DONE_TWICE) {
            let why = Some("it was finished before with another result".to_owned());
            return Err(Rejection::StateConflict { verb: "finish", task: task.id, state: task.state, why }.into());
        }
        Ok(DoneReply { task: TaskShape::of(&cx.reading(), task)?, unblocked, unmet_needs, unread: cx.view().unread(&cx.me()?.name)? })
    }
}
