//! Waiting for a store's notifiers, for the death of processes and for due times, in slices that let a signal be noticed.

use oarlock_host::notifier::Listener;
use oarlock_host::process::ProcessId;
use oarlock_ops::OpError;
use oarlock_ops::store::{Listening, Store, StoreError};
use oarlock_ops::topic::Topics;
use std::time::Duration;

/// The longest wait in one piece, in milliseconds. A signal interrupts a wait; only one that comes in the moment between
/// looking for it and beginning to wait is noticed this much later.
pub(crate) const SLICE_MS: i64 = 1_000;

/// Hears one store.
pub(crate) struct Watch {
    listening: Option<Box<dyn Listening>>,
    deaf: Listener,
}

impl Watch {
    /// Hears from now on; look at the store afterwards.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn new(store: &mut dyn Store, topics: Topics) -> Result<Self, OpError> {
        Ok(Self { listening: Some(store.listen(topics)?), deaf: Listener::deaf() })
    }

    /// Waits for a notifier, a death among `processes`, a signal, or `for_ms`, at most [`SLICE_MS`].
    ///
    /// # Errors
    /// The store is gone. From then on only deaths and the time end a wait.
    pub(crate) fn wait(&mut self, for_ms: i64, processes: &[String]) -> Result<(), OpError> {
        let for_ms = for_ms.clamp(1, SLICE_MS);
        let Some(listening) = &mut self.listening else {
            let processes: Vec<ProcessId> = processes.iter().filter_map(|text| ProcessId::parse(text).ok()).collect();
            let timeout = Duration::from_millis(for_ms.unsigned_abs());
            return self
                .deaf
                .wait(Some(timeout), &processes)
                .map(drop)
                .map_err(|error| OpError::Internal(format!("failed to wait: {error}")));
        };
        match listening.wait(for_ms, processes) {
            Ok(_) => Ok(()),
            Err(error) => {
                self.listening = None;
                Err(error.into())
            }
        }
    }
}

/// Whether the store may be there again by itself: it is busy, or cannot be written now.
pub(crate) fn is_passing(error: &OpError) -> bool {
    matches!(error, OpError::Store(StoreError::Busy(_) | StoreError::Unavailable { .. }))
}

/// Whether trying the same again may help.
pub(crate) fn is_busy(error: &OpError) -> bool {
    matches!(error, OpError::Store(StoreError::Busy(_)))
}

/// Whether the store itself is away, so that no later try can succeed.
pub(crate) fn is_gone(error: &OpError) -> bool {
    matches!(error, OpError::Store(StoreError::Gone { .. }))
}
