//! The constants that all processes of the crash test share.

use oarlock_sqlite::{Options, Synchronous};
use rustix::time::{ClockId, clock_gettime};

/// How long a lease holds; the shortest there is.
pub(super) const TTL_MS: u64 = 1_000;

/// After this long, other tasks and entries are used, so that no history becomes long.
pub(super) const ROUND_MS: u64 = 400;

/// The settings of commits: loss of power is tested elsewhere; here, many calls matter.
pub(super) fn options() -> Options {
    Options { synchronous: Synchronous::Normal, ..Options::default() }
}

/// The monotonic clock, which is the same for all processes, in nanoseconds.
pub(super) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
