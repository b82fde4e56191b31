//! Time as this machine reports it, and which machine, boot and namespaces it is reported in. Agreement between
//! processes on one store time is the business of the store.

mod manual;

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub use manual::ManualClock;

use crate::system;

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

/// Where a process runs. A field is empty when the system does not say it; an empty field proves nothing,
/// neither sameness nor difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HostId {
    /// Distinguishes this start of the machine from all others: on Linux the random id that the kernel drew (`/proc/sys/kernel/random/boot_id`), on macOS
    /// `kern.bootsessionuuid`, on Windows the number of the boot in the registry.
    pub boot_id: String,
    /// The number of the time namespace, in which the monotonic clock may be shifted.
    pub time_namespace: String,
    /// The number of the pid namespace, in which a pid means something; 0 on systems that have only one.
    pub pid_namespace: String,
    /// The machine across boots: `/etc/machine-id`, on Windows `MachineGuid`, else the host name.
    pub host: String,
}

/// Milliseconds of the monotonic clock (`CLOCK_MONOTONIC`; on macOS `CLOCK_UPTIME_RAW`, on Windows the unbiased interrupt time): never steps, stops while the machine sleeps, starts again at each boot,
/// and is shifted by a constant in each time namespace.
#[must_use]
pub fn monotonic_ms() -> i64 {
    system::clock::monotonic_ms()
}

/// Unix time in milliseconds, for people and for dates. It may step in either direction.
#[must_use]
pub fn wall_ms() -> i64 {
    let ms = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => ms(since),
        Err(before) => -ms(before.duration()),
    }
}

/// By how many milliseconds the monotonic clock of this time namespace is ahead of the first namespace's of this
/// boot: `monotonic_ms() - time_namespace_skew_ms()` is the same in all of them (time_namespaces(7)).
///
/// 0 where there are no time namespaces. Also 0, possibly wrongly, in the one case in which the kernel does not say:
/// a process that made a new time namespace for its children and stayed in its own.
#[must_use]
pub fn time_namespace_skew_ms() -> i64 {
    system::clock::offset_ns("monotonic") / 1_000_000
}

/// The name of the machine; empty if it is unknown.
#[must_use]
pub fn host_name() -> String {
    system::clock::host_name()
}

impl HostId {
    /// Reads it again; on Linux a few small reads in `/proc`, some tens of microseconds.
    #[must_use]
    pub fn read() -> Self {
        use system::clock::{boot_id, host, pid_namespace, time_namespace};
        Self { boot_id: boot_id(), time_namespace: time_namespace(), pid_namespace: pid_namespace(), host: host() }
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
}
