//! Parts and needs of tasks.

use oarlock_model::TaskId;
use oarlock_model::rules::urgency::{Around, Number, Waiter};
use oarlock_model::task::TaskState;
use oarlock_ops::store::{AtRest, ClosedPart, GraphView, Near, StoreResult, TaskNode};
use std::collections::BTreeSet;

use super::SqliteView;
use crate::error::store_error;
use crate::rows::{graph, queue, task};

impl GraphView for SqliteView<'_> {
    fn children(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::children(self.conn, id).map_err(store_error)
    }

    fn open_children(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>> {
        graph::open_children(self.conn, id, limit).map_err(store_error)
    }

    fn tree(&self, id: &TaskId) -> StoreResult<Vec<(TaskId, TaskState)>> {
        graph::tree(self.conn, id).map_err(store_error)
    }

    fn open_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::open_tree(self.conn, id).map_err(store_error)
    }

    fn dependants(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::dependants(self.conn, id).map_err(store_error)
    }

    fn node(&self, id: &TaskId) -> StoreResult<Option<TaskNode>> {
        graph::node(self.conn, id).map_err(store_error)
    }

    fn task_number(&self, id: &TaskId) -> StoreResult<Option<Number>> {
        Ok(task::key(self.conn, id).map_err(store_error)?.map(|key| key.seq.unsigned_abs()))
    }

    fn around(&self, task: Number) -> StoreResult<Option<Around>> {
        graph::around(self.conn, task).map_err(store_error)
    }

    fn above(&self, task: Number) -> StoreResult<Option<Around>> {
        graph::above(self.conn, task).map_err(store_error)
    }

    fn dependants_of(&self, tasks: &[Number]) -> StoreResult<Vec<(Number, Number)>> {
        graph::dependants_of(self.conn, tasks).map_err(store_error)
    }

    fn waiters(&self, tasks: &[Number]) -> StoreResult<Vec<Waiter>> {
        graph::waiters(self.conn, tasks).map_err(store_error)
    }

    fn waiting_parts(&self, task: Number) -> StoreResult<Vec<Waiter>> {
        graph::waiting_parts(self.conn, task).map_err(store_error)
    }

    fn unmet_needs(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::unmet_needs(self.conn, id).map_err(store_error)
    }

    fn unmet_needs_of(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, TaskId)>> {
        graph::unmet_needs_of(self.conn, ids).map_err(store_error)
    }

    fn closed_parts(&self, ids: &[&TaskId]) -> StoreResult<Vec<ClosedPart>> {
        graph::closed_parts(self.conn, ids).map_err(store_error)
    }

    fn waits_for(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::waits_for(self.conn, id).map_err(store_error)
    }

    fn at_rest(&self, near: Near<'_>, done: &[TaskId]) -> StoreResult<Vec<AtRest>> {
        graph::at_rest(self.conn, near, done).map_err(store_error)
    }

    fn ready_in_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::ready_in_tree(self.conn, id).map_err(store_error)
    }

    fn stuck_tasks(&self, limit: usize) -> StoreResult<BTreeSet<TaskId>> {
        queue::stuck(self.conn, limit).map_err(store_error)
    }

    fn dead_ends(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>> {
        queue::dead_ends(self.conn, id, limit).map_err(store_error)
    }

    fn is_stuck(&self, id: &TaskId) -> StoreResult<bool> {
        queue::is_stuck(self.conn, id).map_err(store_error)
    }
}
