//! The answers of every other system: by what Rust's standard library and `sysinfo` report everywhere. They are slower and less fair than those
//! of Linux, and as right.

pub(crate) mod clock;
pub(crate) mod filesystem;
pub(crate) mod listener;
pub(crate) mod notifier;
pub(crate) mod process;
pub(crate) mod queue;
pub(crate) mod shared_state;
