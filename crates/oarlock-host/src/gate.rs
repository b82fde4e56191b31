//! A fair gate before the store's write transactions, between processes and between threads. It is for fairness
//! alone: SQLite's own lock decides who writes, and whoever waits too long here goes on without the gate.

mod queue;

use std::time::{Duration, Instant};

use crate::board::Board;
use queue::{Joined, Queue};

/// One way through the gate: a handle of its own for each thread or connection.
///
/// Whoever wants to enter takes a ticket in memory that all processes share, and waits for its number. Entering and leaving a
/// free gate is no system call at all; whoever leaves wakes the next one, and only that one. Lock order: the gate, then the
/// store's own lock.
///
/// Each handle holds a lock of the kernel for its seat at the gate, which is dropped when its process dies: the next in line sees
/// that within ten milliseconds, those further behind within forty, and the queue goes on. Whoever is stopped, inside or in the
/// queue, holds the others up for two seconds and is passed by then.
#[derive(Debug)]
pub struct Gate {
    /// None where the system cannot queue; then the gate is open to all.
    queue: Option<Queue>,
}

/// Being inside, until dropped.
#[derive(Debug)]
#[must_use = "dropping it leaves the gate at once"]
pub struct Passage<'gate> {
    turn: Option<(&'gate Queue, u64)>,
    is_fair: bool,
}

impl Gate {
    /// The gate of a board.
    #[must_use]
    pub fn on(board: Option<Board>) -> Self {
        Self { queue: board.map(Queue::on) }
    }

    /// Goes through the gate, in turn. Waits at most `patience`, and then goes on without a turn; whoever is inside for two seconds
    /// is passed by: [`Passage::is_fair`] tells.
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
    /// Whether it was entered in turn, and nobody else is inside who was too.
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::testing::Helper;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(50);

    fn open(dir: &Path) -> Gate {
        Gate::on(Board::open(&dir.join("board"), true).expect("opens"))
    }

    /// Waits until so many wait or are inside.
    fn until_queued(dir: &Path, wanted: u64) {
        let looker = queue::tests::open(&dir.join("board"));
        while looker.length() != wanted {
            thread::yield_now();
        }
    }

    /// Enters with much patience in a thread of its own, and tells whether it was fair.
    fn queue_up(dir: &Path) -> thread::JoinHandle<bool> {
        let mut gate = open(dir);
        thread::spawn(move || gate.enter(LONG).is_fair())
    }

    #[test]
    fn eight_threads_get_equal_shares_one_at_a_time() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (arrived, total, inside) = (AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(false));
        let work = || {
            let mut gate = open(dir.path());
            let (mut own, mut has_arrived) = (0, false);
            while total.load(Ordering::SeqCst) < 2_000 {
                let passage = gate.enter(LONG);
                assert!(passage.is_fair() && !inside.swap(true, Ordering::SeqCst), "alone and in turn");
                // A thread that has not been started yet does not queue: count when all do.
                if !std::mem::replace(&mut has_arrived, true) {
                    arrived.fetch_add(1, Ordering::SeqCst);
                }
                if arrived.load(Ordering::SeqCst) == 8 {
                    own += 1;
                    total.fetch_add(1, Ordering::SeqCst);
                }
                (0..200).for_each(|_| std::hint::spin_loop());
                inside.store(false, Ordering::SeqCst);
                drop(passage);
            }
            own
        };
        let mut shares: Vec<u32> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        // On a busy machine the scheduler may forget one thread, or favour one, while it is not in the queue: compare
        // the others.
        shares.sort_unstable();
        assert!(shares[6] <= shares[1] * 2, "{shares:?}");
    }

    #[test]
    fn waiters_enter_in_the_order_in_which_they_came() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut gate = open(dir.path());
        let passage = gate.enter(LONG);
        let (sender, receiver) = mpsc::channel();
        let enter = |number: usize| {
            let (mut gate, sender) = (open(dir.path()), sender.clone());
            let thread = thread::spawn(move || {
                let passage = gate.enter(LONG);
                sender.send(number).expect("somebody listens");
                drop(passage);
            });
            until_queued(dir.path(), number as u64 + 2);
            thread
        };
        let threads: Vec<_> = (0..6).map(enter).collect();
        drop(passage);
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        drop(sender);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_killed_holder_lets_the_next_in() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut holder = Helper::start("gate", dir.path());
        let waiter = queue_up(dir.path());
        until_queued(dir.path(), 2);
        holder.kill();
        assert!(waiter.join().expect("no panic"));
    }

    #[test]
    fn a_killed_waiter_does_not_let_two_in() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut gate = open(dir.path());
        let passage = gate.enter(LONG);
        let mut waiter = Helper::start("queue", dir.path());
        until_queued(dir.path(), 2);
        let mut next = open(dir.path());
        waiter.kill();
        assert!(!next.enter(SHORT).is_fair(), "somebody is inside");
        drop(passage);
        assert!(open(dir.path()).enter(LONG).is_fair());
    }

    #[test]
    fn the_dead_in_the_queue_are_passed_by() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut gate = open(dir.path());
        let passage = gate.enter(LONG);
        let mut dead: Vec<Helper> = (0..3).map(|_| Helper::start("queue", dir.path())).collect();
        until_queued(dir.path(), 4);
        let waiter = queue_up(dir.path());
        until_queued(dir.path(), 5);
        dead.iter_mut().for_each(Helper::kill);
        drop(passage);
        assert!(waiter.join().expect("no panic"));
    }

    #[test]
    fn whoever_is_stopped_is_passed_by_once() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut holder = Helper::start("gate", dir.path());
        let waiter = Helper::start("queue", dir.path());
        until_queued(dir.path(), 2);
        holder.stop();
        waiter.stop();
        let mut gate = open(dir.path());
        assert!(!gate.enter(SHORT).is_fair(), "the patience ends first");
        assert!(!gate.enter(LONG).is_fair(), "somebody may be inside");
        assert!(gate.enter(SHORT).is_fair(), "the way is free");
        holder.kill();
        assert!(gate.enter(SHORT).is_fair());
    }

    #[test]
    fn without_a_queue_the_gate_is_open() {
        let mut gate = Gate::on(None);
        assert!(!gate.enter(LONG).is_fair());
    }
}
