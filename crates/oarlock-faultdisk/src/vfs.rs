//! The layer below SQLite: each call is passed on to the system's own VFS, unless the watch over its file decides otherwise.
#![expect(unsafe_code, reason = "SQLite's interface is C")]

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Once};

use libc::{c_char, c_int, c_void};
use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use crate::watched::{Call, Fate, Step, Watched, over};

/// The system's own VFS.
static SYSTEM: AtomicPtr<sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

/// Puts the layer in front of the system's VFS, once.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: SQLite initializes itself at the first call of its interface; without a name it gives its default, which lives for ever.
        let system = unsafe {
            ffi::sqlite3_initialize();
            ffi::sqlite3_vfs_find(ptr::null())
        };
        assert!(!system.is_null(), "SQLite has a default VFS");
        SYSTEM.store(system, Ordering::SeqCst);
        // SAFETY: it was just found. Methods that are not replaced here do not look at the VFS that it is called with, except for
        // `pAppData`, which is copied too (sqlite3.c, os_unix.c).
        let mut layer = unsafe { *system };
        layer.szOsFile += size_of::<File>() as c_int;
        layer.pNext = ptr::null_mut();
        layer.zName = c"oarlock-faultdisk".as_ptr();
        layer.xOpen = Some(open);
        layer.xDelete = Some(delete);
        layer.xAccess = Some(access);
        // SAFETY: it is leaked, because SQLite keeps it.
        let registered = unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(layer)), 1) };
        assert_eq!(registered, ffi::SQLITE_OK, "SQLite takes another VFS");
    });
}

/// Sends this process a signal.
pub fn signal_self(signal: c_int) {
    // SAFETY: it only sends a signal.
    unsafe { libc::raise(signal) };
}

/// An open file as SQLite sees it; the system's own follows it in memory.
#[repr(C)]
struct File {
    base: sqlite3_file,
    watched: *mut (Arc<Watched>, String),
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};

/// The system's file behind one of ours.
///
/// SAFETY: `file` was opened by `open`, or is about to be: then SQLite gave `szOsFile` bytes for it.
unsafe fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    unsafe { file.cast::<File>().add(1).cast() }
}

/// The watch over a file.
///
/// SAFETY: `file` was opened by `open` and not closed since.
unsafe fn watched<'a>(file: *mut sqlite3_file) -> Option<&'a (Arc<Watched>, String)> {
    unsafe { (*file.cast::<File>()).watched.as_ref() }
}

/// SAFETY: as [`watched`].
unsafe fn fate(file: *mut sqlite3_file, call: Call) -> Fate {
    unsafe { watched(file) }.map_or(Fate::Passes, |(watched, _)| watched.fate(call))
}

/// Ends a call that changes a file: what it did is noted, and the signal sent that was to follow it.
///
/// SAFETY: as [`watched`].
unsafe fn made(file: *mut sqlite3_file, fate: Fate, code: c_int, step: impl FnOnce(String) -> Step) -> c_int {
    if code == ffi::SQLITE_OK
        && let Some((watched, name)) = unsafe { watched(file) }
    {
        watched.note(step(name.clone()));
    }
    if let Fate::SignalAfter(signal) = fate {
        signal_self(signal);
    }
    code
}

/// Calls a method of the system's file.
macro_rules! system {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let file = inner($file);
        match (*(*file).pMethods).$method {
            Some(method) => method(file $(, $argument)*),
            None => unreachable!("the system's VFS has all methods of version 3"),
        }
    }};
}

/// A path as SQLite gives it; none for temporary files.
///
/// SAFETY: `name` is null or ends with a zero.
unsafe fn watch_over(name: *const c_char) -> Option<(Arc<Watched>, String)> {
    if name.is_null() {
        return None;
    }
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes();
    over(Path::new(OsStr::from_bytes(bytes)))
}

