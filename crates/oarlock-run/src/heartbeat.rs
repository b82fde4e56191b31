//! The heartbeat of a worker: a thread with its own store handle, so that a busy or blocked worker keeps its leases.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oarlock_ops::OpError;
use oarlock_ops::agent::Heartbeat;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;

use crate::Stores;
use crate::watch::is_passing;

/// The longest pause between two beats: what people and `agents` see is never older.
const INTERVAL_MAX: Duration = Duration::from_secs(30);

/// One agent's heartbeat.
#[derive(Debug)]
pub(crate) struct Heart {
    caller: Caller,
    interval: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    stop: bool,
    fault: Option<OpError>,
    /// When the leases were renewed last.
    renewed_at: Instant,
}

/// How often to beat: thrice within the agent's timeout and within a lease, so that two may fail.
pub(crate) fn interval(timeout_ms: i64, ttl_ms: i64) -> Duration {
    let third = Duration::from_millis((timeout_ms.min(ttl_ms) / 3).unsigned_abs());
    third.clamp(Duration::from_millis(100), INTERVAL_MAX)
}

impl Heart {
    /// A heart of this session that does not beat yet.
    pub(crate) fn new(caller: Caller, interval: Duration) -> Self {
        Self {
            caller,
            interval,
            state: Mutex::new(State { stop: false, fault: None, renewed_at: Instant::now() }),
            changed: Condvar::new(),
        }
    }

    /// Beats until it is stopped, or until the session is over or the store is gone: then there is a fault. A store that cannot be written
    /// now is tried again: nobody else can take what this session holds as long as that lasts.
    pub(crate) fn beat(&self, stores: &dyn Stores, settings: &Settings) {
        if let Err(fault) = self.beat_on(stores, settings) {
            self.state().fault = Some(fault);
        }
    }

    /// Ends [`Heart::beat`] when it is dropped.
    pub(crate) fn stopper(&self) -> Stopper<'_> {
        Stopper(self)
    }

    /// When the leases of the session were renewed last, as far as is known here.
    pub(crate) fn renewed_at(&self) -> Instant {
        self.state().renewed_at
    }

    /// Why it stopped beating by itself; reported once.
    pub(crate) fn take_fault(&self) -> Option<OpError> {
        self.state().fault.take()
    }

    fn beat_on(&self, stores: &dyn Stores, settings: &Settings) -> Result<(), OpError> {
        let mut store = stores.open()?;
        loop {
            let (state, _) =
                self.changed.wait_timeout_while(self.state(), self.interval, |state| !state.stop).unwrap_or_else(PoisonError::into_inner);
            if state.stop {
                return Ok(());
            }
            drop(state);
            let at = Instant::now();
            match call::mutate(&mut *store, &self.caller, settings, &Heartbeat::default()) {
                // The worker sees a lost or cancelled task itself, sooner than this reply reports it.
                Ok(_) => self.state().renewed_at = at,
                Err(error) if is_passing(&error) => {}
                Err(fault) => return Err(fault),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Heart::stopper`].
pub(crate) struct Stopper<'a>(&'a Heart);

impl Drop for Stopper<'_> {
    fn drop(&mut self) {
        self.0.state().stop = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_come_thrice_within_whatever_is_shortest() {
        assert_eq!(interval(120_000, 900_000), Duration::from_secs(30));
        assert_eq!(interval(120_000, 6_000), Duration::from_secs(2));
        assert_eq!(interval(9_000, 900_000), Duration::from_secs(3));
        assert_eq!(interval(1, 1), Duration::from_millis(100));
    }
}
