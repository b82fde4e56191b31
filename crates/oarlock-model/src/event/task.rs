//! Facts about tasks: the request, its needs, and its result. Who holds one is in `lease`.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::ident::{AgentName, Label, SessionId, TaskId, Token};
use crate::landing::BranchName;
use crate::limits;
use crate::pattern::Pattern;
use crate::task::{Gate, Resting, Task, TaskSpec};
use crate::time::{StoreTime, WallTime};

/// See [`Fact::TaskAdded`](super::Fact::TaskAdded).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskAdded {
    /// Its id.
    pub id: TaskId,
    /// The specification of the task.
    #[serde(flatten)]
    pub spec: TaskSpec,
    /// Its needs.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub needs: BTreeSet<TaskId>,
    /// Its priority, where it is not its own or the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_priority: Option<u8>,
    /// Where it rests at first.
    pub resting: Resting,
}

impl TaskAdded {
    /// The task's priority.
    pub fn priority(&self) -> u8 {
        self.effective_priority.or(self.spec.priority).unwrap_or(limits::PRIORITY_DEFAULT)
    }

    /// The task that it adds, not numbered yet: the same for the specification and for replies made inside a transaction.
    #[must_use]
    pub fn into_task(self, by: Option<AgentName>, at: WallTime) -> Task {
        let priority = self.priority();
        let mut task = Task { needs: self.needs, created_by: by, priority, ..Task::new(self.id, self.spec, at) };
        task.rest(self.resting);
        task
    }
}

/// The fields that `update` changed. Absent fields stay as they were; an empty `assigned` clears it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpecChange {
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The kind of work.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Label>,
    /// Its own priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// The needed capabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<BTreeSet<Label>>,
    /// The write set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<Vec<Pattern>>,
    /// The resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<BTreeSet<Label>>,
    /// The estimate, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_minutes: Option<u32>,
    /// The agent that it is meant for; the inner `None` clears it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nobody_as_empty")]
    pub assigned: Option<Option<AgentName>>,
    /// The number of failures, or of lost leases, after which it is dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// The time before which it is not ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<WallTime>,
    /// The approval that it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The branch that its commit lands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onto: Option<BranchName>,
    /// The role of the agents that may approve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<Label>,
}

impl SpecChange {
    /// Writes the changes into `spec`.
    pub fn apply(&self, spec: &mut TaskSpec) {
        fn set<T: Clone>(target: &mut T, value: &Option<T>) {
            if let Some(value) = value {
                target.clone_from(value);
            }
        }
        fn set_some<T: Clone>(target: &mut Option<T>, value: &Option<T>) {
            if value.is_some() {
                target.clone_from(value);
            }
        }
        set(&mut spec.title, &self.title);
        set(&mut spec.body, &self.body);
        set_some(&mut spec.kind, &self.kind);
        set_some(&mut spec.priority, &self.priority);
        set(&mut spec.capabilities, &self.capabilities);
        set(&mut spec.writes, &self.writes);
        set(&mut spec.resources, &self.resources);
        set_some(&mut spec.estimate_minutes, &self.estimate_minutes);
        set(&mut spec.assigned, &self.assigned);
        set(&mut spec.max_attempts, &self.max_attempts);
        set_some(&mut spec.not_before, &self.not_before);
        set_some(&mut spec.gate, &self.gate);
        set_some(&mut spec.onto, &self.onto);
        set_some(&mut spec.reviewer, &self.reviewer);
    }
}

/// "Nobody" as an empty text: replies and exports hold no null.
mod nobody_as_empty {
    use crate::ident::AgentName;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Option<AgentName>>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(value.as_ref().and_then(Option::as_ref).map_or("", AgentName::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<AgentName>>, D::Error> {
        match String::deserialize(d)?.as_str() {
            "" => Ok(Some(None)),
            name => AgentName::parse(name).map(|name| Some(Some(name))).map_err(serde::de::Error::custom),
        }
    }
}

/// See [`Fact::TaskUpdated`](super::Fact::TaskUpdated).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskUpdated {
    /// The task.
    pub id: TaskId,
    /// The changed fields.
    #[serde(flatten)]
    pub change: SpecChange,
    /// Its priority from now on, where that changed and is not its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_priority: Option<u8>,
    /// Where it rests now, when the change moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<Resting>,
}

impl TaskUpdated {
    /// A change of what follows for a task from others.
    pub fn derived(id: TaskId, effective_priority: Option<u8>, resting: Option<Resting>) -> Self {
        Self { id, change: SpecChange::default(), effective_priority, resting }
    }

