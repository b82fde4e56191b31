//! Tasks and their holders.

use oarlock_model::landing::BranchName;
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{SessionId, TaskId};
use oarlock_ops::store::{Counts, LandingCounts, QueuedLanding, StoreResult, TaskFilter, TaskView};

use super::SqliteView;
use crate::error::store_error;
use crate::rows::{event, landing, outside, queue, task};

impl TaskView for SqliteView<'_> {
    fn claims_of(&self, session: &SessionId) -> StoreResult<Vec<TaskId>> {
        queue::claims_of(self.conn, session).map_err(store_error)
    }

    fn claims_of_all(&self, sessions: &[&SessionId]) -> StoreResult<Vec<(SessionId, TaskId)>> {
        queue::claims_of_all(self.conn, sessions).map_err(store_error)
    }

    fn first_held_by(&self, session: &SessionId, limit: usize) -> StoreResult<Vec<TaskId>> {
        queue::held_by(self.conn, session, limit).map_err(store_error)
    }

    fn claim_count(&self, session: &SessionId) -> StoreResult<usize> {
        queue::claim_count(self.conn, session).map_err(store_error)
    }

    fn running_grant(&self, id: &TaskId) -> StoreResult<Option<Grant>> {
        task::running_grant(self.conn, id).map_err(store_error)
    }

    fn task(&self, id: &TaskId) -> StoreResult<Option<Task>> {
        task::get(self.conn, id).map_err(store_error)
    }

    fn tasks_with(&self, ids: &[&TaskId], bytes_max: usize) -> StoreResult<Vec<Task>> {
        task::with_ids(self.conn, ids, bytes_max).map_err(store_error)
    }

    fn results_of(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, String)>> {
        task::results_of(self.conn, ids).map_err(store_error)
    }

    fn running_grants(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, Grant)>> {
        task::running_grants(self.conn, ids).map_err(store_error)
    }

    fn task_state(&self, id: &TaskId) -> StoreResult<Option<TaskState>> {
        Ok(task::key(self.conn, id).map_err(store_error)?.map(|key| key.state))
    }

    fn tasks_of_file(&self, file: &str) -> StoreResult<Vec<TaskId>> {
        task::of_file(self.conn, file).map_err(store_error)
    }

    fn next_task_seq(&self) -> StoreResult<u64> {
        Ok(queue::next_seq(self.conn).map_err(store_error)?.unsigned_abs())
    }

    fn tasks(&self, filter: &TaskFilter) -> StoreResult<Vec<Task>> {
        queue::list(self.conn, filter).map_err(store_error)
    }

    fn was_granted(&self, id: &TaskId, session: &SessionId) -> StoreResult<bool> {
        let Some(key) = task::key(self.conn, id).map_err(store_error)? else { return Ok(false) };
        let mut granted = false;
        let look = |link: &event::Link| {
            granted = link.kind == "task_claimed" && link.session.as_deref() == Some(session.as_str());
            !granted
        };
        event::walk_back(self.conn, key.last_event, look).map_err(store_error)?;
        Ok(granted)
    }

    fn counts(&self) -> StoreResult<Counts> {
        Ok(event::end(self.conn).map_err(store_error)?.counts)
    }

    fn queued_landings(&self, onto: &BranchName, limit: usize) -> StoreResult<Vec<QueuedLanding>> {
        landing::queued(self.conn, onto, limit).map_err(store_error)
    }

    fn landing_targets(&self) -> StoreResult<Vec<BranchName>> {
        landing::targets(self.conn).map_err(store_error)
    }

    fn landing_counts(&self, onto: &BranchName) -> StoreResult<LandingCounts> {
        landing::counts(self.conn, onto).map_err(store_error)
    }

    fn outside_tasks(&self, limit: usize) -> StoreResult<Vec<Task>> {
        outside::list(self.conn, limit).map_err(store_error)
    }
}
