//! Interruptions that end a wait and not the call: what the call has done already is reported, with exit code 0.

use oarlock_ops::lock::Lock;
use oarlock_ops::outside::Outside;
use oarlock_ops::owners::Owners;
use oarlock_ops::store::{Durability, Listening, Store, StoreError, StoreResult, Transaction, View};
use oarlock_ops::topic::Topics;

use crate::opening::OpenStore;
use std::sync::Arc;
use std::sync::OnceLock;

/// The flag that reports whether this process was interrupted.
static ASKED: OnceLock<fn() -> bool> = OnceLock::new();

/// From now on a wait for what others do ends as soon as `is_interrupted` says so. It is asked by the thread that waits; the first one counts.
pub fn ends_waits(is_interrupted: fn() -> bool) {
    let _ = ASKED.set(is_interrupted);
}

/// The same for every wait, also for a lock of RALF's files. This is for programs that catch signals themselves.
pub fn while_waiting(is_interrupted: fn() -> bool) {
    oarlock_ralf::while_waiting(is_interrupted);
    ends_waits(is_interrupted);
}

/// Whether a signal came since this was last asked.
fn came() -> bool {
    ASKED.get().is_some_and(|is_interrupted| is_interrupted())
}

/// Waits for a signal; for ever where none is caught.
pub(crate) async fn wanted() {
    /// A handler can only set a flag, so that is looked at.
    const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(50);
    if ASKED.get().is_none() {
        return std::future::pending().await;
    }
    while !came() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A store whose waits are ended by signals, if these are caught.
pub(crate) struct Interruptible(pub(crate) OpenStore);

impl Store for Interruptible {
    fn is_read_only(&self) -> bool {
        self.0.is_read_only()
    }

    fn owners(&mut self) -> Box<dyn Owners> {
        self.0.owners()
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
