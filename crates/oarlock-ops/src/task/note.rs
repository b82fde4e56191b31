//! `note`: a line in a task's history.

use clap::Args;
use oarlock_model::event::TaskNoted;
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::local::Local;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::task::add::TaskReply;
use crate::task::values;

/// Add a note to the history of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Note {
    /// The task
    pub id: TaskId,
    /// The note; - reads standard input
    pub text: String,
}

impl Request for Note {
    const VERB: &'static str = "note";
    const ABOUT: &'static str = "Add a note to the history of a task";
    const EXAMPLE: &'static [&'static str] = &["T-1", "the API changed yesterday"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        local.read_if_dash(&mut self.text)
    }

    fn check(&self) -> Result<(), Rejection> {
        if self.text.trim().is_empty() {
            return Err(Rejection::invalid("the note is empty", "give the text that others should read"));
        }
        values::check_note("note", Some(&self.text))
    }
}

impl Mutation for Note {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        cx.task(&self.id)?;
        cx.emit(TaskNoted { id: self.id.clone(), text: self.text.clone(), as_result: false })?;
        TaskReply::of(cx, &self.id)
    }
}
