//! `add`: a new task.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::event::{TaskAdded, TaskSplit};
use oarlock_model::landing::BranchName;
use oarlock_model::rules::change::Change;
use oarlock_model::rules::resting::{RestingFacts, resting};
use oarlock_model::task::{Gate, Task, TaskSpec, TaskState};
use oarlock_model::{AgentName, Label, Now, Rejection, TaskId, limits, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::local::Local;
use crate::lock::Lock;
use crate::request::{Mutation, Request, TextFile};
use crate::shapes::TaskShape;
use crate::store::View;
use crate::task::globs::WriteSet;
use crate::task::{edges, urgency, values};

/// Add a task. It is ready at once if it needs no unfinished task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Add {
    /// One line that describes the work; - reads standard input
    pub title: String,
    /// Its id [default: generated]
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TaskId>,
    /// The files that the task changes, and its needs.
    #[command(flatten)]
    #[serde(flatten)]
    pub fields: Fields,
    /// Tasks that must be done first, comma separated
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<TaskId>,
    /// Its parent task, which then waits for it
    #[arg(long, value_name = "ID")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
}

/// The fields that `add` and `update` share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Fields {
    /// The task's text, Markdown; - reads standard input
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The kind of work
    #[arg(long = "type", value_name = "T")]
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Label>,
    /// From 0, most urgent, to 4 [default: 2; for a part, that of its parent]
    #[arg(long, value_name = "0..4", allow_negative_numbers = true, value_parser = clap::value_parser!(u8).range(0..=i64::from(limits::PRIORITY_MAX)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Capabilities that its agent needs, comma separated
    #[arg(long, alias = "can", value_name = "CAPS", value_delimiter = ',')]
    #[serde(default, alias = "can", skip_serializing_if = "Option::is_none")]
    pub requires: Option<Vec<Label>>,
    /// The patterns of paths it will change.
    #[command(flatten)]
    #[serde(flatten)]
    pub writes: WriteSet,
    /// Resources that only one agent may use at a time, comma separated
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<Label>>,
    /// Estimated duration, for example 45m
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Duration>,
    /// The agent to assign it to; an empty text means any agent
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign: Option<String>,
    /// Failures or lost leases after which the task is dead [default: 3]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::ATTEMPTS_MAX)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Do not offer it before D has passed
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Duration>,
    /// Require approval of the submitted work: by a person, or by landing with `merge`
    #[arg(long, value_name = "human|merge")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// Branch that its commit lands on, with the gate merge [default: that of the first `merge --onto`]
    #[arg(long, value_name = "BRANCH")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onto: Option<BranchName>,
    /// Let agents of this role or capability approve it too, but not the one that did the work
    #[arg(long, value_name = "ROLE")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<Label>,
}

impl Fields {
    /// The flag of `add` and `update` for a file with the body.
    pub(crate) const BODY_FILE: TextFile =
        TextFile { flag: "body-file", id: "body_file", field: "body", about: "Read the body from a file; - reads standard input" };

    /// Reads a body that is `-` from standard input.
    ///
    /// # Errors
    /// Those of reading.
    pub fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        self.body.as_mut().map_or(Ok(()), |body| local.read_if_dash(body))
    }

    /// Reads a title that is `-` from standard input, without the end of its line.
    ///
    /// # Errors
    /// Those of reading; `invalid_request` when the body is to be read from there, too.
    pub fn read_title(&self, title: &mut String, local: &mut dyn Local) -> Result<(), OpError> {
        if title != "-" {
            return Ok(());
        }
        if self.body.as_deref() == Some("-") {
            return Err(Rejection::invalid("title and body cannot both be read from standard input", "give one of them as text").into());
        }
        local.read_if_dash(title)?;
        title.truncate(title.trim_end_matches(['\n', '\r']).len());
        Ok(())
    }

    /// Checks every value.
    ///
    /// # Errors
    /// `invalid_request`, `limit_reached`.
    pub fn check(&self) -> Result<(), Rejection> {
        if let Some(body) = &self.body {
            values::check_text("body", body, limits::BODY_BYTES_MAX)?;
        }
        values::check_priority(self.priority)?;
        values::check_attempts(self.max_attempts)?;
        values::check_list("capabilities", self.requires.as_ref().map_or(0, Vec::len))?;
        values::check_list("patterns of the write set", self.writes.patterns.as_ref().map_or(0, Vec::len))?;
        values::check_list("resources", self.resources.as_ref().map_or(0, Vec::len))?;
        self.assignee().map(drop)
    }

    /// Whom it is assigned to: absent when nothing is said, `None` inside when to nobody.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn assignee(&self) -> Result<Option<Option<AgentName>>, Rejection> {
        match self.assign.as_deref() {
            None => Ok(None),
            Some("") => Ok(Some(None)),
            Some(name) => AgentName::parse(name).map(|name| Some(Some(name))),
        }
    }
}

