//! The ready queue, and what falls due.

use oarlock_model::{StoreTime, TaskId};
use oarlock_ops::store::{Expired, Offer, QueuePlace, QueueView, StoreResult};

use super::SqliteView;
use crate::error::store_error;
use crate::rows::{lease, offer, queue};

impl QueueView for SqliteView<'_> {
    fn offer(&self, id: &TaskId) -> StoreResult<Option<Offer>> {
        offer::get(self.conn, id, self.now).map_err(store_error)
    }

    fn ready_offers(&self, after: Option<QueuePlace>, limit: usize) -> StoreResult<Vec<Offer>> {
        offer::ready(self.conn, after, limit).map_err(store_error)
    }

    fn expired_offers(&self, read_max: usize) -> StoreResult<Option<Expired>> {
        let expired = offer::expired(self.conn, self.now, read_max).map_err(store_error)?;
        // Not what the store says, only how far ahead nobody need read again: kept if the transaction commits.
        if let Some(first_end) = expired.as_ref().and_then(|expired| expired.first_end).filter(|_| !self.ends_with_view) {
            lease::set_bound(self.conn, first_end).map_err(store_error)?;
        }
        Ok(expired)
    }

    fn may_be_due(&self, boot_id: &str) -> StoreResult<bool> {
        queue::may_be_due(self.conn, self.now, boot_id).map_err(store_error)
    }

    fn due_tasks(&self, limit: usize) -> StoreResult<Vec<TaskId>> {
        queue::due(self.conn, self.now, limit).map_err(store_error)
    }

    fn next_due_ms(&self) -> StoreResult<Option<i64>> {
        queue::next_due_ms(self.conn, self.now).map_err(store_error)
    }

    fn dead_letters(&self, limit: usize) -> StoreResult<Vec<TaskId>> {
        queue::dead_letters(self.conn, limit).map_err(store_error)
    }

    fn oldest_ready(&self) -> StoreResult<Option<(TaskId, StoreTime)>> {
        queue::oldest_ready(self.conn).map_err(store_error)
    }
}
