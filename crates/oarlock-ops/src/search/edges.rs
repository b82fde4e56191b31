//! New needs of a task, for which a search shows whether they would close a cycle.

use oarlock_model::TaskId;
use oarlock_model::rules::graph::{self, Way};
use std::collections::BTreeSet;

use crate::OpError;
use crate::store::GraphView;

/// Edges from a task to its future needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edges {
    /// The task.
    pub(crate) task: TaskId,
    /// The task and all its parts, and its parent where that waits for it only from now on.
    pub(crate) inside: BTreeSet<TaskId>,
    /// Its future needs.
    pub(crate) on: BTreeSet<TaskId>,
}

impl Edges {
    /// The way back that they would close, as far as at most `visits_max` tasks behind the new needs show it.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn way(&self, view: &dyn GraphView, visits_max: usize) -> Result<Way, OpError> {
        graph::cycle(&self.task, &self.inside, &self.on, visits_max, |from| Ok(view.waits_for(from)?))
    }
}
