//! A fair lock before the store's write transactions, between processes and between threads. It is for fairness
//! alone: SQLite's own lock decides who writes. A caller that waits too long here goes on without the fair lock.

use std::time::{Duration, Instant};

use crate::shared_state::SharedState;
use crate::system::queue::Queue;

/// One way through the fair lock: a handle of its own for each thread or connection.
///
/// A caller takes a ticket in memory that all processes share, and waits for its number. Entering and leaving a free lock makes no
/// system call. A caller that leaves wakes the next one, and only that one. Lock order: the fair lock, then the store's own lock.
///
/// On Linux each handle holds a lock of the kernel for its seat at the fair lock, which is dropped when its process dies: the next in line sees
/// that within ten milliseconds, those further behind within forty, and the queue goes on. A process that is stopped, inside or
/// in the queue, delays the others by two seconds and is then passed by. Other systems have no shared state to queue on: there the lock is open.
#[derive(Debug)]
pub struct FairLock {
    /// None where the system cannot queue: then the fair lock is open to all.
    queue: Option<Queue>,
}

/// Being inside, until dropped.
#[derive(Debug)]
#[must_use = "dropping it leaves the fair lock at once"]
pub struct Passage<'fair_lock> {
    turn: Option<(&'fair_lock Queue, u64)>,
    is_fair: bool,
}

/// The outcome of queueing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(all(target_os = "linux", not(feature = "portable"))), expect(dead_code, reason = "nobody can queue without a shared state"))]
pub(crate) enum Joined {
    /// It is this handle's turn; give back the ticket.
    Turn(u64),
    /// The holder did not leave and is passed by: give back the ticket, although the holder may be inside.
    PassingBy(u64),
    /// There is nothing to give back: the patience ended, this ticket was passed by, or there is no seat.
    Without,
}

impl FairLock {
    /// The fair lock of a shared state.
    #[must_use]
    pub fn on(shared_state: Option<SharedState>) -> Self {
        Self { queue: shared_state.map(Queue::on) }
    }

    /// Goes through the fair lock, in turn. Waits at most `patience`, and then goes on without a turn. A holder that is inside for two
    /// seconds is passed by: see [`Passage::is_fair`].
    pub fn enter(&mut self, patience: Duration) -> Passage<'_> {
        let Some(queue) = &self.queue else { return Passage { turn: None, is_fair: false } };
        // Beyond the end of time is as good as never.
        let (ticket, is_fair) = match queue.join(Instant::now().checked_add(patience)) {
            Joined::Turn(ticket) => (Some(ticket), true),
            Joined::PassingBy(ticket) => (Some(ticket), false),
            Joined::Without => (None, false),
        };
        Passage { turn: ticket.map(|ticket| (queue, ticket)), is_fair }
    }
}

impl Passage<'_> {
    /// Whether this turn was regular: entered in order, with no other regular holder inside.
    #[must_use]
    pub fn is_fair(&self) -> bool {
        self.is_fair
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if let Some((queue, ticket)) = self.turn {
            queue.leave(ticket);
        }
    }
}

// Where there is no shared state there is nothing to try.
#[cfg(all(test, target_os = "linux", not(feature = "portable")))]
mod tests;
