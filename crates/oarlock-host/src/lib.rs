//! The operating system's services: clocks, processes and their deaths, locks, wake-ups between processes,
//! files and the kind of a file system. It knows no SQL, no rules and nothing of tasks.
//!
//! Every question has one module here, and what differs between systems is in two pairs of modules behind it:
//!
//! - `linux` (5.3 or later: `/proc`, futexes, inotify, pidfd) and `portable`, which answers the same for every other system:
//!   without a queue at the fair lock, by looking at the notifiers every few milliseconds, and at processes through `sysinfo`.
//! - `unix` (process groups, signals, permission bits) and `windows` (job objects, none of the bits).
//!
//! The feature `portable` takes the portable answers on Linux too, so that they are tested where the tests run.

#[cfg(all(target_os = "linux", not(feature = "portable")))]
mod linux;
#[cfg(all(target_os = "linux", not(feature = "portable")))]
use linux as system;
#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
mod portable;
#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
use portable as system;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as family;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as family;

pub mod clock;
pub mod fair_lock;
pub mod file;
pub mod filesystem;
pub mod notifier;
pub mod owner;
pub mod process;
pub mod random;
pub mod shared_state;
pub mod space;

#[cfg(test)]
mod testing;
