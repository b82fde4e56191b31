//! `conflict-predict`: the branches of two tasks would conflict. Both owners get a notice, once for each new state of the conflict.

use clap::Args;
use oarlock_model::conflict::ConflictFile;
use oarlock_model::event::{ConflictPredicted, Fact, MessageSent};
use oarlock_model::rules::radar::{self, News, Notice, Side};
use oarlock_model::task::Task;
use oarlock_model::{AgentName, MessageId, Rejection, TaskId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::store::EventFilter;
use crate::task::values;

/// The name that notices come from. No agent needs to have it.
const SENDER: &str = "oarlock";
/// Records of a task's conflicts that are read for the last one with the other task.
const RECORDS_MAX: usize = 1_000;

/// The branches of two tasks would conflict, or do not any more. The same call again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct PredictConflict {
    /// The first task
    pub id: TaskId,
    /// The second task
    #[arg(long, value_name = "ID")]
    pub with: TaskId,
    /// A file in conflict as JSON, with its places; none when they do not conflict
    #[arg(long = "file", value_name = "JSON", value_parser = file_argument)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ConflictFile>,
    /// Lines of the first task at the first place
    #[arg(long, value_name = "TEXT", default_value = "")]
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ours: String,
    /// Lines of the second task there
    #[arg(long, value_name = "TEXT", default_value = "")]
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub theirs: String,
}

/// The reply of [`PredictConflict`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PredictConflictReply {
    /// Whether that was not known.
    pub is_news: bool,
    /// The agents that got a notice.
    pub notified: Vec<AgentName>,
}

fn file_argument(text: &str) -> Result<ConflictFile, OpError> {
    let value = values::parse_json("the file", text)?;
    serde_json::from_value(value)
        .map_err(|error| Rejection::invalid(format!("the file is not one in conflict: {error}"), "give its path and hunks").into())
}

impl Request for PredictConflict {
    const VERB: &'static str = "conflict-predict";
    const ABOUT: &'static str = "Record that two tasks would conflict";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = PredictConflictReply;

    fn check(&self) -> Result<(), Rejection> {
        if self.id == self.with {
            return Err(Rejection::invalid(format!("{} cannot conflict with itself", self.id), "name two tasks"));
        }
        if self.files.len() > limits::LANDING_FILES_MAX {
            return Err(Rejection::limit("files in conflict", limits::LANDING_FILES_MAX, self.files.len()));
        }
        for file in &self.files {
            if file.hunks.len() > limits::CONFLICT_HUNKS_MAX {
                return Err(Rejection::limit("places in conflict", limits::CONFLICT_HUNKS_MAX, file.hunks.len()));
            }
            values::check_text("path", &file.path, limits::LANDING_PATH_BYTES_MAX)?;
        }
        values::check_text("lines", &self.ours, limits::BODY_BYTES_MAX)?;
        values::check_text("lines", &self.theirs, limits::BODY_BYTES_MAX)
    }
}

impl Mutation for PredictConflict {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone()), Lock::Task(self.with.clone()), Lock::Messages]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<PredictConflictReply, OpError> {
        cx.caller().authority.check_operator("watch for conflicts")?;
        let (first, second) = (cx.task(&self.id)?, cx.task(&self.with)?);
        let (files, before) = self.last(cx)?;
        let news = radar::news(&files, &self.files);
        // An agent that has taken over such a task has not heard of it.
        let mut notified = if news == News::None { before } else { Vec::new() };
        let known = notified.len();
        if !self.files.is_empty() {
            let sides = [(&first, &second, Side::Ours, &self.theirs), (&second, &first, Side::Theirs, &self.ours)];
            for (task, other, side, sample) in sides {
                if let Some(owner) = task.holder().map(|grant| &grant.agent).filter(|owner| !notified[..known].contains(owner)) {
                    self.tell(cx, owner, task, other, side, sample)?;
                    notified.push(owner.clone());
                }
            }
        }
        if news == News::None && notified.len() == known {
            return Ok(PredictConflictReply::default());
        }
        cx.emit(ConflictPredicted {
            id: first.id.clone(),
            with: second.id.clone(),
            files: self.files.clone(),
            notified: notified.clone(),
        })?;
        Ok(PredictConflictReply { is_news: true, notified: notified.split_off(known) })
    }
}

impl PredictConflict {
    /// The files of the last record of these two tasks, and the agents that got a notice about them.
    fn last(&self, cx: &Deciding<'_>) -> Result<(Vec<ConflictFile>, Vec<AgentName>), OpError> {
        let filter = EventFilter {
            newest: true,
            kinds: vec!["conflict_predicted".into()],
            subject: Some(self.id.to_string()),
            limit: RECORDS_MAX,
            bytes_max: limits::BODY_BYTES_MAX,
            ..EventFilter::default()
        };
        let of_both = cx.view().events(&filter)?.into_iter().rev().find_map(|event| match event.fact {
            Fact::ConflictPredicted(predicted) if predicted.with == self.with => Some((predicted.files, predicted.notified)),
            _ => None,
        });
        Ok(of_both.unwrap_or_default())
    }

    /// Sends the owner of a task its notice.
    fn tell(&self, cx: &mut Deciding<'_>, owner: &AgentName, task: &Task, other: &Task, side: Side, sample: &str) -> Result<(), OpError> {
        let agent = other.holder().map(|grant| &grant.agent).filter(|agent| *agent != owner);
        let notice = Notice { task: &task.id, other: &other.id, title: &other.spec.title, agent, files: &self.files, side, sample };
        let id = MessageId::of(cx.next_token().0);
        let sent = MessageSent {
            id: id.clone(),
            thread: id,
            to: vec![owner.clone()],
            subject: None,
            text: notice.text(),
            reply_to: None,
            ack_required: false,
            counts_as: None,
        };
        // Not by an agent's session: an agent that waits for its next task or for messages hears it at once.
        cx.emit_as(Some(AgentName::parse(SENDER)?), None, sent.into())
    }
}
