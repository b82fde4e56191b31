//! Numbers of a run that all files here use.

use std::time::Duration;

/// The parts of a run.
pub(super) const PARTS: usize = 5;
/// Agents that work on them, where workers are processes of their own.
pub(super) const AGENTS: usize = 3;
/// How often it is looked whether processes have ended.
pub(super) const LOOK: Duration = Duration::from_millis(10);
