//! Signals that end a wait and not the call: what the call has done already is reported, with exit code 0.

use oarlock_client::interrupt::ends_waits;
use oarlock_ops::OpError;
use oarlock_run::Signals;
use std::sync::OnceLock;

static SIGNALS: OnceLock<Signals> = OnceLock::new();

/// From now on a signal that ends the process ends its wait instead.
///
/// # Errors
/// The kernel refuses a handler.
pub(crate) fn catch() -> Result<(), OpError> {
    // Should somebody have been faster, these are dropped, and the others stay.
    let _ = SIGNALS.set(Signals::install()?);
    ends_waits(|| SIGNALS.get().is_some_and(Signals::taken));
    Ok(())
}
