//! Memory that all processes of one store share, where the system has it: the queue at the gate, and who listens to which bell.

pub use crate::system::board::Board;

/// Whether this system has such memory at all. Where it has, one handle may still be without: its disk is full, or its sandbox forbids it.
pub const IS_SHARED: bool = crate::system::board::IS_SHARED;
