//! A store that counts what its writing transactions read, so that tests can say that a decision reads little whatever the store holds,
//! without measuring time.

use std::cell::Cell;
use std::rc::Rc;

use crate::wrapped::{Hooks, Read, Wrapped};

/// The reads inside writing transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Tasks, to choose one.
    pub offers: usize,
    /// Reservations.
    pub reservations: usize,
    /// Sessions whose process the system was asked about.
    pub owners: usize,
    /// Answers to other questions, however much is in each.
    pub answers: usize,
}

/// Counts. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Counting {
    reads: Rc<Cell<Reads>>,
    snapshots: Rc<Cell<usize>>,
}

impl Hooks for Counting {
    fn snapshot(&mut self) {
        self.snapshots.set(self.snapshots.get() + 1);
    }

    fn read(&self, what: Read) {
        let mut reads = self.reads.get();
        match what {
            Read::Candidates(n) => reads.offers += n,
            Read::Reservations(n) => reads.reservations += n,
            Read::Owner => reads.owners += 1,
            Read::Answer => reads.answers += 1,
        }
        self.reads.set(reads);
    }
}

/// A store whose reads are counted.
pub type Counted<S> = Wrapped<S, Counting>;

impl<S> Counted<S> {
    /// Counts into `reads`.
    pub fn new(inner: S, reads: Rc<Cell<Reads>>) -> Self {
        Self::around(inner, Counting { reads, ..Counting::default() })
    }

    /// How many snapshots were taken.
    pub fn snapshots(&self) -> usize {
        self.hooks().snapshots.get()
    }
}
