//! A queue in the order of arrival, made of byte locks on one file. The kernel gives up the place of a
//! process that dies; nothing is written but a counter.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::Instant;

use libc::c_int;
use rustix::io::Errno;

use super::alarm::lock_until;

/// A place to queue, with locks of its own.
///
/// The file holds the number of the next ticket (8 bytes, little end first). To join: lock byte 0, read the number, lock the
/// byte of this ticket, count up, unlock byte 0. Then wait for the byte of the ticket before, which its owner holds until it
/// leaves: the queue lock of Craig and of Magnussen, Landin and Hagersten, with locks of the kernel in place of spinning.
/// A lock taken by `flock` would not do: the kernel wakes the first waiter but does not hand it the lock, so that one who
/// has just left takes it again before the woken one runs, and sends it to the end of the queue. Here the order is that of
/// the tickets, and each departure wakes one.
///
/// One who waits and dies, or is tired of waiting, lets the one behind it pass before its time; the gate behind the queue
/// makes that harmless.
#[derive(Debug)]
pub(super) struct Queue {
    file: File,
}

/// The bytes of tickets start after those of the counter.
const TICKETS_START: u64 = 16;

/// Tickets start anew after these, which keeps the bytes within the offsets of any file; by then, those of the last
/// round have left.
const TICKETS_MAX: u64 = 1 << 40;

impl Queue {
    /// Opens (or makes) the file. None where the system has no locks that belong to an open file (fcntl(2), "Open file
    /// description locks"; Linux has them since 3.15, some sandboxes have not).
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o666).custom_flags(libc::O_NOFOLLOW);
        let queue = Self { file: options.open(path)? };
        match queue.request(libc::F_OFD_SETLK, libc::F_UNLCK, 0, 0) {
            Ok(()) => Ok(Some(queue)),
            Err(Errno::INVAL | Errno::NOSYS) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Joins the queue and waits to be the first. False when it took too long, or the file is not a queue any more; the
    /// place, if any, is kept until [`Queue::leave`].
    pub(super) fn join(&self, until: Option<Instant>) -> io::Result<bool> {
        if !self.lock_byte(0, until)? {
            return Ok(false);
        }
        let ticket = self.take_ticket();
        self.request(libc::F_OFD_SETLK, libc::F_UNLCK, 0, 1)?;
        match ticket? {
            Some(ticket) => self.lock_byte(byte_of(ticket.wrapping_sub(1)), until),
            None => Ok(false),
        }
    }

    /// Gives up the place.
    pub(super) fn leave(&self) -> io::Result<()> {
        // All bytes from 0 on: the own one and that of the ticket before.
        Ok(self.request(libc::F_OFD_SETLK, libc::F_UNLCK, 0, 0)?)
    }

    /// With byte 0 locked. None when the byte is locked already, which only a damaged counter can cause; counting goes on,
    /// so that it heals.
    fn take_ticket(&self) -> io::Result<Option<u64>> {
        let mut bytes = [0; 8];
        // A new file is empty and starts at 0.
        let _ = self.file.read_at(&mut bytes, 0)?;
        let ticket = u64::from_le_bytes(bytes);
        let is_ours = self.try_lock_byte(byte_of(ticket))?;
        self.file.write_all_at(&ticket.wrapping_add(1).to_le_bytes(), 0)?;
        Ok(is_ours.then_some(ticket))
    }

    fn lock_byte(&self, byte: u64, until: Option<Instant>) -> io::Result<bool> {
        let try_lock = || self.try_lock_byte(byte);
        lock_until(until, try_lock, || self.request(libc::F_OFD_SETLKW, libc::F_WRLCK, byte, 1))
    }

    fn try_lock_byte(&self, byte: u64) -> io::Result<bool> {
        match self.request(libc::F_OFD_SETLK, libc::F_WRLCK, byte, 1) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// A length of 0 means "to the end of all offsets".
    #[expect(unsafe_code, reason = "locks of open file descriptions have no safe interface")]
    fn request(&self, command: c_int, kind: c_int, start: u64, length: i64) -> Result<(), Errno> {
        let mut lock = libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: start as libc::off_t,
            l_len: length as libc::off_t,
            // Asked for by fcntl(2).
            l_pid: 0,
        };
        // SAFETY: the descriptor is open, and the structure is complete and lives over the call.
        let result = unsafe { libc::fcntl(self.file.as_raw_fd(), command, &raw mut lock) };
        if result == -1 { Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)) } else { Ok(()) }
    }
}

fn byte_of(ticket: u64) -> u64 {
    TICKETS_START + ticket % TICKETS_MAX
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn open(path: &Path) -> Queue {
        Queue::open(path).expect("opens").expect("Linux has these locks")
    }

    fn at_once() -> Option<Instant> {
        Some(Instant::now())
    }

    #[test]
    fn the_first_is_first_and_the_second_when_it_left() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("turn.lock");
        let (first, second) = (open(&path), open(&path));
        assert!(first.join(None).expect("joins"));
        assert!(!second.join(at_once()).expect("joins"));
        second.leave().expect("leaves");
        first.leave().expect("leaves");
        assert!(second.join(at_once()).expect("joins"));
    }

    #[test]
    fn a_damaged_counter_heals() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("turn.lock");
        let (first, second) = (open(&path), open(&path));
        for content in [&b"x"[..], &[0xff; 8], &[0xff; 100], &[]] {
            std::fs::write(&path, content).expect("writes");
            assert!(first.join(None).expect("joins"), "{content:?}");
            std::fs::write(&path, content).expect("writes");
            let until = Instant::now().checked_add(Duration::from_millis(1));
            assert!(!second.join(until).expect("joins"), "the ticket is taken");
            second.leave().expect("leaves");
            first.leave().expect("leaves");
            assert!(second.join(at_once()).expect("joins"));
            second.leave().expect("leaves");
        }
    }
}
