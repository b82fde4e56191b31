//! The landing queue: `merge` works the queue of one target branch. It merges submissions, tests the merged tree in a worktree of its own, moves the
//! branch by its old value, and then reports to the store that the tasks are done.
//!
//! The operations decide what lands, and when a submission counts (`oarlock_ops::landing`). Between their two last steps the branch moves:
//! a worker that dies there leaves a candidate, and [`settle`] asks git whether the branch has it.

mod batch;
mod brief;
mod known;
mod lock;
mod pins;
mod queue;
mod report;
mod settle;
mod sizing;
mod step;
mod trial;

use oarlock_ops::OpError;
use oarlock_ops::settings::Settings;

use crate::Stores;
use crate::progress::Progress;
use crate::signals::Signals;

pub(crate) use lock::digest;
pub use lock::{IdleQueues, hold_landing_queues};
pub use report::{Landed, Merge, MergeEnd, MergeReport, Refused, Rungs, TEST_TIMEOUT_DEFAULT};

/// Works the queue of a target branch. A second call for the same target waits for the first.
///
/// # Errors
/// Nothing was begun: `invalid_request` without a target, `not_found` when there is no such branch, `state_conflict` when git cannot be used here;
/// or the store is gone.
pub fn merge(stores: &dyn Stores, settings: &Settings, merge: &Merge, progress: &mut dyn Progress) -> Result<MergeEnd, OpError> {
    queue::work(stores, settings, merge, None, progress)
}

/// [`merge`] with the signals of the caller.
///
/// # Errors
/// As [`merge`].
pub fn merge_until(
    signals: &Signals,
    stores: &dyn Stores,
    settings: &Settings,
    merge: &Merge,
    progress: &mut dyn Progress,
) -> Result<MergeEnd, OpError> {
    queue::work(stores, settings, merge, Some(signals), progress)
}
