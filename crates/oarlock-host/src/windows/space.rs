//! The room on a disk, by `GetDiskFreeSpaceExW`.

use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;

/// The bytes that this user can still write on the volume of `path`, a directory.
///
/// # Errors
/// The path does not exist or cannot be reached.
#[expect(unsafe_code, reason = "a call of the system")]
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let mut free = 0_u64;
    // SAFETY: the name ends with a zero, and the call writes one number, which lives over it.
    let done = unsafe { GetDiskFreeSpaceExW(name.as_ptr(), &raw mut free, std::ptr::null_mut(), std::ptr::null_mut()) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(free) }
}
