//! Memory that all processes of one store share, where the system has it: the queue at the fair lock, and who listens to which notifier.

pub use crate::system::shared_state::SharedState;

/// Whether this system has such memory at all. Where it has, one handle may still be without: its disk is full, or its sandbox forbids it.
pub const IS_SHARED: bool = crate::system::shared_state::IS_SHARED;