/// The reply of operations on one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskReply {
    /// The task.
    pub task: TaskShape,
}

impl TaskReply {
    /// The task as it is now, inside the transaction.
    pub(crate) fn of(cx: &Deciding<'_>, id: &TaskId) -> Result<Self, OpError> {
        let task = cx.task(id)?;
        Ok(Self { task: TaskShape::of(&cx.reading(), task)? })
    }
}

impl Request for Add {
    const VERB: &'static str = "add";
    const ABOUT: &'static str = "Add a task";
    const EXAMPLE: &'static [&'static str] = &["write the parser", "--priority", "1", "--writes", "src/parser/**", "--estimate", "45m"];
    const IDENTITY: Identity = Identity::Optional;
    const FORMER_FIELDS: &'static [&'static str] = &["can"];
    const TEXT_FILE: Option<TextFile> = Some(Fields::BODY_FILE);
    type Reply = TaskReply;

    fn file_text(&mut self) -> Option<&mut Option<String>> {
        Some(&mut self.fields.body)
    }

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        self.fields.read_title(&mut self.title, local)?;
        self.fields.localise(local)
    }

    fn check(&self) -> Result<(), Rejection> {
        values::check_title(&self.title)?;
        values::check_list("dependencies", self.needs.len())?;
        self.fields.check()
    }
}

impl Mutation for Add {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        let mut locks = vec![Lock::Graph];
        locks.extend(self.parent.iter().chain(&self.needs).cloned().map(Lock::Task));
        locks.sort();
        locks
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        // The parent must be there before its part, which is not its own parent either, and take it.
        if let Some(parent) = &self.parent {
            cx.check_change(&cx.task(parent)?, Change::Parts)?;
        }
        let spec = self.spec(cx)?;
        let Task { id, .. } = add_task(cx, self.id.clone(), spec, self.needs.iter().cloned().collect())?;
        if let Some(parent) = &self.parent {
            adopt(cx, parent, &id)?;
            // A part can need what waits for its parent; nothing else of a new task closes a cycle.
            edges::refuse_cycle(cx, &id, &self.needs.iter().cloned().collect(), Some(parent))?;
        }
        TaskReply::of(cx, &id)
    }
}

impl Add {
    fn spec(&self, cx: &Deciding<'_>) -> Result<TaskSpec, OpError> {
        let fields = &self.fields;
        Ok(TaskSpec {
            title: self.title.trim().to_owned(),
            body: fields.body.clone().unwrap_or_default(),
            kind: fields.kind.clone(),
            // A part that was given none has that of its parent.
            priority: fields.priority.or_else(|| self.parent.is_none().then_some(limits::PRIORITY_DEFAULT)),
            parent: self.parent.clone(),
            capabilities: fields.requires.iter().flatten().cloned().collect(),
            writes: fields.writes.patterns.clone().unwrap_or_default(),
            resources: fields.resources.iter().flatten().cloned().collect(),
            estimate_minutes: fields.estimate.map(Duration::as_minutes),
            assigned: fields.assignee()?.flatten(),
            max_attempts: fields.max_attempts.unwrap_or(cx.settings().max_attempts),
            not_before: fields.not_before.map(|d| cx.now().wall.plus_ms(d.as_ms())),
            gate: fields.gate,
            onto: fields.onto.clone(),
            reviewer: fields.reviewer.clone(),
            file: None,
        })
    }
}

