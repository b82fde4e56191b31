//! The fair lock, where there is a shared state.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use super::*;
use crate::testing::Helper;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

fn open(dir: &Path) -> FairLock {
    FairLock::on(SharedState::open(&dir.join("board"), true).expect("opens"))
}

/// Waits until this many wait or are inside.
fn until_queued(dir: &Path, wanted: u64) {
    let looker = crate::system::queue::tests::open(&dir.join("board"));
    while looker.length() != wanted {
        thread::yield_now();
    }
}

/// Enters with much patience in a thread of its own, and shows whether it was fair.
fn queue_up(dir: &Path) -> thread::JoinHandle<bool> {
    let mut fair_lock = open(dir);
    thread::spawn(move || fair_lock.enter(LONG).is_fair())
}

#[test]
fn eight_threads_get_equal_shares_one_at_a_time() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (arrived, total, inside) = (AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(false));
    let work = || {
        let mut fair_lock = open(dir.path());
        let (mut own, mut has_arrived) = (0, false);
        while total.load(Ordering::SeqCst) < 2_000 {
            let passage = fair_lock.enter(LONG);
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
    let mut fair_lock = open(dir.path());
    let passage = fair_lock.enter(LONG);
    let (sender, receiver) = mpsc::channel();
    let enter = |number: usize| {
        let (mut fair_lock, sender) = (open(dir.path()), sender.clone());
        let thread = thread::spawn(move || {
            let passage = fair_lock.enter(LONG);
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
    let mut fair_lock = open(dir.path());
    let passage = fair_lock.enter(LONG);
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
    let mut fair_lock = open(dir.path());
    let passage = fair_lock.enter(LONG);
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
    let mut fair_lock = open(dir.path());
    assert!(!fair_lock.enter(SHORT).is_fair(), "the patience ends first");
    assert!(!fair_lock.enter(LONG).is_fair(), "somebody may be inside");
    assert!(fair_lock.enter(SHORT).is_fair(), "the way is free");
    holder.kill();
    assert!(fair_lock.enter(SHORT).is_fair());
}

#[test]
fn without_a_queue_the_gate_is_open() {
    let mut fair_lock = FairLock::on(None);
    assert!(!fair_lock.enter(LONG).is_fair());
}
