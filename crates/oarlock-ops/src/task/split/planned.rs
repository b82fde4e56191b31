//! The plan of a split and the texts of what it makes: what takes long, and is done before the write lock is taken.

use oarlock_model::TaskId;
use oarlock_model::task::Task;
use oarlock_plan::{Plan, TaskText};

/// A plan that was made outside of the lock, and what it was made of.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// The task whose parts it names.
    pub(super) parent: TaskId,
    /// The text that it splits, where that is the task's own: that of a file comes with the request and does not change.
    pub(super) own_text: Option<String>,
    /// The plan.
    pub(super) plan: Plan,
    /// The tasks that it makes.
    pub(super) making: Making,
    /// The question for a better plan, where one was wanted.
    pub(super) prompt: Option<String>,
}

impl Planned {
    /// Whether it is the plan of this task as it is now; `existing` is the task, if it is there already.
    pub(super) fn is_of(&self, parent: &TaskId, existing: Option<&Task>) -> bool {
        self.parent == *parent && self.own_text.as_deref() == existing.map(|task| task.spec.body.as_str())
    }
}

/// The texts of what a plan makes.
#[derive(Clone, Debug, Default)]
pub(super) struct Making {
    /// The title of the parent task, if the text has one.
    pub(super) title: Option<String>,
    /// The body of the parent task, where that is to be made.
    pub(super) body: String,
    /// The texts of the parts, in the order of the plan.
    pub(super) documents: Vec<String>,
}

impl Making {
    /// Makes the texts. `is_own` shows that the parent task is there.
    pub(super) fn of(text: &str, read: &TaskText<'_>, plan: &Plan, is_own: bool) -> Self {
        let documents = if plan.parallelizable { read.subtask_documents(plan) } else { Vec::new() };
        let (title, body) = if is_own { (None, String::new()) } else { (read.title(), text.to_owned()) };
        Self { title, body, documents }
    }
}
