//! Linearizability: whether the replies of several processes can have come from one object that did one thing at a time.
//!
//! The search is that of Wing and Gong (Testing and verifying concurrent objects, 1993) with the memory of Lowe (Testing for
//! linearizability, 2017). A call whose outcome nobody knows, because the caller was killed, may have taken effect at any time after
//! it began, or never.

pub mod entry;
pub mod task;

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

/// An object that does one thing at a time.
pub trait Object {
    /// The remembered value.
    type State: Clone + Eq + Hash;
    /// The call, with its answer.
    type Call: fmt::Debug;
    /// The object before the first call.
    fn begin(&self) -> Self::State;
    /// The object after the call, if it can answer so; a call without an answer takes effect here, whatever the answer would have been.
    fn after(&self, state: &Self::State, call: &Self::Call) -> Option<Self::State>;
}

/// A call and its time, on one clock for all callers.
#[derive(Clone, Debug)]
pub struct Timed<C> {
    /// The call and the answer.
    pub call: C,
    /// When it was asked.
    pub asked: u64,
    /// When the answer was there; None when nobody knows whether there was one.
    pub answered: Option<u64>,
}

/// Places the calls in an order that the object can have answered in.
///
/// # Errors
/// The calls that were in progress where the longest such order ends.
pub fn check<O: Object>(object: &O, calls: &[Timed<O::Call>]) -> Result<(), String> {
    let mut line = Line::of(calls);
    let (mut state, mut placed, mut order) = (object.begin(), Bits::new(calls.len()), Vec::new());
    let mut seen = HashSet::new();
    let (mut longest, mut stuck) = (0, Vec::new());
    let mut at = line.first();
    while let Some(moment) = at {
        match moment {
            Moment::Asked(n) => {
                let next = object.after(&state, &calls[n].call).filter(|next| {
                    placed.flip(n);
                    let is_new = seen.insert((placed.clone(), next.clone()));
                    if !is_new {
                        placed.flip(n);
                    }
                    is_new
                });
                if let Some(next) = next {
                    order.push((n, std::mem::replace(&mut state, next)));
                    line.lift(n);
                    at = line.first();
                } else {
                    at = line.after_asked(n);
                }
            }
            // It has been answered and has no place yet: the last placed one was wrong.
            Moment::Answered(n) => {
                if order.len() >= longest {
                    longest = order.len();
                    stuck = line.asked_before_answer(n);
                }
                let Some((last, before)) = order.pop() else {
                    let calls: Vec<String> = stuck.iter().map(|n| format!("{:?}", calls[*n])).collect();
                    return Err(format!("no order of these answers is possible after {longest} calls:\n  {}", calls.join("\n  ")));
                };
                state = before;
                placed.flip(last);
                line.put_back(last);
                at = line.after_asked(last);
            }
        }
    }
    // Whatever is left has no answer, and need not have happened.
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Asked(usize),
    Answered(usize),
}

/// All moments in their order, as a list that calls are lifted out of and put back into.
struct Line {
    moments: Vec<Moment>,
    /// Where each call was asked and answered.
    places: Vec<(usize, Option<usize>)>,
    /// The next and the one before, with one more before the first.
    next: Vec<usize>,
    before: Vec<usize>,
}

impl Line {
    fn of<C>(calls: &[Timed<C>]) -> Self {
        let mut moments: Vec<(u64, bool, Moment)> = Vec::new();
        for (n, call) in calls.iter().enumerate() {
            moments.push((call.asked, false, Moment::Asked(n)));
            moments.extend(call.answered.map(|at| (at, true, Moment::Answered(n))));
        }
        // Of one moment, questions come first: then the two may have been in either order.
        moments.sort_by_key(|(at, is_answer, _)| (*at, *is_answer));
        let moments: Vec<Moment> = moments.into_iter().map(|(_, _, moment)| moment).collect();
        let mut places = vec![(0, None); calls.len()];
        for (place, moment) in moments.iter().enumerate() {
            match moment {
                Moment::Asked(n) => places[*n].0 = place,
                Moment::Answered(n) => places[*n].1 = Some(place),
            }
        }
        // Place p is at p + 1; 0 is before all.
        let next = (1..=moments.len() + 1).collect();
        let before = (0..=moments.len() + 1).map(|n: usize| n.saturating_sub(1)).collect();
        Self { moments, places, next, before }
    }

    fn first(&self) -> Option<Moment> {
        self.moments.get(self.next[0] - 1).copied()
    }

    fn after_asked(&self, n: usize) -> Option<Moment> {
        self.moments.get(self.next[self.places[n].0 + 1] - 1).copied()
    }

    fn lift(&mut self, n: usize) {
        let (asked, answered) = self.places[n];
        self.unlink(asked + 1);
        if let Some(answered) = answered {
            self.unlink(answered + 1);
        }
    }

