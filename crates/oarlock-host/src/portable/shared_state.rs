//! There is no shared memory: the fair lock is open to all, every notifier is rung, and nobody remembers where a log ended.

use std::convert::Infallible;
use std::io;
use std::path::Path;

/// Whether there is such memory.
pub(crate) const IS_SHARED: bool = false;

/// The shared state that no store has here.
#[derive(Clone, Debug)]
pub struct SharedState(Infallible);

impl SharedState {
    /// None, always.
    ///
    /// # Errors
    /// None here; the signature is that of all systems.
    pub fn open(_path: &Path, _make: bool) -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// The highest number reported by [`SharedState::saw`].
    #[must_use]
    pub fn seen(&self, _of: u64) -> u64 {
        match self.0 {}
    }

    /// Reports a number that will not become lower.
    pub fn saw(&self, _of: u64, _number: u64) {
        match self.0 {}
    }

    /// A number that is another one at each call.
    #[must_use]
    pub fn turn(&self) -> u64 {
        match self.0 {}
    }

    /// The device and number of the shared state's own file.
    ///
    /// # Errors
    /// None here; the signature is that of all systems.
    pub fn file_id(&self) -> io::Result<(u64, u64)> {
        match self.0 {}
    }

    /// Whether anybody listens to one of these notifiers.
    pub(crate) fn is_heard(&self, _notifiers: u32) -> bool {
        match self.0 {}
    }

    /// There is no shared state here, so nothing is ever called on one.
    pub(super) fn never(&self) -> ! {
        match self.0 {}
    }
}
