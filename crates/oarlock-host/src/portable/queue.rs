//! Without a board there is no queue; SQLite's own lock lets one writer in after another, in no order.

use std::time::Instant;

use crate::board::Board;
use crate::gate::Joined;

/// A place to queue for one handle: there is none.
#[derive(Debug)]
pub(crate) struct Queue(Board);

impl Queue {
    /// The queue on a board.
    pub(crate) fn on(board: Board) -> Self {
        Self(board)
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