unsafe extern "C" fn open(_: *mut sqlite3_vfs, name: *const c_char, file: *mut sqlite3_file, flags: c_int, out: *mut c_int) -> c_int {
    unsafe {
        (*file).pMethods = ptr::null();
        let watched = watch_over(name);
        if let Some((watch, _)) = &watched
            && let Fate::Fails(code) = watch.fate(Call::Open)
        {
            return code;
        }
        let system = SYSTEM.load(Ordering::SeqCst);
        let Some(system_open) = (*system).xOpen else { return ffi::SQLITE_INTERNAL };
        let code = system_open(system, name, inner(file), flags, out);
        if code == ffi::SQLITE_OK {
            let ours = file.cast::<File>();
            (*ours).watched = watched.map_or(ptr::null_mut(), |watched| Box::into_raw(Box::new(watched)));
            (*ours).base.pMethods = &raw const METHODS;
        }
        code
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    unsafe {
        let watched = watch_over(name);
        let fate = watched.as_ref().map_or(Fate::Passes, |(watched, _)| watched.fate(Call::Delete));
        if let Fate::Fails(code) = fate {
            return code;
        }
        let system = SYSTEM.load(Ordering::SeqCst);
        let Some(system_delete) = (*system).xDelete else { return ffi::SQLITE_INTERNAL };
        let code = system_delete(system, name, sync_dir);
        if code == ffi::SQLITE_OK
            && let Some((watched, name)) = watched
        {
            watched.note(Step::Delete { file: name });
        }
        if let Fate::SignalAfter(signal) = fate {
            signal_self(signal);
        }
        code
    }
}

unsafe extern "C" fn access(_: *mut sqlite3_vfs, name: *const c_char, flags: c_int, out: *mut c_int) -> c_int {
    unsafe {
        if let Some((watched, _)) = watch_over(name)
            && let Fate::Fails(code) = watched.fate(Call::Access)
        {
            return code;
        }
        let system = SYSTEM.load(Ordering::SeqCst);
        let Some(system_access) = (*system).xAccess else { return ffi::SQLITE_INTERNAL };
        system_access(system, name, flags, out)
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    unsafe {
        let code = system!(file, xClose);
        let watched = (*file.cast::<File>()).watched;
        if !watched.is_null() {
            drop(Box::from_raw(watched));
        }
        code
    }
}

unsafe extern "C" fn read(file: *mut sqlite3_file, to: *mut c_void, count: c_int, offset: i64) -> c_int {
    unsafe {
        match fate(file, Call::Read) {
            Fate::Fails(code) => code,
            _ => system!(file, xRead, to, count, offset),
        }
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, count: c_int, offset: i64) -> c_int {
    unsafe {
        let fate = fate(file, Call::Write);
        let (count, refused) = match fate {
            Fate::Fails(code) => return code,
            Fate::HalfWritten(code) => (count / 2, Some(code)),
            _ => (count, None),
        };
        let code = system!(file, xWrite, from, count, offset);
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(count).unwrap_or(0));
        let step = |file| Step::Write { file, offset: offset.unsigned_abs(), bytes: bytes.to_vec() };
        let code = made(file, fate, code, step);
        refused.unwrap_or(code)
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    unsafe {
        let fate = fate(file, Call::Truncate);
        if let Fate::Fails(code) = fate {
            return code;
        }
        let code = system!(file, xTruncate, size);
        made(file, fate, code, |file| Step::Truncate { file, size: size.unsigned_abs() })
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    unsafe {
        let fate = fate(file, Call::Sync);
        if let Fate::Fails(code) = fate {
            return code;
        }
        // A record is a disk of its own: the real one need not be waited for.
        let is_recorded = watched(file).is_some_and(|(watched, _)| watched.is_recording());
        let code = if is_recorded { ffi::SQLITE_OK } else { system!(file, xSync, flags) };
        made(file, fate, code, |file| Step::Sync { file })
    }
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, out: *mut i64) -> c_int {
    unsafe {
        match fate(file, Call::Size) {
            Fate::Fails(code) => code,
            _ => system!(file, xFileSize, out),
        }
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    unsafe {
        match fate(file, Call::Lock) {
            Fate::Fails(code) => code,
            _ => system!(file, xLock, level),
        }
    }
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    unsafe { system!(file, xUnlock, level) }
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    unsafe { system!(file, xCheckReservedLock, out) }
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    unsafe { system!(file, xFileControl, what, argument) }
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    unsafe { system!(file, xSectorSize) }
}

unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    unsafe { system!(file, xDeviceCharacteristics) }
}

unsafe extern "C" fn shm_map(file: *mut sqlite3_file, region: c_int, size: c_int, extend: c_int, out: *mut *mut c_void) -> c_int {
    unsafe {
        match fate(file, Call::MapShared) {
            Fate::Fails(code) => code,
            _ => system!(file, xShmMap, region, size, extend, out),
        }
    }
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    unsafe {
        // Giving a lock back does not fail.
        match fate_of_lock(file, flags) {
            Fate::Fails(code) => code,
            _ => system!(file, xShmLock, offset, count, flags),
        }
    }
}

/// SAFETY: as [`watched`].
unsafe fn fate_of_lock(file: *mut sqlite3_file, flags: c_int) -> Fate {
    if flags & ffi::SQLITE_SHM_LOCK == 0 { Fate::Passes } else { unsafe { fate(file, Call::LockShared) } }
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    unsafe { system!(file, xShmBarrier) }
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    unsafe { system!(file, xShmUnmap, delete) }
}

unsafe extern "C" fn fetch(file: *mut sqlite3_file, offset: i64, count: c_int, out: *mut *mut c_void) -> c_int {
    unsafe { system!(file, xFetch, offset, count, out) }
}

unsafe extern "C" fn unfetch(file: *mut sqlite3_file, offset: i64, from: *mut c_void) -> c_int {
    unsafe { system!(file, xUnfetch, offset, from) }
}
