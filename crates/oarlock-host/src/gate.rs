//! A fair gate before the store's write transactions, between processes and between threads. It is for fairness
//! alone: SQLite's own lock decides who writes, and whoever waits too long here goes on without the gate.

mod alarm;
mod queue;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use alarm::lock_until;
use queue::Queue;

/// One way through the gate: a handle of its own for each thread or connection.
///
/// Two files. Whoever wants to enter queues at `turn.lock` in the order of arrival, and the first of the queue locks
/// `gate.lock`; it keeps its place until it leaves, and its departure wakes the next one, and only that one. Lock order: turn,
/// then gate, then the store's own lock. Entering and leaving a free gate are nine small system calls.
///
/// The kernel drops the locks of a process that dies. One that is stopped, inside or in the queue, holds others up for
/// their patience, and not again for a while: see [`Gate::enter`].
#[derive(Debug)]
pub struct Gate {
    /// None where the system cannot queue; then the gate alone stands, in no certain order.
    queue: Option<Queue>,
    gate: File,
    /// Until then nobody is waited for, because waiting was in vain.
    impatient_until: Option<Instant>,
}

/// Being inside, until dropped.
#[derive(Debug)]
#[must_use = "dropping it leaves the gate at once"]
pub struct Passage<'gate> {
    queue: Option<&'gate Queue>,
    gate: Option<&'gate File>,
    is_fair: bool,
}

/// For how many times the patience an entry that waited in vain is followed by entries that do not wait.
const IMPATIENT_FOR: u32 = 4;

