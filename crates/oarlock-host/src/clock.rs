//! Time as this machine tells it, and which machine, boot and namespaces it is told in. Agreement between
//! processes on one store time is the business of the store.

mod manual;

use std::fmt;
use std::sync::Arc;

use rustix::time::{ClockId, Timespec, clock_gettime};

pub use manual::ManualClock;

use crate::small_file;

/// The source of time and identity of the machine; replaced in tests by [`ManualClock`].
pub trait Clock: fmt::Debug + Send + Sync {
    /// As [`monotonic_ms`].
    fn monotonic_ms(&self) -> i64;
    /// As [`wall_ms`].
    fn wall_ms(&self) -> i64;
    /// As [`HostId::read`].
    fn host(&self) -> HostId;
    /// As [`time_namespace_skew_ms`].
    fn skew_ms(&self) -> i64;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// Where a process runs. A field is empty when the system does not tell it; an empty field proves nothing,
/// neither sameness nor difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HostId {
    /// The random id the kernel drew when it started (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
    /// The number of the time namespace, in which the monotonic clock may be shifted.
    pub time_namespace: String,
    /// The number of the pid namespace, in which a pid means something.
    pub pid_namespace: String,
    /// The machine across boots: `/etc/machine-id`, else the host name.
    pub host: String,
}

/// Milliseconds of `CLOCK_MONOTONIC`: never steps, stands still while the machine sleeps, starts anew at each boot,
/// and is shifted by a constant in each time namespace.
#[must_use]
pub fn monotonic_ms() -> i64 {
    milliseconds(clock_gettime(ClockId::Monotonic))
}

/// Unix time in milliseconds, for people and for dates. It may step in either direction.
#[must_use]
pub fn wall_ms() -> i64 {
    milliseconds(clock_gettime(ClockId::Realtime))
}

/// By how many milliseconds the monotonic clock of this time namespace is ahead of the first namespace's of this
/// boot: `monotonic_ms() - time_namespace_skew_ms()` is the same in all of them (time_namespaces(7)).
///
/// 0 where there are no time namespaces. Also 0, possibly wrongly, in the one case in which the kernel does not tell:
/// a process that made a new time namespace for its children and stayed in its own.
#[must_use]
pub fn time_namespace_skew_ms() -> i64 {
    offset_ns("monotonic") / 1_000_000
}

impl HostId {
    /// Reads it anew; a few small reads in `/proc`, some tens of microseconds.
    #[must_use]
    pub fn read() -> Self {
        let machine_id = small_file::text_or_empty("/etc/machine-id");
        let is_id = machine_id.len() == 32 && machine_id.bytes().all(|b| b.is_ascii_hexdigit());
        let host = if is_id { machine_id } else { small_file::text_or_empty("/proc/sys/kernel/hostname") };
        Self { boot_id: boot_id(), time_namespace: small_file::namespace("/proc/self/ns/time"), pid_namespace: pid_namespace(), host }
    }
}

impl Clock for SystemClock {
    fn monotonic_ms(&self) -> i64 {
        monotonic_ms()
    }

    fn wall_ms(&self) -> i64 {
        wall_ms()
    }

    fn host(&self) -> HostId {
        HostId::read()
    }

    fn skew_ms(&self) -> i64 {
        time_namespace_skew_ms()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn monotonic_ms(&self) -> i64 {
        (**self).monotonic_ms()
    }

    fn wall_ms(&self) -> i64 {
        (**self).wall_ms()
    }

    fn host(&self) -> HostId {
        (**self).host()
    }

    fn skew_ms(&self) -> i64 {
        (**self).skew_ms()
    }
}

pub(crate) fn boot_id() -> String {
    small_file::text_or_empty("/proc/sys/kernel/random/boot_id")
}

pub(crate) fn pid_namespace() -> String {
    small_file::namespace("/proc/self/ns/pid")
}

/// The offset in nanoseconds of the clock `name` (`monotonic` or `boottime`) of our time namespace. The file tells
/// that of the namespace for our children, so it counts only while the two are the same.
pub(crate) fn offset_ns(name: &str) -> i64 {
    let own = small_file::namespace("/proc/self/ns/time");
    if own.is_empty() || own != small_file::namespace("/proc/self/ns/time_for_children") {
        return 0;
    }
    parse_offset_ns(&small_file::text_or_empty("/proc/self/timens_offsets"), name).unwrap_or(0)
}

/// One line a clock: its name, whole seconds (signed), nanoseconds.
fn parse_offset_ns(text: &str, name: &str) -> Option<i64> {
    let mut fields = text.lines().map(str::split_whitespace).find_map(|mut fields| {
        let is_wanted = fields.next() == Some(name);
        is_wanted.then_some(fields)
    })?;
    let seconds: i64 = fields.next()?.parse().ok()?;
    let nanoseconds: i64 = fields.next()?.parse().ok()?;
    Some(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
}

fn milliseconds(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_clock_goes_forward_and_knows_its_host() {
        let (before, host) = (monotonic_ms(), SystemClock.host());
        assert!(SystemClock.monotonic_ms() >= before && before > 0);
        assert!(wall_ms() > 1_700_000_000_000);
        assert_eq!(host, HostId::read());
        assert_eq!(host.boot_id.len(), 36, "a boot id is a UUID");
        assert!(host.pid_namespace.bytes().all(|b| b.is_ascii_digit()) && !host.pid_namespace.is_empty());
    }

    #[test]
    fn offsets_of_a_time_namespace_are_read() {
        let text = "monotonic           -2         500000000\nboottime             7         1";
        assert_eq!(parse_offset_ns(text, "monotonic"), Some(-1_500_000_000));
        assert_eq!(parse_offset_ns(text, "boottime"), Some(7_000_000_001));
        assert_eq!(parse_offset_ns(text, "realtime"), None);
        assert_eq!(parse_offset_ns("monotonic x y", "monotonic"), None);
        assert_eq!(parse_offset_ns("monotonic 9223372036854775807 1", "monotonic"), Some(i64::MAX));
    }
}
