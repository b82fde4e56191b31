//! The actions of a pass, so that files and store agree, and the contradictions that remain.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::task::Task as StoreTask;
use oarlock_model::{AgentName, TaskId};
use serde::Serialize;
use serde_json::{Map, json};

use crate::beat::Beat;
use crate::displayed_state::DisplayedState;
use crate::held::Held;
use crate::types::Task;

/// Longest text of a conflict that is reported, in characters.
const TOLD_CHARS_MAX: usize = 300;
/// The type of the event that shows why a task was called off.
pub(crate) const HELD_BACK: &str = "held_back";

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// An agent of the files was seen then; it joins if it has not.
    Seen { agent: AgentName, is_new: bool, seen_ms: i64, timeout_ms: i64, status: Option<String>, action: Option<String> },
    /// A name that stood in the store for the files is no agent: it leaves.
    Leave(AgentName),
    /// A task of the files is added.
    Add(Box<Task>, TaskId),
    /// The content of a task's file has changed.
    Update(Box<Task>, TaskId),
    /// By the files somebody has a task, or gave a sign of life.
    Take { task: TaskId, held: Held, is_new: bool },
    /// By the files it is free again, or was abandoned.
    Free { task: TaskId, abandoned: bool, seen_ms: Option<i64> },
    /// An agent's holding for the files is released.
    Release { task: TaskId, agent: AgentName },
    /// A file says that a task is done.
    Finish { task: TaskId, holder: Option<String> },
    /// A file says that a task is called off.
    Cancel(TaskId),
    /// The file that asked for a task is gone, or put off.
    HoldBack(TaskId, Gone),
    /// It is there again.
    BringBack(TaskId),
    /// The files are to show how a task is.
    Show(TaskId, DisplayedState),
    /// A part of a task of the files gets a file of its own.
    MakePart(Box<StoreTask>, Box<Task>),
    /// The heartbeat file is to show that an agent is there, or how it went.
    ShowAgent { agent: AgentName, status: String, action: Option<String>, seen_ms: i64 },
}

/// Files and store contradict each other, and one of them is not followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The task, or the key of the state.
    pub task: String,
    /// The value in the files.
    pub files: String,
    /// The value in the store.
    pub store: String,
    /// Which of them counts.
    pub kept: &'static str,
}

impl Conflict {
    /// A conflict in which the store counts; long texts are cut.
    pub(crate) fn kept_by_store(task: String, files: &str, store: &str) -> Self {
        let cut = |text: &str| text.chars().take(TOLD_CHARS_MAX).collect();
        Self { task, files: cut(files), store: cut(store), kept: "store" }
    }
}

/// The actions, in order, and the contradictions that remain.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) actions: Vec<Action>,
    pub(crate) conflicts: Vec<Conflict>,
    /// The skipped items, and those that look wrong.
    pub(crate) warnings: Vec<String>,
    /// Tasks that the files show as taken, as the store has them.
    pub(crate) displayed: Vec<String>,
    /// Tasks that somebody has by the files, and whether their queue says so.
    pub(crate) taken: BTreeMap<String, bool>,
    /// The heartbeats to remember after this pass.
    pub(crate) heard: BTreeMap<String, Beat>,
}

impl Plan {
    /// The findings before the comparison come first.
    pub(crate) fn begin_with(&mut self, moved: &Moved) {
        self.actions.splice(0..0, moved.actions.iter().cloned());
        self.conflicts.splice(0..0, moved.conflicts.iter().cloned());
        self.warnings.splice(0..0, moved.warnings.iter().cloned());
    }
}

/// Why a task is not asked for any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    /// The file that it stood in.
    pub(crate) file: String,
    /// A sentence for its history.
    pub(crate) why: String,
}

impl Gone {
    /// The fields of the event that reports it.
    pub(crate) fn fields(&self, task: &TaskId) -> Map<String, serde_json::Value> {
        let fields = [("type", json!(HELD_BACK)), ("task_id", json!(task.as_str())), ("notes", json!(self.why))];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The findings before the comparison.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    /// The first actions.
    pub(crate) actions: Vec<Action>,
    /// Tasks that are held here and asked for no more.
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) warnings: Vec<String>,
    /// Where each task of the store is in the files, to be remembered.
    pub(crate) places: BTreeMap<String, String>,
    /// Tasks that both sides say are done, to be remembered.
    pub(crate) finished: BTreeSet<String>,
    /// How tasks ended that both sides say were called off or failed, to be remembered.
    pub(crate) ended: BTreeMap<String, String>,
    /// Of these, those whose item says otherwise and is left: it came so with a commit, or beside a file in `completed/`. To be remembered.
    pub(crate) went_back: BTreeSet<String>,
    /// The commit that git has checked out.
    pub(crate) head: Option<String>,
    /// Whether something can be followed only after what this look does.
    pub(crate) goes_on: bool,
}
