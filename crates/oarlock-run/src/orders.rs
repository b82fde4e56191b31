//! Orders of a run to its workers: a line of JSON for each, on the worker's standard input. What cannot be read is passed over:
//! the two may be of different versions while a program is being replaced.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The longest line that is read.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub(crate) enum Order {
    /// Claim nothing more, and leave. The program that runs may go on for this long; then it is stopped and its task given back.
    HandOver {
        /// Milliseconds that the program may go on for.
        within_ms: u64,
        /// Why, for the agent and for the history of its task.
        why: String,
    },
    /// Claim nothing more, and leave when the program that runs has ended.
    Leave,
    /// Send this to the agent.
    Tell {
        /// The subject.
        subject: String,
        /// The message.
        text: String,
    },
}

impl Order {
    /// Writes the order to a worker. One that has ended hears nothing more.
    pub(crate) fn write(&self, to: &mut impl Write) {
        if let Ok(mut line) = serde_json::to_string(self) {
            line.push('\n');
            let _ = to.write_all(line.as_bytes());
        }
    }
}

/// Until when a program may go on, and why no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HandOver {
    pub(crate) until: Instant,
    pub(crate) why: String,
}

/// The orders that came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_leaving: bool,
    hand_over: Option<HandOver>,
    told: Vec<(String, String)>,
}

impl Orders {
    /// Those that come on standard input from now on. The thread that reads them ends with the process.
    pub(crate) fn from_stdin() -> Self {
        let orders = Self::default();
        let own = orders.clone();
        thread::spawn(move || own.read(BufReader::new(std::io::stdin())));
        orders
    }

    fn read(&self, mut from: impl BufRead) {
        let mut line = Vec::new();
        loop {
            line.clear();
            match from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    if let Ok(order) = serde_json::from_slice(&line) {
                        self.take(order);
                    }
                }
            }
        }
    }

    /// Takes an order into account.
    pub(crate) fn take(&self, order: Order) {
        let mut state = self.state();
        match order {
            Order::Leave => state.is_leaving = true,
            Order::HandOver { within_ms, why } => {
                state.is_leaving = true;
                let until = Instant::now().checked_add(Duration::from_millis(within_ms));
                if let (None, Some(until)) = (&state.hand_over, until) {
                    state.hand_over = Some(HandOver { until, why });
                }
            }
            Order::Tell { subject, text } => state.told.push((subject, text)),
        }
    }

    /// Whether nothing more is to be claimed.
    pub(crate) fn is_leaving(&self) -> bool {
        self.state().is_leaving
    }

    /// Until when the program may go on, if that is limited.
    pub(crate) fn hand_over(&self) -> Option<HandOver> {
        self.state().hand_over.clone()
    }

    /// Subjects and texts for the agent; each is given once.
    pub(crate) fn take_told(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.state().told)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_arrive_as_they_were_written_and_nonsense_is_passed_over() {
        let mut line = b"{\"order\":\"dance\"}\n\nnot JSON\n".to_vec();
        let tell = Order::Tell { subject: "budget".into(), text: "two\nlines".into() };
        tell.write(&mut line);
        line.extend([b'x'; 200_000]);
        line.push(b'\n');
        let orders = Orders::default();
        orders.read(line.as_slice());
        assert_eq!((orders.take_told(), orders.is_leaving()), (vec![("budget".to_owned(), "two\nlines".to_owned())], false));
        let mut line = Vec::new();
        Order::Leave.write(&mut line);
        orders.read(line.as_slice());
        assert!(orders.is_leaving() && orders.hand_over().is_none() && orders.take_told().is_empty());
    }

    #[test]
    fn the_first_time_to_hand_over_counts() {
        let orders = Orders::default();
        orders.take(Order::HandOver { within_ms: 0, why: "first".into() });
        orders.take(Order::HandOver { within_ms: 60_000, why: "second".into() });
        orders.take(Order::HandOver { within_ms: u64::MAX, why: "third".into() });
        let hand_over = orders.hand_over().expect("one came");
        assert!(hand_over.until <= Instant::now() && hand_over.why == "first");
        assert!(orders.is_leaving());
    }
}
