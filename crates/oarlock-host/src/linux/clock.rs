//! The clocks and the identity of a Linux machine.

use rustix::time::{ClockId, clock_gettime};

use super::small_file;

/// Milliseconds of `CLOCK_MONOTONIC`.
pub(crate) fn monotonic_ms() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

/// `/etc/machine-id`, else the host name.
pub(crate) fn host() -> String {
    let machine_id = small_file::text_or_empty("/etc/machine-id");
    let is_id = machine_id.len() == 32 && machine_id.bytes().all(|b| b.is_ascii_hexdigit());
    if is_id { machine_id } else { host_name() }
}

/// The name of the machine.
pub(crate) fn host_name() -> String {
    small_file::text_or_empty("/proc/sys/kernel/hostname")
}

/// The number of our time namespace.
pub(crate) fn time_namespace() -> String {
    small_file::namespace("/proc/self/ns/time")
}

/// The random id that the kernel drew when it started.
pub(crate) fn boot_id() -> String {
    small_file::text_or_empty("/proc/sys/kernel/random/boot_id")
}

/// The number of our pid namespace.
pub(crate) fn pid_namespace() -> String {
    small_file::namespace("/proc/self/ns/pid")
}

/// The offset in nanoseconds of the clock `name` (`monotonic` or `boottime`) of our time namespace. The file reports
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

#[cfg(test)]
mod tests {
    use super::*;

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