impl Gate {
    /// Opens the gate of a directory, and makes its two files (`turn.lock`, `gate.lock`) where they are missing. Each
    /// handle opens them anew, because the locks belong to the open file: two threads with one would not exclude each other.
    ///
    /// # Errors
    /// The directory is missing, or the files cannot be opened.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        // As SQLite makes its files, less the umask: who may write the store may queue for it.
        options.read(true).append(true).create(true).mode(0o666).custom_flags(libc::O_NOFOLLOW);
        let gate = options.open(dir.join("gate.lock"))?;
        Ok(Self { queue: Queue::open(&dir.join("turn.lock"))?, gate, impatient_until: None })
    }

    /// Goes through the gate, in turn. Waits at most `patience` in all, and goes on without what it did not get:
    /// [`Passage::is_fair`] tells. After an entry that was not fair, this handle does not wait for four times the patience, so
    /// that a stopped process slows the others a little instead of stopping them.
    ///
    /// # Errors
    /// The files cannot be locked for another reason than that somebody holds them.
    pub fn enter(&mut self, patience: Duration) -> io::Result<Passage<'_>> {
        let now = Instant::now();
        let is_impatient = self.impatient_until.is_some_and(|until| now < until);
        // Beyond the end of time is as good as never.
        let until = if is_impatient { Some(now) } else { now.checked_add(patience) };
        // From here on, dropping it gives back whatever is had.
        let mut passage = Passage { queue: self.queue.as_ref(), gate: None, is_fair: true };
        if let Some(queue) = passage.queue {
            passage.is_fair = queue.join(until)?;
        }
        if lock_until(until, || try_lock(&self.gate), || flock(&self.gate, FlockOperation::LockExclusive))? {
            passage.gate = Some(&self.gate);
        } else {
            passage.is_fair = false;
        }
        if passage.is_fair {
            self.impatient_until = None;
        } else if !is_impatient {
            self.impatient_until = now.checked_add(patience.saturating_mul(1 + IMPATIENT_FOR));
        }
        Ok(passage)
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
    /// Unlocking what is open does not fail; if it did, the others would have their patience. The gate first: the next one
    /// is woken by the queue and shall find it open.
    fn drop(&mut self) {
        if let Some(gate) = self.gate {
            let _ = flock(gate, FlockOperation::Unlock);
        }
        if let Some(queue) = self.queue {
            let _ = queue.leave();
        }
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match rustix::io::retry_on_intr(|| flock(file, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::testing::Helper;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(50);

    fn open(dir: &Path) -> Gate {
        Gate::open(dir).expect("opens")
    }

    /// Waits until so many queue in the kernel: `/proc/locks` shows them with arrows.
    fn until_queued(dir: &Path, wanted: usize) {
        let inode = std::fs::metadata(dir.join("turn.lock")).expect("made").ino();
        let inode = format!(":{inode} ");
        let waits = |line: &&str| line.contains(" -> ") && line.contains(&inode);
        let queued = || std::fs::read_to_string("/proc/locks").expect("Linux").lines().filter(waits).count();
        while queued() != wanted {
            thread::yield_now();
        }
    }

    /// Enters with much patience in a thread of its own, and tells whether it was fair.
    fn queue_up(dir: &Path) -> thread::JoinHandle<bool> {
        let mut gate = open(dir);
        thread::spawn(move || gate.enter(LONG).expect("enters").is_fair())
    }

    #[test]
    fn eight_threads_get_equal_shares_one_at_a_time() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (arrived, total, inside) = (AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(false));
        let work = || {
            let mut gate = open(dir.path());
            let (mut own, mut has_arrived) = (0, false);
            while total.load(Ordering::SeqCst) < 2_000 {
                let passage = gate.enter(LONG).expect("enters");
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
        let passage = gate.enter(LONG).expect("enters");
        let (sender, receiver) = mpsc::channel();
        let enter = |number: usize| {
            let (mut gate, sender) = (open(dir.path()), sender.clone());
            let thread = thread::spawn(move || {
                let passage = gate.enter(LONG).expect("enters");
                sender.send(number).expect("somebody listens");
                drop(passage);
            });
            until_queued(dir.path(), number + 1);
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
        until_queued(dir.path(), 1);
        holder.kill();
        assert!(waiter.join().expect("no panic"));
    }

    #[test]
    fn a_killed_waiter_does_not_let_two_in() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut gate = open(dir.path());
        let passage = gate.enter(LONG).expect("enters");
        let mut waiter = Helper::start("queue", dir.path());
        until_queued(dir.path(), 1);
        let mut next = open(dir.path());
        waiter.kill();
        until_queued(dir.path(), 0);
        assert!(!next.enter(SHORT).expect("enters").is_fair(), "somebody is inside");
        drop(passage);
        assert!(open(dir.path()).enter(LONG).expect("enters").is_fair());
    }

    #[test]
    fn a_stopped_holder_costs_patience_once() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut holder = Helper::start("gate", dir.path());
        holder.stop();
        let mut gate = open(dir.path());
        let patience = Duration::from_secs(2);
        let start = Instant::now();
        assert!(!gate.enter(patience).expect("enters").is_fair());
        assert!(start.elapsed() >= patience);
        let again = Instant::now();
        assert!(!gate.enter(patience).expect("enters").is_fair());
        assert!(again.elapsed() < patience, "not waited for again");
        holder.kill();
        assert!(gate.enter(patience).expect("enters").is_fair(), "what is free is taken without waiting");
        assert!(gate.impatient_until.is_none());
    }

    #[test]
    fn a_stopped_waiter_is_passed_by() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut gate = open(dir.path());
        let passage = gate.enter(LONG).expect("enters");
        let waiter = Helper::start("queue", dir.path());
        until_queued(dir.path(), 1);
        waiter.stop();
        drop(passage);
        assert!(!gate.enter(SHORT).expect("enters").is_fair(), "it queued behind the stopped one");
        assert!(open(dir.path()).enter(LONG).expect("enters").is_fair(), "further ones do not notice");
    }

    #[test]
    fn patience_ends_also_where_signals_are_blocked() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut holder = open(dir.path());
        let _passage = holder.enter(LONG).expect("enters");
        let mut gate = open(dir.path());
        let waiter = thread::spawn(move || {
            alarm::tests::block_all_signals();
            gate.enter(SHORT).map(|passage| passage.is_fair())
        });
        assert!(!waiter.join().expect("no panic").expect("enters"));
    }

    #[test]
    fn without_a_queue_the_gate_still_lets_in_one_at_a_time() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let unqueued = || Gate { queue: None, ..open(dir.path()) };
        let (mut holder, mut other) = (unqueued(), unqueued());
        let passage = holder.enter(LONG).expect("enters");
        assert!(passage.is_fair() && !other.enter(SHORT).expect("enters").is_fair());
        drop(passage);
        assert!(other.enter(LONG).expect("enters").is_fair());
    }
}