    /// The reverse of the last `lift`.
    fn put_back(&mut self, n: usize) {
        let (asked, answered) = self.places[n];
        if let Some(answered) = answered {
            self.link(answered + 1);
        }
        self.link(asked + 1);
    }

    fn unlink(&mut self, place: usize) {
        let (before, next) = (self.before[place], self.next[place]);
        self.next[before] = next;
        self.before[next] = before;
    }

    fn link(&mut self, place: usize) {
        let (before, next) = (self.before[place], self.next[place]);
        self.next[before] = place;
        self.before[next] = place;
    }

    /// The calls without a place that were asked before this answer.
    fn asked_before_answer(&self, n: usize) -> Vec<usize> {
        let (mut found, mut place) = (Vec::new(), self.next[0]);
        while let Some(moment) = self.moments.get(place - 1) {
            match moment {
                Moment::Asked(asked) => found.push(*asked),
                Moment::Answered(answered) if *answered == n => break,
                Moment::Answered(_) => {}
            }
            place = self.next[place];
        }
        found
    }
}

/// Which calls have a place.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn flip(&mut self, n: usize) {
        self.0[n / 64] ^= 1 << (n % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that is read and written.
    struct Register;

    #[derive(Clone, Copy, Debug)]
    enum Use {
        Write(u8),
        Read(u8),
    }

    impl Object for Register {
        type State = u8;
        type Call = Use;

        fn begin(&self) -> u8 {
            0
        }

        fn after(&self, state: &u8, call: &Use) -> Option<u8> {
            match call {
                Use::Write(value) => Some(*value),
                Use::Read(value) => (value == state).then_some(*state),
            }
        }
    }

    fn told(calls: &[(Use, u64, u64)]) -> bool {
        let calls: Vec<_> = calls
            .iter()
            .map(|(call, asked, answered)| Timed { call: *call, asked: *asked, answered: (*answered > 0).then_some(*answered) })
            .collect();
        check(&Register, &calls).is_ok()
    }

    #[test]
    fn histories_of_a_register_are_judged() {
        use Use::{Read, Write};
        // The examples of Herlihy and Wing (Linearizability, 1990), and what a kill adds to them.
        assert!(told(&[]));
        assert!(told(&[(Write(1), 1, 2), (Read(1), 3, 4)]));
        assert!(!told(&[(Write(1), 1, 2), (Read(0), 3, 4)]), "an old value after the write was answered");
        assert!(told(&[(Write(1), 1, 4), (Read(0), 2, 3)]), "beside the write, either value");
        assert!(told(&[(Write(1), 1, 4), (Read(1), 2, 3)]));
        assert!(!told(&[(Write(1), 1, 9), (Read(1), 2, 3), (Read(0), 4, 5)]), "once new, not old again");
        assert!(told(&[(Write(1), 1, 9), (Write(2), 1, 9), (Read(2), 2, 3), (Read(1), 4, 5)]));
        assert!(!told(&[(Write(1), 1, 9), (Write(2), 1, 9), (Read(2), 2, 3), (Read(1), 4, 5), (Read(2), 6, 7)]));
        assert!(told(&[(Write(1), 1, 0), (Read(0), 2, 3), (Read(1), 4, 5)]), "unknown: later");
        assert!(told(&[(Write(1), 1, 0), (Read(0), 2, 3), (Read(0), 4, 5)]), "unknown: never");
        assert!(!told(&[(Write(1), 1, 0), (Read(1), 2, 3), (Read(0), 4, 5)]), "unknown, but then once and for all");
        assert!(!told(&[(Read(1), 1, 2), (Write(1), 3, 0)]), "before it was asked");
        assert!(told(&[(Read(1), 1, 3), (Write(1), 3, 0)]), "at the same moment");
    }

    #[test]
    fn what_one_register_did_is_possible_and_a_changed_answer_is_not() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut refused = 0;
        for _ in 0..300 {
            // Each call takes effect somewhere in its span, in the order of these moments.
            let (mut value, mut calls) = (0, Vec::new());
            for n in 0..30 {
                let (at, early, late) = (n * 10 + 50, rng.u64(..40), rng.u64(1..40));
                let call = if rng.bool() { Use::Write(rng.u8(1..5)) } else { Use::Read(value) };
                value = if let Use::Write(written) = call { written } else { value };
                calls.push((call, at - early, if matches!(call, Use::Write(_)) && rng.u8(..8) == 0 { 0 } else { at + late }));
            }
            assert!(told(&calls), "{calls:?}");
            for call in calls.iter_mut() {
                if let Use::Read(read) = &mut call.0 {
                    *read = 9;
                    break;
                }
            }
            refused += usize::from(!told(&calls));
        }
        assert!(refused > 290, "{refused}");
    }
}
