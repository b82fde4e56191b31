//! A queue in which nobody waits behind all that somebody else has asked: each principal has a lane, and the lanes take turns by how
//! much work they have had.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use oarlock_model::seeded;

/// Whose work it is.
pub(crate) type Lane = Arc<str>;

/// The lane of work that nobody in particular asked for: the only client of a server on standard input and output.
pub(crate) fn common() -> Lane {
    Arc::from("")
}

/// Why nothing was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too much waits.
    Full,
    /// Nobody works on it any more.
    Closed,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    state: Mutex<State<T>>,
    more: Condvar,
    len_max: usize,
}

#[derive(Debug)]
struct State<T> {
    lanes: HashMap<Lane, Queue<T>>,
    len: usize,
    /// The work that the lane has had which had least, as of the last turn: a lane that begins again begins here, and has saved nothing
    /// up while it asked for nothing.
    least_ns: u64,
    is_closed: bool,
    /// Counts the lanes that came, which decides between lanes that have had as much.
    arrivals: u64,
}

#[derive(Debug)]
struct Queue<T> {
    items: VecDeque<T>,
    had_ns: u64,
    arrival: u64,
}

/// Lanes that ask for nothing are remembered up to this many: what they had still counts when they come back.
const IDLE_LANES_MAX: usize = 1_024;

impl<T> Lanes<T> {
    /// An empty one that holds at most this many.
    pub(super) fn new(len_max: usize) -> Self {
        let state = State { lanes: HashMap::new(), len: 0, least_ns: 0, is_closed: false, arrivals: 0 };
        Self { state: Mutex::new(state), more: Condvar::new(), len_max }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an item in a lane. Half of the places are kept for other lanes than the one that has most.
    ///
    /// # Errors
    /// It is full, or closed.
    pub(super) fn push(&self, lane: &Lane, item: T) -> Result<(), Refused> {
        let lane = if seeded::is(seeded::FIRST_COME_FIRST_SERVED) { common() } else { Arc::clone(lane) };
        let mut state = self.locked();
        if state.is_closed {
            return Err(Refused::Closed);
        }
        let own = state.lanes.get(&lane).map_or(0, |queue| queue.items.len());
        if state.len >= self.len_max || (!lane.is_empty() && own >= self.len_max / 2) {
            return Err(Refused::Full);
        }
        state.arrivals += 1;
        let (least_ns, arrival) = (state.least_ns, state.arrivals);
        let queue = state.lanes.entry(lane).or_insert_with(|| Queue { items: VecDeque::new(), had_ns: least_ns, arrival });
        if queue.items.is_empty() {
            queue.had_ns = queue.had_ns.max(least_ns);
            queue.arrival = arrival;
        }
        queue.items.push_back(item);
        state.len += 1;
        drop(state);
        self.more.notify_one();
        Ok(())
    }

    /// Waits for the next item, of the lane that has had the least work. None when it is closed and empty.
    pub(super) fn pop(&self) -> Option<(Lane, T)> {
        let mut state = self.locked();
        loop {
            if let Some(next) = state.take() {
                return Some(next);
            }
            if state.is_closed {
                return None;
            }
            state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next item, if there is one.
    pub(super) fn try_pop(&self) -> Option<(Lane, T)> {
        self.locked().take()
    }

    /// Says how much work an item of a lane was.
    pub(super) fn charge(&self, lane: &Lane, work: Duration) {
        let mut state = self.locked();
        let work_ns = u64::try_from(work.as_nanos()).unwrap_or(u64::MAX);
        if let Some(queue) = state.lanes.get_mut(lane) {
            queue.had_ns = queue.had_ns.saturating_add(work_ns);
        }
    }

    /// Puts back tasks that were taken and not begun, in front.
    pub(super) fn put_back(&self, lane: &Lane, item: T) {
        let mut state = self.locked();
        let (least_ns, arrival) = (state.least_ns, state.arrivals);
        let queue = state.lanes.entry(Arc::clone(lane)).or_insert_with(|| Queue { items: VecDeque::new(), had_ns: least_ns, arrival });
        queue.items.push_front(item);
        state.len += 1;
        drop(state);
        self.more.notify_one();
    }

    /// Takes nothing more; the present ones are still handed out.
    pub(super) fn close(&self) {
        self.locked().is_closed = true;
        self.more.notify_all();
    }
}

impl<T> State<T> {
    fn take(&mut self) -> Option<(Lane, T)> {
        let next = self.lanes.iter().filter(|(_, queue)| !queue.items.is_empty()).min_by_key(|(_, queue)| (queue.had_ns, queue.arrival));
        let lane = next.map(|(lane, _)| Arc::clone(lane))?;
        self.arrivals += 1;
        let arrival = self.arrivals;
        let queue = self.lanes.get_mut(&lane)?;
        let item = queue.items.pop_front()?;
        // Of lanes that have had as much, the next turn is another's.
        queue.arrival = arrival;
        self.least_ns = self.least_ns.max(queue.had_ns);
        self.len -= 1;
        if self.lanes.len() > IDLE_LANES_MAX {
            let least_ns = self.least_ns;
            self.lanes.retain(|_, queue| !queue.items.is_empty() || queue.had_ns > least_ns);
        }
        Some((lane, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str) -> Lane {
        Arc::from(name)
    }

    #[test]
    fn nobody_waits_behind_all_that_another_has_asked() {
        let lanes = Lanes::new(100);
        for n in 0..20 {
            lanes.push(&lane("flood"), n).expect("there is room");
        }
        lanes.push(&lane("ada"), 100).expect("there is room");
        lanes.push(&lane("bob"), 200).expect("there is room");
        let first: Vec<u32> = (0..4).filter_map(|_| lanes.try_pop()).map(|(_, n)| n).collect();
        assert!(first.contains(&100) && first.contains(&200), "{first:?}");
    }

    #[test]
    fn who_has_had_much_work_done_waits_for_who_has_had_little() {
        let lanes = Lanes::new(100);
        for n in 0..10 {
            lanes.push(&lane("heavy"), n).expect("there is room");
            lanes.push(&lane("light"), 100 + n).expect("there is room");
        }
        let mut order = Vec::new();
        while let Some((own, n)) = lanes.try_pop() {
            lanes.charge(&own, Duration::from_millis(if &*own == "heavy" { 10 } else { 1 }));
            order.push(n);
        }
        let last_light = order.iter().rposition(|n| *n >= 100).expect("there");
        assert!(order[..last_light].iter().filter(|n| **n < 100).count() <= 2, "{order:?}");
        // It saves nothing up while it asks for nothing.
        lanes.push(&lane("idle"), 0).expect("there is room");
        lanes.push(&lane("light"), 1).expect("there is room");
        assert!(lanes.try_pop().is_some() && lanes.try_pop().is_some() && lanes.try_pop().is_none());
    }

    #[test]
    fn one_lane_leaves_half_of_the_places_to_others() {
        let lanes = Lanes::new(10);
        let pushed = (0..10).filter(|n| lanes.push(&lane("flood"), *n).is_ok()).count();
        assert_eq!(pushed, 5);
        assert_eq!(lanes.push(&lane("ada"), 0), Ok(()));
        lanes.close();
        assert_eq!(lanes.push(&lane("ada"), 0), Err(Refused::Closed));
        assert_eq!(std::iter::from_fn(|| lanes.pop()).count(), 6);
    }
}
