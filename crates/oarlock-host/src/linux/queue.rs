//! A queue in the order of arrival: a ticket lock (Mellor-Crummey and Scott, "Algorithms for scalable synchronization on
//! shared-memory multiprocessors", 1991, 2.2) whose waiters sleep, each on a futex of its own, and survive the others'
//! deaths.

use std::hint;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::futex;
use rustix::time::Timespec;

use super::shared_state::{Holder, Memory, PLACES, SharedState};
use crate::fair_lock::Joined;

/// How long the first in line looks at the counter before it sleeps: about what a commit without a sync takes. Sleeping and being
/// woken takes as long, and the other processor would have nothing to do.
const SPIN: Duration = Duration::from_micros(50);

/// How long the first in line sleeps before it looks whether the one inside still lives; those behind it sleep longer.
const LOOK: Duration = Duration::from_millis(10);

/// The longest sleep of those far behind, in times of [`LOOK`].
const LOOKS_MAX: u32 = 4;

/// Anyone who is inside for this long, although it lives, is passed by: it is stopped, or has more to do than others should wait for.
const STUCK: Duration = Duration::from_secs(2);

/// A place to queue for one handle.
#[derive(Debug)]
pub(crate) struct Queue(SharedState);

impl Queue {
    /// The queue on this shared state.
    pub(crate) fn on(shared_state: SharedState) -> Self {
        Self(shared_state)
    }

    /// Joins the queue and waits for the turn, at most until then (none: for ever).
    pub(crate) fn join(&self, until: Option<Instant>) -> Joined {
        let Some(holder) = self.0.sit_down() else { return Joined::Without };
        let memory = self.0.memory();
        let ticket = memory.next.fetch_add(1, SeqCst);
        memory.tell(ticket, holder);
        self.wait_for(ticket, holder, until)
    }

    /// Gives the turn to the next in line. Nothing happens when this ticket was passed by.
    pub(crate) fn leave(&self, ticket: u64) {
        pass(self.0.memory(), ticket);
    }

    fn wait_for(&self, ticket: u64, holder: Holder, until: Option<Instant>) -> Joined {
        let memory = self.0.memory();
        // Being called is worth a look at the counter. Arriving, and a time that ended, are worth a look at who is served.
        let (mut is_called, mut looks, mut suspect) = (true, true, None);
        let (mut served, mut passes_by) = ((memory.serving.load(SeqCst), None), false);
        loop {
            let serving = memory.serving.load(SeqCst);
            let ahead = ticket.wrapping_sub(serving);
            if ahead == 0 {
                return if passes_by { Joined::PassingBy(ticket) } else { Joined::Turn(ticket) };
            }
            if ahead > PLACES as u64 {
                return self.out_of_line(ticket, serving);
            }
            let is_first = ahead == 1;
            if is_first && std::mem::take(&mut is_called) && spin_while(memory, serving) {
                continue;
            }
            if (is_first || std::mem::take(&mut looks)) && !self.is_served(serving, suspect == Some(serving)) {
                // It died inside, with its turn to come, or it gave up; so perhaps did the one behind it.
                pass(memory, serving);
                looks = true;
                continue;
            }
            let now = Instant::now();
            if served.0 != serving {
                served = (serving, None);
            }
            let stuck_at = *served.1.get_or_insert(now) + STUCK;
            if stuck_at <= now {
                pass(memory, serving);
                passes_by = true;
                continue;
            }
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(now));
            if left.is_zero() {
                return self.tired(ticket, holder);
            }
            let look = LOOK * u32::try_from(ahead).unwrap_or(LOOKS_MAX).min(LOOKS_MAX);
            is_called = self.sleep(holder, serving, left.min(look));
            looks = !is_called;
            suspect = looks.then_some(serving);
        }
    }

    /// Whether somebody lives who has the ticket that is served. One that has not reported yet who it is counts as living, but not
    /// for long: it died in between, or is stopped there.
    fn is_served(&self, serving: u64, for_long: bool) -> bool {
        self.0.memory().holder(serving).map_or(!for_long, |holder| self.0.is_there(holder))
    }

    /// Sleeps while the same ticket is served; whether it was called.
    fn sleep(&self, holder: Holder, serving: u64, at_most: Duration) -> bool {
        let memory = self.0.memory();
        let seat = memory.seat(holder);
        let calls = seat.calls.load(SeqCst);
        // First this, then the look: anyone who passes the turn on does it the other way round, so one of both sees the other.
        seat.sleeps.store(1, SeqCst);
        if memory.serving.load(SeqCst) == serving {
            let timeout = Timespec { tv_sec: at_most.as_secs().min(60) as i64, tv_nsec: at_most.subsec_nanos().into() };
            // Called, timed out, or interrupted: each is a reason to look.
            let _ = futex::wait(&seat.calls, futex::Flags::empty(), calls, Some(&timeout));
        }
        seat.sleeps.store(0, SeqCst);
        seat.calls.load(SeqCst) != calls
    }

    /// The patience is over: the ticket belongs to nobody from now on.
    fn tired(&self, ticket: u64, holder: Holder) -> Joined {
        let memory = self.0.memory();
        memory.tell(ticket, Holder::NOBODY);
        // Its turn came in this moment: nobody may have seen that it gave up.
        if memory.serving.load(SeqCst) == ticket {
            memory.tell(ticket, holder);
            return Joined::Turn(ticket);
        }
        Joined::Without
    }

    /// It was passed by, perhaps long ago, or the file does not hold a queue: then it does from now on.
    fn out_of_line(&self, ticket: u64, serving: u64) -> Joined {
        let memory = self.0.memory();
        let is_queue = memory.next.load(SeqCst).wrapping_sub(serving) <= PLACES as u64;
        if !is_queue && memory.serving.compare_exchange(serving, ticket, SeqCst, SeqCst).is_ok() {
            return Joined::PassingBy(ticket);
        }
        Joined::Without
    }
}

