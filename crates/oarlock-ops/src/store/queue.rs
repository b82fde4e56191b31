//! The ready queue, and what falls due.

use oarlock_model::{StoreTime, TaskId};

use super::{Expired, Offer, QueuePlace, StoreResult};

/// Reading what can be claimed, and what falls due.
pub trait QueueView {
    /// The task with this id as far as a claim chooses by it, if it is ready or its lease has expired.
    fn offer(&self, id: &TaskId) -> StoreResult<Option<Offer>>;
    /// Ready tasks in the order of their place, after `after`; fewer than `limit` only at the end.
    fn ready_offers(&self, after: Option<QueuePlace>, limit: usize) -> StoreResult<Vec<Offer>>;
    /// Claimed tasks whose lease has ended, in the order of their place. Nothing when more than `read_max` leases would have to be read for it.
    fn expired_offers(&self, read_max: usize) -> StoreResult<Option<Expired>>;
    /// A cheap look before the thorough one: false only when no session can be proven dead, no task is
    /// due, no reservation has run out and no proposal is past its deadline. Sessions of another boot than this can be dead.
    fn may_be_due(&self, boot_id: &str) -> StoreResult<bool>;
    /// Scheduled tasks whose time has come.
    fn due_tasks(&self, limit: usize) -> StoreResult<Vec<TaskId>>;
    /// Milliseconds until something happens by time alone: a task falls due, a lease or a reservation ends, a proposal reaches its
    /// deadline.
    fn next_due_ms(&self) -> StoreResult<Option<i64>>;
    /// Dead tasks in the order of creation, at most `limit`.
    fn dead_letters(&self, limit: usize) -> StoreResult<Vec<TaskId>>;
    /// The ready task that has been ready longest.
    fn oldest_ready(&self) -> StoreResult<Option<(TaskId, StoreTime)>>;
}
