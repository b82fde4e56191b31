//! A clock that goes only when it is asked to, for the tests of anyone who depends on time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Clock, HostId};

/// A settable clock; clones share one time, as threads and processes of one machine do.
#[derive(Clone, Debug)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// As the first time namespace of the boot sees it.
    monotonic_ms: i64,
    wall_ms: i64,
    skew_ms: i64,
    host: HostId,
}

impl ManualClock {
    /// Monotonic time 1,000,000 ms, the start of 2026, boot `boot-1` of host `host-1`.
    #[must_use]
    pub fn new() -> Self {
        let host = HostId {
            boot_id: "boot-1".to_owned(),
            time_namespace: "1".to_owned(),
            pid_namespace: "1".to_owned(),
            host: "host-1".to_owned(),
        };
        let state = State { monotonic_ms: 1_000_000, wall_ms: 1_767_225_600_000, skew_ms: 0, host };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Time passes: both clocks go on.
    pub fn advance_ms(&self, by_ms: i64) {
        let mut state = self.lock();
        state.monotonic_ms = state.monotonic_ms.saturating_add(by_ms);
        state.wall_ms = state.wall_ms.saturating_add(by_ms);
    }

    /// The wall clock steps, in either direction, or the machine sleeps: the monotonic clock does not see it.
    pub fn step_wall_ms(&self, by_ms: i64) {
        let mut state = self.lock();
        state.wall_ms = state.wall_ms.saturating_add(by_ms);
    }

    /// The machine starts again: another boot id, and the monotonic clock at the start. The wall clock stays.
    pub fn reboot(&self, boot_id: &str) {
        let mut state = self.lock();
        state.monotonic_ms = 0;
        state.skew_ms = 0;
        boot_id.clone_into(&mut state.host.boot_id);
    }

    /// Goes on in another time namespace, whose monotonic clock is ahead by `skew_ms`.
    pub fn enter_time_namespace(&self, name: &str, skew_ms: i64) {
        let mut state = self.lock();
        state.skew_ms = skew_ms;
        name.clone_into(&mut state.host.time_namespace);
    }

    /// Goes on as another host, or in other namespaces.
    pub fn set_host(&self, host: HostId) {
        self.lock().host = host;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of another thread between two assignments leaves a clock that still reports a time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn monotonic_ms(&self) -> i64 {
        let state = self.lock();
        state.monotonic_ms.saturating_add(state.skew_ms)
    }

    fn wall_ms(&self) -> i64 {
        self.lock().wall_ms
    }

    fn host(&self) -> HostId {
        self.lock().host.clone()
    }

    fn skew_ms(&self) -> i64 {
        self.lock().skew_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_goes_only_when_told() {
        let clock = ManualClock::new();
        let (monotonic, wall) = (clock.monotonic_ms(), clock.wall_ms());
        clock.clone().advance_ms(5);
        assert_eq!((clock.monotonic_ms(), clock.wall_ms()), (monotonic + 5, wall + 5));
        clock.step_wall_ms(-100);
        assert_eq!((clock.monotonic_ms(), clock.wall_ms()), (monotonic + 5, wall - 95));
        clock.enter_time_namespace("2", 1_000);
        assert_eq!(clock.monotonic_ms() - clock.skew_ms(), monotonic + 5);
        clock.reboot("boot-2");
        assert_eq!((clock.monotonic_ms(), clock.host().boot_id.as_str()), (0, "boot-2"));
    }
}
