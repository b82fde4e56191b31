//! Interruptions that end a wait and not the call: what the call has done already is told, with exit code 0.

use oarlock_ops::OpError;
use oarlock_ops::lock::Lock;
use oarlock_ops::outside::Outside;
use oarlock_ops::store::{Durability, Listening, Store, StoreError, StoreResult, Transaction, View};
use oarlock_ops::topic::Topics;
use oarlock_run::Signals;
use std::sync::Arc;
use std::sync::OnceLock;

static SIGNALS: OnceLock<Signals> = OnceLock::new();

/// From now on a signal that ends the process ends its wait instead.
///
/// # Errors
/// The kernel refuses a handler.
pub(crate) fn catch() -> Result<(), OpError> {
    // Should somebody have been faster, these are dropped, and the others stay.
    let _ = SIGNALS.set(Signals::install()?);
    Ok(())
}

/// What another program asks whether it was interrupted.
static ASKED: OnceLock<fn() -> bool> = OnceLock::new();

/// From now on a wait, for a lock of RALF's files or for what others do, ends as soon as `is_interrupted` says so. This is for programs that catch
/// signals themselves; it is asked by the thread that waits.
pub fn while_waiting(is_interrupted: fn() -> bool) {
    oarlock_ralf::while_waiting(is_interrupted);
    let _ = ASKED.set(is_interrupted);
}

/// Whether a signal came since this was last asked.
fn came() -> bool {
    SIGNALS.get().is_some_and(Signals::taken) || ASKED.get().is_some_and(|is_interrupted| is_interrupted())
}

/// Waits for a signal; for ever where none is caught.
#[cfg(feature = "gateway")]
pub(crate) async fn wanted() {
    /// A handler can only set a flag, so that is looked at.
    const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(50);
    while !came() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A store whose waits are ended by signals, if these are caught.
#[derive(Debug)]
pub(crate) struct Interruptible<S>(pub(crate) S);

impl<S: Store> Store for Interruptible<S> {
    fn is_read_only(&self) -> bool {
        self.0.is_read_only()
    }

    fn outside(&self) -> Option<Arc<dyn Outside>> {
        self.0.outside()
    }

    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        self.0.begin(locks, durability)
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.0.snapshot()
    }

    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        Ok(Box::new(InterruptibleListening(self.0.listen(topics)?)))
    }
}

struct InterruptibleListening(Box<dyn Listening>);

impl Listening for InterruptibleListening {
    fn wait(&mut self, for_ms: i64, owners: &[String]) -> StoreResult<()> {
        if came() {
            return Err(StoreError::Interrupted);
        }
        self.0.wait(for_ms, owners)?;
        if came() { Err(StoreError::Interrupted) } else { Ok(()) }
    }
}