/// Serves the next ticket that somebody has, if this one is served, and wakes its owner.
fn pass(memory: &Memory, ticket: u64) {
    let mut ticket = ticket;
    while memory.serving.compare_exchange(ticket, ticket.wrapping_add(1), SeqCst, SeqCst).is_ok() {
        ticket = ticket.wrapping_add(1);
        if memory.holder(ticket) != Some(Holder::NOBODY) {
            call(memory, ticket);
            return;
        }
    }
}

/// Wakes anyone who has this ticket, if it sleeps.
fn call(memory: &Memory, ticket: u64) {
    if let Some(holder) = memory.holder(ticket) {
        let seat = memory.seat(holder);
        seat.calls.fetch_add(1, SeqCst);
        if seat.sleeps.load(SeqCst) != 0 {
            // Should it fail, the other one looks by itself after a while.
            let _ = futex::wake(&seat.calls, futex::Flags::empty(), 1);
        }
    }
}

/// Looks at the counter for a while; whether it changed. With one processor nobody could change it meanwhile.
fn spin_while(memory: &Memory, serving: u64) -> bool {
    static HAS_MORE: OnceLock<bool> = OnceLock::new();
    if !*HAS_MORE.get_or_init(|| thread::available_parallelism().is_ok_and(|count| count.get() > 1)) {
        return false;
    }
    let start = Instant::now();
    while start.elapsed() < SPIN {
        for _ in 0..32 {
            if memory.serving.load(SeqCst) != serving {
                return true;
            }
            hint::spin_loop();
        }
    }
    false
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use super::*;

    pub(crate) fn open(path: &Path) -> Queue {
        Queue::on(SharedState::open(path, true).expect("opens").expect("Linux can map it"))
    }

    impl Queue {
        /// How many wait or are inside.
        pub(crate) fn length(&self) -> u64 {
            let memory = self.0.memory();
            memory.next.load(SeqCst).wrapping_sub(memory.serving.load(SeqCst))
        }
    }

    fn at_once() -> Option<Instant> {
        Some(Instant::now())
    }

    fn soon() -> Option<Instant> {
        Instant::now().checked_add(Duration::from_secs(1))
    }

    #[test]
    fn the_first_is_first_and_the_second_when_it_left() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("board");
        let (first, second) = (open(&path), open(&path));
        assert_eq!(first.join(None), Joined::Turn(0));
        assert_eq!(second.join(at_once()), Joined::Without);
        first.leave(0);
        assert_eq!(second.join(at_once()), Joined::Turn(2));
    }

    #[test]
    fn who_gives_up_in_the_middle_is_passed_by() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("board");
        let (first, second, third) = (open(&path), open(&path), open(&path));
        assert_eq!(first.join(None), Joined::Turn(0));
        let waiting = thread::spawn(move || (second.join(None), second));
        while first.length() < 2 {
            thread::yield_now();
        }
        assert_eq!(third.join(at_once()), Joined::Without);
        first.leave(0);
        let (joined, second) = waiting.join().expect("no panic");
        assert_eq!(joined, Joined::Turn(1));
        second.leave(1);
        // The ticket that was given up belongs to nobody.
        assert_eq!(first.join(None), Joined::Turn(3));
    }

    #[test]
    fn a_ticket_that_was_passed_by_long_ago_changes_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let queue = open(&dir.path().join("board"));
        let memory = queue.0.memory();
        let late = 5 + 3 * PLACES as u64;
        memory.next.store(late + 1, SeqCst);
        memory.serving.store(late, SeqCst);
        let holder = queue.0.sit_down().expect("free");
        for ticket in [5, late - 1] {
            assert_eq!(queue.wait_for(ticket, holder, None), Joined::Without);
            assert_eq!(memory.serving.load(SeqCst), late);
        }
    }

    #[test]
    fn a_damaged_shared_state_heals() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("board");
        let (first, second) = (open(&path), open(&path));
        for (next, serving) in [(0, u64::MAX), (5, 1 << 40), (u64::MAX, u64::MAX - 1), (1 << 50, 1 << 20)] {
            first.0.memory().next.store(next, SeqCst);
            first.0.memory().serving.store(serving, SeqCst);
            assert!(matches!(first.join(soon()), Joined::PassingBy(_) | Joined::Turn(_)), "{next} {serving}");
            first.leave(next);
            let healed = second.join(soon());
            assert!(matches!(healed, Joined::Turn(_)), "{next} {serving}: {healed:?}");
            if let Joined::Turn(ticket) = healed {
                second.leave(ticket);
            }
        }
    }
}
