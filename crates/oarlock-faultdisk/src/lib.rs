//! A disk that fails when it is asked to: a layer below SQLite ([`watch`]) that records writes and syncs, lets a chosen call
//! fail, or kills the process at it; and [`Power`], which reports from a record what a loss of power may have left. Development only.
//!
//! It knows nothing of Oarlock. The layer is a SQLite VFS in front of the system's own (sqlite.org/vfs.html); what may be lost
//! is what SQLite itself assumes of a disk (sqlite.org/atomiccommit.html, section 2; sqlite.org/psow.html).

mod power;
mod vfs;
mod watched;

pub use power::{Files, Kept, Power};
pub use vfs::signal_self;
pub use watched::{Call, Failure, Fault, Step, Watch, watch};
