//! `update`: changes an unfinished task.

use clap::{Args, ValueEnum};
use oarlock_model::duration::Duration;
use oarlock_model::event::{SpecChange, TaskUpdated};
use oarlock_model::rules::change::Change;
use oarlock_model::rules::landing;
use oarlock_model::rules::resting::{RestingFacts, resting};
use oarlock_model::task::{Resting, Task, TaskState};
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::local::Local;
use crate::lock::Lock;
use crate::request::{Mutation, Request, TextFile};
use crate::reservation::acquire;
use crate::shapes::{ReservationShape, TaskShape};
use crate::task::add::{Fields, TaskReply};
use crate::task::{depend, urgency, values};

/// Change an unfinished task. Fields that are not named stay as they are. If the task is held with --reserve, its new write set is
/// reserved too, or nothing changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Update {
    /// The task
    pub id: TaskId,
    /// A new title; - reads standard input
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The files that the task changes, and its needs.
    #[command(flatten)]
    #[serde(flatten)]
    pub fields: Fields,
    /// Replace its needs with these tasks, comma separated
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Vec<TaskId>>,
    /// Fields to clear, comma separated
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clear: Vec<Clearable>,
}

/// A field that can be emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Clearable {
    /// Its write set.
    Writes,
    /// Its required capabilities.
    #[serde(alias = "can")]
    #[value(alias = "can")]
    Requires,
    /// Its resources.
    Resources,
    /// Its needs.
    Needs,
}

/// The reply of [`Update`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateReply {
    /// The task.
    pub task: TaskShape,
    /// The reservations that were made for its holder, if it holds the task with `--reserve`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<ReservationShape>,
}

impl Request for Update {
    const VERB: &'static str = "update";
    const ABOUT: &'static str = "Change an unfinished task";
    const EXAMPLE: &'static [&'static str] = &["T-1", "--priority", "0"];
    const IDENTITY: Identity = Identity::Optional;
    const FORMER_FIELDS: &'static [&'static str] = &["can"];
    const TEXT_FILE: Option<TextFile> = Some(Fields::BODY_FILE);
    type Reply = UpdateReply;

    fn file_text(&mut self) -> Option<&mut Option<String>> {
        Some(&mut self.fields.body)
    }

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        if let Some(title) = &mut self.title {
            self.fields.read_title(title, local)?;
        }
        self.fields.localise(local)
    }

    fn check(&self) -> Result<(), Rejection> {
        if let Some(title) = &self.title {
            values::check_title(title)?;
        }
        values::check_list("dependencies", self.needs.as_ref().map_or(0, Vec::len))?;
        let Fields { writes, requires, resources, .. } = &self.fields;
        let given = [
            (Clearable::Writes, writes.patterns.is_some()),
            (Clearable::Requires, requires.is_some()),
            (Clearable::Resources, resources.is_some()),
        ];
        if given.into_iter().chain([(Clearable::Needs, self.needs.is_some())]).any(|(field, given)| given && self.clear.contains(&field)) {
            return Err(Rejection::invalid("a field is both set and cleared", "say one of them"));
        }
        self.fields.check()
    }
}

impl Mutation for Update {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        let mut locks = vec![Lock::Graph, Lock::Task(self.id.clone())];
        if self.changes_what_is_reserved() {
            locks.push(Lock::Reservations);
        }
        locks
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<UpdateReply, OpError> {
        let task = cx.task(&self.id)?;
        cx.check_change(&task, Change::Fields)?;
        if task.state.is_finished() {
            return Err(Rejection::StateConflict { verb: "update", task: self.id.clone(), state: task.state, why: None }.into());
        }
        let change = self.change(cx)?;
        if change.gate.is_some() || change.onto.is_some() {
            landing::check_not_landing(&task, "update")?;
        }
        let mut reserved = Vec::new();
        if change != SpecChange::default() {
            let mut changed = task.clone();
            change.apply(&mut changed.spec);
            let following = if self.changes_what_is_reserved() { acquire::follow(cx, &task, &changed)? } else { None };
            let place = moved(cx, &task, &change)?;
            let mut others = match change.priority {
                Some(own) => urgency::with_own(cx.view(), &self.id, own)?,
                None => BTreeMap::new(),
            };
            let priority = others.remove(&self.id).unwrap_or(task.priority);
            let effective_priority = change.priority.and(Some(priority).filter(|priority| Some(*priority) != change.priority));
            cx.emit(TaskUpdated { id: self.id.clone(), change, effective_priority, resting: place })?;
            urgency::update(cx, others)?;
            if let Some(following) = following {
                reserved = acquire::followed(cx, &changed, following)?;
            }
        }
        if let Some(needs) = self.needs.as_deref().or_else(|| self.clears(Clearable::Needs).then_some(&[])) {
            let wanted: BTreeSet<TaskId> = needs.iter().cloned().collect();
            depend::add(cx, &self.id, wanted.difference(&task.needs).cloned().collect())?;
            depend::remove(cx, &self.id, task.needs.difference(&wanted).cloned().collect())?;
        }
        Ok(UpdateReply { task: TaskReply::of(cx, &self.id)?.task, reservations: reserved })
    }
}

impl Update {
    /// Whether the reservations that came with a claim may have to follow.
    fn changes_what_is_reserved(&self) -> bool {
        self.fields.writes.patterns.is_some()
            || self.fields.resources.is_some()
            || self.clears(Clearable::Writes)
            || self.clears(Clearable::Resources)
    }

    fn clears(&self, field: Clearable) -> bool {
        self.clear.contains(&field)
    }

    fn change(&self, cx: &Deciding<'_>) -> Result<SpecChange, OpError> {
        let fields = self.fields.clone();
        Ok(SpecChange {
            title: self.title.as_ref().map(|title| title.trim().to_owned()),
            assigned: fields.assignee()?,
            body: fields.body,
            kind: fields.kind,
            priority: fields.priority,
            capabilities: fields.requires.or_else(|| self.clears(Clearable::Requires).then(Vec::new)).map(|can| can.into_iter().collect()),
            writes: fields.writes.patterns.or_else(|| self.clears(Clearable::Writes).then(Vec::new)),
            resources: fields
                .resources
                .or_else(|| self.clears(Clearable::Resources).then(Vec::new))
                .map(|names| names.into_iter().collect()),
            estimate_minutes: fields.estimate.map(Duration::as_minutes),
            max_attempts: fields.max_attempts,
            not_before: fields.not_before.map(|d| cx.now().wall.plus_ms(d.as_ms())),
            gate: fields.gate,
            onto: fields.onto,
            reviewer: fields.reviewer,
        })
    }
}

/// Where a changed not-before moves a task that nobody holds; nothing when it stays.
fn moved(cx: &Deciding<'_>, task: &Task, change: &SpecChange) -> Result<Option<Resting>, OpError> {
    if change.not_before.is_none() || !matches!(task.state, TaskState::Ready | TaskState::Scheduled) {
        return Ok(None);
    }
    let facts = RestingFacts { not_before: change.not_before, ..RestingFacts::of(task, false, false) };
    Ok(Some(resting(facts, cx.now())))
}
