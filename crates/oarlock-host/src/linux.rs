//! The answers of Linux.

pub(crate) mod clock;
pub(crate) mod filesystem;
pub(crate) mod listener;
pub(crate) mod notifier;
pub(crate) mod process;
pub(crate) mod queue;
pub(crate) mod shared_state;

mod small_file;
