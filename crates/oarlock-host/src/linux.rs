//! The answers of Linux.

pub(crate) mod bell;
pub(crate) mod board;
pub(crate) mod clock;
pub(crate) mod filesystem;
pub(crate) mod listener;
pub(crate) mod process;
pub(crate) mod queue;

mod small_file;
