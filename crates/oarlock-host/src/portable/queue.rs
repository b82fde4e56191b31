//! Without a shared state there is no queue; SQLite's own lock lets one writer in after another, in no order.

use std::time::Instant;

use crate::fair_lock::Joined;
use crate::shared_state::SharedState;

/// A place to queue for one handle: there is none.
#[derive(Debug)]
pub(crate) struct Queue(SharedState);

impl Queue {
    /// The queue on a shared state.
    pub(crate) fn on(shared_state: SharedState) -> Self {
        Self(shared_state)
    }

    /// Joins the queue.
    pub(crate) fn join(&self, _until: Option<Instant>) -> Joined {
        self.0.never()
    }

    /// Gives the turn to the next in line.
    pub(crate) fn leave(&self, _ticket: u64) {
        self.0.never()
    }
}