    /// The task's priority from now on, where it changed.
    pub fn priority(&self) -> Option<u8> {
        self.effective_priority.or(self.change.priority)
    }
}

/// See [`Fact::TaskNoted`](super::Fact::TaskNoted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskNoted {
    /// The task.
    pub id: TaskId,
    /// The note.
    pub text: String,
    /// Whether the note becomes the task's result so far: the work of a holder who gave the task back with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_result: bool,
}

/// See [`Fact::TaskSplit`](super::Fact::TaskSplit).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSplit {
    /// The parent.
    pub id: TaskId,
    /// Its new children.
    pub children: Vec<TaskId>,
    /// Whether it is done by itself when its last child is.
    #[serde(default)]
    pub auto_finish: bool,
    /// Whether it waits from now on; a holder that adds a child to its own task goes on holding it.
    pub waits: bool,
}

/// See [`Fact::TaskReadied`](super::Fact::TaskReadied).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskReadied {
    /// The task.
    pub id: TaskId,
}

/// See [`Fact::TaskFailed`](super::Fact::TaskFailed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskFailed {
    /// The task.
    pub id: TaskId,
    /// The grant that failed.
    pub token: Token,
    /// The reason that its holder gave.
    pub reason: String,
    /// Failures so far.
    pub failures: u32,
    /// When it may be tried again; absent when it will not, and `task_died` follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<StoreTime>,
}

/// See [`Fact::TaskDone`](super::Fact::TaskDone).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDone {
    /// The task.
    pub id: TaskId,
    /// The grant that did it; absent when its last child or an approval did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// Its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Paths its holder named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
    /// Tasks that can be claimed because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unblocked: Vec<TaskId>,
    /// Needs that it got while it was held and that are not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet_needs: Vec<TaskId>,
}

/// See [`Fact::TaskSubmitted`](super::Fact::TaskSubmitted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSubmitted {
    /// The task.
    pub id: TaskId,
    /// The grant that did it; absent when its last child did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// Its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Paths its holder named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
    /// Needs that it got while it was held and that are not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet_needs: Vec<TaskId>,
}

/// See [`Fact::TaskApproved`](super::Fact::TaskApproved). A [`Fact::TaskDone`](super::Fact::TaskDone) follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskApproved {
    /// The task.
    pub id: TaskId,
}

/// See [`Fact::TaskRejected`](super::Fact::TaskRejected).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRejected {
    /// The task.
    pub id: TaskId,
    /// Why.
    pub reason: String,
    /// Where it rests now.
    pub resting: Resting,
}

/// See [`Fact::TaskCancelled`](super::Fact::TaskCancelled).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskCancelled {
    /// The task.
    pub id: TaskId,
    /// The parent whose cancellation took it along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_parent: Option<TaskId>,
    /// Whether its parent no longer waits for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

/// See [`Fact::TaskRequeued`](super::Fact::TaskRequeued).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRequeued {
    /// The task.
    pub id: TaskId,
    /// Where it rests now.
    pub resting: Resting,
}

/// Why a task died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeathReason {
    /// It failed `max_attempts` times.
    Failures,
    /// Its lease was lost `max_attempts` times.
    Losses,
    /// Its holder said that trying again is useless.
    NoRetry,
}

/// See [`Fact::TaskDied`](super::Fact::TaskDied).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDied {
    /// The task.
    pub id: TaskId,
    /// Why.
    pub reason: DeathReason,
    /// Failures so far.
    pub failures: u32,
    /// Lost leases so far.
    pub losses: u32,
}

/// See [`Fact::DependencyAdded`](super::Fact::DependencyAdded).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DependencyAdded {
    /// The task.
    pub id: TaskId,
    /// Its additional needs.
    pub on: BTreeSet<TaskId>,
    /// Where it rests now, when that moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<Resting>,
    /// Tasks that stay held although they wait now, with the sessions to inform.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notify: BTreeMap<TaskId, SessionId>,
}

/// See [`Fact::DependencyRemoved`](super::Fact::DependencyRemoved).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DependencyRemoved {
    /// The task.
    pub id: TaskId,
    /// The needs that it no longer has.
    pub on: BTreeSet<TaskId>,
    /// Where it rests now, when that moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<Resting>,
}