/// Adds a task, without updating its parent. Returns the task as it is then, without its text and its row number.
pub(crate) fn add_task(cx: &mut Deciding<'_>, id: Option<TaskId>, spec: TaskSpec, needs: BTreeSet<TaskId>) -> Result<Task, OpError> {
    let id = match id {
        Some(id) if cx.view().task_state(&id)?.is_some() => {
            return Err(Rejection::AlreadyExists {
                noun: "task",
                id: id.to_string(),
                detail: None,
                hint: "choose another id, or leave --id out",
            }
            .into());
        }
        Some(id) => id,
        None => made_up_id(cx.view())?,
    };
    let above = spec.parent.as_ref().map(|parent| Above::of(cx, parent)).transpose()?.unwrap_or_default();
    let mut waits = false;
    for need in &needs {
        match cx.view().task_state(need)? {
            Some(state) => waits |= state != TaskState::Done,
            None => return Err(Rejection::not_found("task", need).into()),
        }
    }
    let task = cx.add_without_text(above.added(id, spec, needs, waits, cx.now()))?;
    if task.state == TaskState::Blocked {
        let unmet_needs = cx.view().unmet_needs(&task.id)?;
        urgency::lift(cx, unmet_needs, task.priority)?;
    }
    Ok(task)
}

/// The properties that a new task inherits from its parent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Above {
    waits: bool,
    priority: Option<u8>,
}

impl Above {
    /// The properties that a part of this task inherits.
    pub(crate) fn of(cx: &Deciding<'_>, parent: &TaskId) -> Result<Self, OpError> {
        let node = cx.view().node(parent)?.ok_or_else(|| Rejection::not_found("task", parent))?;
        let waits = !cx.view().unmet_needs(parent)?.is_empty() && !seeded::is(seeded::PARTS_DO_NOT_INHERIT);
        Ok(Self { waits, priority: Some(node.priority) })
    }

    /// Whether a part waits for what the tasks above it need.
    pub(crate) fn waits(self) -> bool {
        self.waits
    }

    /// The event that adds a task; `waits` shows whether something that it needs itself is not done.
    pub(crate) fn added(self, id: TaskId, spec: TaskSpec, needs: BTreeSet<TaskId>, waits: bool, now: Now) -> TaskAdded {
        let facts = RestingFacts {
            open_children: false,
            unmet_needs: waits || self.waits,
            not_before: spec.not_before,
            retry_at: None,
            ready_at: None,
        };
        let priority = spec.priority.into_iter().chain(self.priority).min();
        let effective_priority = priority.filter(|priority| *priority != spec.priority.unwrap_or(limits::PRIORITY_DEFAULT));
        TaskAdded { id, spec, needs, effective_priority, resting: resting(facts, now) }
    }
}

/// Makes an existing task wait for its new child, unless somebody holds it.
pub(crate) fn adopt(cx: &mut Deciding<'_>, parent: &TaskId, child: &TaskId) -> Result<(), OpError> {
    let task = cx.task(parent)?;
    if task.state.is_finished() || task.state == TaskState::Review {
        return Err(Rejection::StateConflict { verb: "add a part to", task: parent.clone(), state: task.state, why: None }.into());
    }
    check_depth(cx, &task)?;
    let waits = task.state != TaskState::Claimed;
    cx.emit(TaskSplit { id: parent.clone(), children: vec![child.clone()], auto_finish: false, waits })
}

/// Refuses parents above parents without end.
pub(crate) fn check_depth(cx: &Deciding<'_>, parent: &Task) -> Result<(), OpError> {
    let mut depth = 1;
    let mut above = parent.spec.parent.clone();
    while let Some(id) = above {
        depth += 1;
        if depth > limits::PARENT_DEPTH_MAX {
            return Err(Rejection::limit("levels of parents", limits::PARENT_DEPTH_MAX, depth).into());
        }
        above = cx.task(&id)?.spec.parent;
    }
    Ok(())
}

pub(crate) fn made_up_id(view: &dyn View) -> Result<TaskId, OpError> {
    let prefix = view.task_prefix()?;
    let mut number = view.next_task_seq()?;
    loop {
        let id = TaskId::parse(&format!("{prefix}-{number}"))?;
        if view.task_state(&id)?.is_none() {
            return Ok(id);
        }
        number += 1;
    }
}
