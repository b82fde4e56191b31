//! The common parts of both sides of a comparison: how hard they press commits to the disk, their
//! idempotency keys, and a loop of claim and done.

use std::fmt;
use std::time::{Duration, Instant};

use oarlock_sqlite::{Options, Synchronous};

use super::os;
use crate::output::Outcome;

/// How hard commits are pressed to the disk, on both sides alike. NORMAL and OFF show the processor
/// where FULL shows mostly the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syncing {
    Full,
    Normal,
    Off,
}

impl Syncing {
    pub(super) const ALL: [Syncing; 3] = [Syncing::Full, Syncing::Normal, Syncing::Off];

    pub(super) fn word(self) -> &'static str {
        match self {
            Syncing::Full => "FULL",
            Syncing::Normal => "NORMAL",
            Syncing::Off => "OFF",
        }
    }

    /// The one with this word.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn parse(word: &str) -> Outcome<Self> {
        let found = Syncing::ALL.into_iter().find(|sync| sync.word() == word);
        found.ok_or_else(|| format!("{word} is not a way to press commits to the disk").into())
    }

    /// The options of a store opened so.
    pub(super) fn options(self) -> Options {
        let synchronous = match self {
            Syncing::Full => Synchronous::Full,
            Syncing::Normal => Synchronous::Normal,
            Syncing::Off => Synchronous::Off,
        };
        Options { synchronous, ..Options::default() }
    }
}

impl fmt::Display for Syncing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Idempotency keys that look random, as the usual ones do: neighbours in time are none in order.
#[derive(Debug)]
pub(super) struct Keys {
    state: u64,
}

impl Keys {
    /// Keys that no other process and no other call gives out.
    pub(super) fn new() -> Self {
        Self { state: os::monotonic_ns() ^ (u64::from(std::process::id()) << 40) }
    }

    /// The next one: 32 hexadecimal digits.
    pub(super) fn next(&mut self) -> String {
        format!("{:016x}{:016x}", self.draw(), self.draw())
    }

    /// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// One who claims tasks and completes them, each with an idempotency key of its own.
pub(super) trait Contestant {
    /// The facts of a claimed task that `done` needs.
    type Task;

    /// Claims the best ready task.
    ///
    /// # Errors
    /// There is none, or the store fails.
    fn claim(&mut self) -> Outcome<Self::Task>;

    /// Completes it.
    ///
    /// # Errors
    /// The store fails.
    fn done(&mut self, task: Self::Task) -> Outcome<()>;
}

/// When a loop ends: whatever comes first.
pub(super) struct Until<'a> {
    /// This many operations; a claim is one, a done another.
    pub(super) operations: usize,
    /// This long.
    pub(super) patience: Duration,
    /// Somebody else is through.
    pub(super) is_stopped: &'a dyn Fn() -> bool,
}

/// One operation of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// When it was over, on the clock that all processes share, in nanoseconds.
    pub(super) ended_ns: u64,
    /// How long it took, its waiting for others included, in nanoseconds.
    pub(super) wait_ns: u64,
}

/// The result of a loop.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// When it began, on the same clock.
    pub(super) started_ns: u64,
    /// The successful calls, in their order.
    pub(super) operations: Vec<Operation>,
    pub(super) errors: usize,
    pub(super) first_error: Option<String>,
}

impl Tally {
    /// The times, for another process.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let times = self.operations.iter().flat_map(|operation| [operation.ended_ns, operation.wait_ns]);
        std::iter::once(self.started_ns).chain(times).flat_map(u64::to_le_bytes).collect()
    }

    /// The times as they were written.
    ///
    /// # Errors
    /// The bytes are no times.
    pub(super) fn from_bytes(bytes: &[u8]) -> Outcome<Self> {
        let (numbers, rest) = bytes.as_chunks();
        let mut numbers = numbers.iter().map(|chunk| u64::from_le_bytes(*chunk));
        let mut tally = Tally { started_ns: numbers.next().ok_or("a worker without times")?, ..Tally::default() };
        while let Some(ended_ns) = numbers.next() {
            let wait_ns = numbers.next().ok_or("a time is missing")?;
            tally.operations.push(Operation { ended_ns, wait_ns });
        }
        if rest.is_empty() { Ok(tally) } else { Err("half a time".into()) }
    }

    fn note<T>(&mut self, begun_ns: u64, outcome: Outcome<T>) -> Option<T> {
        let ended_ns = os::monotonic_ns();
        match outcome {
            Ok(value) => {
                self.operations.push(Operation { ended_ns, wait_ns: ended_ns - begun_ns });
                Some(value)
            }
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert_with(|| error.to_string());
                None
            }
        }
    }
}

/// Errors after which a loop gives up.
const ERRORS_MAX: usize = 100;

/// Claims and completes, one after another.
pub(super) fn run<C: Contestant>(contestant: &mut C, until: &Until<'_>) -> Tally {
    let started_ns = os::monotonic_ns();
    let operations = Vec::with_capacity(until.operations);
    let mut tally = Tally { started_ns, operations, errors: 0, first_error: None };
    let start = Instant::now();
    while tally.operations.len() < until.operations
        && tally.errors < ERRORS_MAX
        && start.elapsed() < until.patience
        && !(until.is_stopped)()
    {
        let begun_ns = os::monotonic_ns();
        let claimed = contestant.claim();
        if let Some(task) = tally.note(begun_ns, claimed) {
            let begun_ns = os::monotonic_ns();
            let done = contestant.done(task);
            tally.note(begun_ns, done);
        }
    }
    tally
}

/// Operations in a second of one loop that must not meet errors.
///
/// # Errors
/// The first error of the loop.
pub(super) fn rate<C: Contestant>(contestant: &mut C, operations: usize, patience: Duration) -> Outcome<f64> {
    let tally = run(contestant, &Until { operations, patience, is_stopped: &|| false });
    match (tally.first_error, tally.operations.last()) {
        (Some(error), _) => Err(error.into()),
        (None, None) => Err("nothing was measured".into()),
        (None, Some(last)) => {
            let elapsed_ns = (last.ended_ns - tally.started_ns).max(1);
            Ok(tally.operations.len() as f64 / (elapsed_ns as f64 / 1e9))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_never_the_same() {
        let mut keys = Keys::new();
        let drawn: std::collections::BTreeSet<String> = (0..1_000).map(|_| keys.next()).collect();
        assert_eq!(drawn.len(), 1_000);
        assert!(drawn.iter().all(|key| key.len() == 32));
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        let operations = vec![Operation { ended_ns: 9, wait_ns: 2 }, Operation { ended_ns: u64::MAX, wait_ns: 0 }];
        let tally = Tally { started_ns: 7, operations, ..Tally::default() };
        let bytes = tally.to_bytes();
        let read = Tally::from_bytes(&bytes).expect("read");
        assert_eq!((read.started_ns, read.operations), (7, tally.operations));
        assert!(Tally::from_bytes(&[]).is_err() && Tally::from_bytes(&bytes[..9]).is_err());
    }

    #[test]
    fn words_of_synchronous_are_read_back() {
        for sync in Syncing::ALL {
            assert_eq!(Syncing::parse(sync.word()).expect("its own word"), sync);
        }
        assert!(Syncing::parse("full").is_err());
    }
}
