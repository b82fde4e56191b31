//! The clocks and the identity of a machine that is no Linux.

use sysinfo::System;

/// Milliseconds of a clock that never steps, stops while the machine sleeps, and is one for all processes of a boot. (What
/// [`std::time::Instant`] shows is the same on each system but has no number.)
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(crate) fn monotonic_ms() -> i64 {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

/// As above. The monotonic clock of macOS goes on while the machine sleeps; this one does not (clock_gettime(3), macOS).
#[cfg(target_vendor = "apple")]
#[expect(unsafe_code, reason = "rustix does not have this clock")]
pub(crate) fn monotonic_ms() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it fills one structure, which lives over the call.
    let _ = unsafe { libc::clock_gettime(libc::CLOCK_UPTIME_RAW, &raw mut time) };
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

/// As above: the interrupt time without the time asleep, in units of 100 ns (`QueryUnbiasedInterruptTime`).
#[cfg(windows)]
#[expect(unsafe_code, reason = "a call of the system")]
pub(crate) fn monotonic_ms() -> i64 {
    let mut units = 0_u64;
    // SAFETY: it writes one number, which lives over the call.
    let _ = unsafe { windows_sys::Win32::System::WindowsProgramming::QueryUnbiasedInterruptTime(&raw mut units) };
    i64::try_from(units / 10_000).unwrap_or(i64::MAX)
}

/// The identity of this boot; empty where the system has none.
pub(crate) fn boot_id() -> String {
    #[cfg(target_vendor = "apple")]
    let id = session_of_boot();
    #[cfg(windows)]
    let id = windows_registry::LOCAL_MACHINE
        .open(r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters")
        .and_then(|key| key.get_u32("BootId"))
        .map(|number| number.to_string());
    #[cfg(target_os = "linux")]
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    #[cfg(not(any(target_vendor = "apple", windows, target_os = "linux")))]
    let id = Err::<String, ()>(());
    id.map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// `kern.bootsessionuuid` (sysctl(3)): drawn at each start.
#[cfg(target_vendor = "apple")]
#[expect(unsafe_code, reason = "a call of the system")]
fn session_of_boot() -> Result<String, std::string::FromUtf8Error> {
    let mut bytes = [0_u8; 64];
    let mut length = bytes.len();
    // SAFETY: it writes at most `length` bytes, and the name ends with a zero.
    let result = unsafe {
        libc::sysctlbyname(c"kern.bootsessionuuid".as_ptr(), bytes.as_mut_ptr().cast(), &raw mut length, std::ptr::null_mut(), 0)
    };
    let told = if result == 0 { &bytes[..length.min(bytes.len())] } else { &[] };
    String::from_utf8(told.iter().copied().take_while(|byte| *byte != 0).collect())
}

/// There is one set of pids for all.
pub(crate) fn pid_namespace() -> String {
    "0".to_owned()
}

/// There is one monotonic clock for all.
pub(crate) fn time_namespace() -> String {
    "0".to_owned()
}

/// No clock is shifted.
pub(crate) fn offset_ns(_clock: &str) -> i64 {
    0
}

/// `MachineGuid` on Windows, else the host name.
pub(crate) fn host() -> String {
    #[cfg(windows)]
    if let Ok(id) = windows_registry::LOCAL_MACHINE.open(r"SOFTWARE\Microsoft\Cryptography").and_then(|key| key.get_string("MachineGuid")) {
        return id;
    }
    host_name()
}

/// The name of the machine.
pub(crate) fn host_name() -> String {
    System::host_name().unwrap_or_default()
}
