//! What the operating system tells us: clocks, processes and their deaths, locks, wake-ups between processes,
//! and the kind of a file system. It knows no SQL, no rules and nothing of tasks.
//!
//! The platform is Linux 5.3 or later (`/proc`, file locks, futexes, inotify, pidfd). Other
//! systems answer the same questions by other means and are refused here rather than answered wrongly.

#[cfg(not(target_os = "linux"))]
compile_error!("oarlock-host reads /proc and uses inotify, pidfd and futexes: it builds for Linux only");

pub mod bell;
pub mod board;
pub mod clock;
pub mod filesystem;
pub mod gate;
pub mod owner;
pub mod process;
pub mod space;

mod small_file;
#[cfg(test)]
mod testing;
