//! Memory that all processes of one store share: the counters of the queue at its fair lock, a place for each ticket, and a seat for
//! each handle, which also shows what notifiers it listens to. It is a small file, mapped; all of it are atomic numbers, so that
//! whatever it holds is a value.
//!
//! The kernel shows who is still there: each handle holds a byte lock on the file for its seat, which is dropped when its
//! process dies.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64, fence};
use std::sync::{Arc, OnceLock};

use libc::c_int;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::file::{is_open_to_others, set_mode};

/// Whether there is such memory.
pub(crate) const IS_SHARED: bool = true;

/// How many handles can queue or listen at once; further ones go on without.
pub(crate) const SEATS: usize = 1_024;

/// How many tickets are distinguished: more than there are seats, so that a place is free before its turn comes again.
pub(crate) const PLACES: usize = 2 * SEATS;

const BYTES: usize = size_of::<Memory>();

/// The shared memory. A change of it needs another file name.
#[repr(C)]
pub(crate) struct Memory {
    /// The number of the next ticket.
    pub(crate) next: AtomicU64,
    /// The ticket whose owner is inside; the next one's number when nobody is.
    pub(crate) serving: AtomicU64,
    /// No seat from this one on has ever been taken.
    seats_end: AtomicU32,
    /// Counts the checks that all processes share.
    turns: AtomicU32,
    /// The highest number reported, and its check value with the name of the file: a pair that does not match counts as none.
    seen: AtomicU64,
    seen_proof: AtomicU64,
    _free: [AtomicU32; 6],
    seats: [Seat; SEATS],
    /// Who has which ticket: [`Holder`] as a number.
    places: [AtomicU64; PLACES],
}

/// One handle that queues, or that listens.
#[repr(C)]
pub(crate) struct Seat {
    /// Counts up to wake it: a futex.
    pub(crate) calls: AtomicU32,
    /// Whether it sleeps, or is about to.
    pub(crate) sleeps: AtomicU32,
    /// Counts the handles that have had this seat.
    generation: AtomicU32,
    /// The notifiers it listens to, one bit each.
    listens: AtomicU32,
}

/// A handle: a seat, and the how manyth one on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    seat: u16,
    generation: u16,
}

impl Holder {
    /// Nobody: who has a ticket that was given up.
    pub(crate) const NOBODY: Holder = Holder { seat: u16::MAX, generation: u16::MAX };
}

impl Memory {
    fn place(&self, ticket: u64) -> &AtomicU64 {
        &self.places[usize::try_from(ticket % PLACES as u64).unwrap_or(0)]
    }

    /// Who has this ticket, if that is reported yet.
    pub(crate) fn holder(&self, ticket: u64) -> Option<Holder> {
        let told = self.place(ticket).load(SeqCst);
        let fits = told >> 32 == ticket & 0xffff_ffff;
        fits.then_some(Holder { seat: (told & 0xffff) as u16, generation: (told >> 16 & 0xffff) as u16 })
    }

    /// Shows that this handle has the ticket.
    pub(crate) fn tell(&self, ticket: u64, holder: Holder) {
        self.place(ticket).store(ticket << 32 | u64::from(holder.generation) << 16 | u64::from(holder.seat), SeqCst);
    }

    /// The seat of a handle.
    pub(crate) fn seat(&self, holder: Holder) -> &Seat {
        &self.seats[usize::from(holder.seat) % SEATS]
    }
}

/// The memory that the processes of a store share, as one handle of it has it: clones are the same handle, with one seat.
#[derive(Clone, Debug)]
pub struct SharedState(Arc<Mapping>);

struct Mapping {
    memory: NonNull<Memory>,
    file: File,
    /// Taken at the first need: those who only read need none.
    seat: OnceLock<Holder>,
}

// SAFETY: the memory stays mapped as long as the value lives, wherever it moves, and is only reached through atomics.
#[expect(unsafe_code, reason = "a pointer to shared memory")]
unsafe impl Send for Mapping {}

// SAFETY: as above; all methods of a shared reference use atomics.
#[expect(unsafe_code, reason = "a pointer to shared memory")]
unsafe impl Sync for Mapping {}

impl SharedState {
    /// Opens the file of the shared state, or makes it if that is wanted, and maps it. None where the system cannot map it or the disk has
    /// no room for it; then everything works without, less fairly and with more system calls. Each handle opens it again, because the locks
    /// belong to the open file.
    ///
    /// # Errors
    /// The file is missing and not to be made, or it cannot be opened.
    pub fn open(path: &Path, make: bool) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        // For its owner alone, as the store: who could write here could keep others waiting at the fair lock. Never waiting at a pipe.
        options.read(true).write(true).create(make).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = options.open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if is_open_to_others(&found) {
            // Made by an older program, or under another umask; only its owner may do this.
            let _ = set_mode(&file, 0o600);
        }
        if !has_room(&file)? {
            return Ok(None);
        }
        Ok(map(&file).ok().map(|memory| Self(Arc::new(Mapping { memory, file, seat: OnceLock::new() }))))
    }

    /// The memory.
    #[expect(unsafe_code, reason = "a pointer to shared memory")]
    pub(crate) fn memory(&self) -> &Memory {
        // SAFETY: the mapping is as long as a `Memory` and aligned to a page, it lives as long as `self`, and every bit pattern of
        // it is a valid `Memory`. Oarlock never shortens the file; another program that does ends the processes that use it, as with
        // SQLite's own shared memory.
        unsafe { self.0.memory.as_ref() }
    }

    /// The seat of this handle, until its last clone goes. None when all are taken, or the system has no locks that belong to
    /// an open file (fcntl(2), "Open file description locks"; Linux has them since 3.15, some sandboxes have not).
    pub(crate) fn sit_down(&self) -> Option<Holder> {
        if let Some(holder) = self.0.seat.get() {
            return Some(*holder);
        }
        for seat in 0..SEATS {
            match self.take(seat) {
                Ok(holder) => return Some(*self.0.seat.get_or_init(|| holder)),
                Err(Errno::AGAIN | Errno::ACCESS) => {}
                Err(_) => return None,
            }
        }
        None
    }

    fn take(&self, seat: usize) -> Result<Holder, Errno> {
        self.request(libc::F_OFD_SETLK, seat as u64)?;
        let memory = self.memory();
        memory.seats_end.fetch_max(seat as u32 + 1, SeqCst);
        memory.seats[seat].sleeps.store(0, SeqCst);
        memory.seats[seat].listens.store(0, SeqCst);
        let generation = memory.seats[seat].generation.fetch_add(1, SeqCst).wrapping_add(1);
        Ok(Holder { seat: seat as u16, generation: generation as u16 })
    }

    /// The highest number reported by [`SharedState::saw`] for the same file and boot; 0 if there is none.
    #[must_use]
    pub fn seen(&self, of: u64) -> u64 {
        let memory = self.memory();
        let number = memory.seen.load(SeqCst);
        if memory.seen_proof.load(SeqCst) == proof(of, number) { number } else { 0 }
    }

    /// Reports a number that will not become lower. Of many that report at once, a lower one may stay for a moment, or none.
    pub fn saw(&self, of: u64, number: u64) {
        if self.seen(of) < number {
            let memory = self.memory();
            memory.seen.store(number, SeqCst);
            memory.seen_proof.store(proof(of, number), SeqCst);
        }
    }

    /// A number that is another one at each call, by whatever handle: one more than before.
    pub fn turn(&self) -> u64 {
        u64::from(self.memory().turns.fetch_add(1, SeqCst))
    }

    /// The device and number of the shared state's own file: a copy of it is another one.
    ///
    /// # Errors
    /// The system does not say.
    pub fn file_id(&self) -> io::Result<(u64, u64)> {
        let metadata = self.0.file.metadata()?;
        Ok((metadata.dev(), metadata.ino()))
    }

    /// From now on, this handle listens to these notifiers. False when there is no seat to distinguish it from.
    pub(crate) fn listen(&self, notifiers: u32) -> bool {
        let seat = self.sit_down();
        if let Some(holder) = seat {
            self.memory().seat(holder).listens.store(notifiers, SeqCst);
            // Before the look at the store, on every kind of processor.
            fence(SeqCst);
        }
        seat.is_some()
    }

    /// Whether anybody listens to one of these notifiers. A listener registers and then reads the store; a writer changes the store and
    /// then asks, so one of both sees the other. A killed listener counts until another process takes its seat.
    pub(crate) fn is_heard(&self, notifiers: u32) -> bool {
        fence(SeqCst);
        let memory = self.memory();
        let end = (memory.seats_end.load(SeqCst) as usize).min(SEATS);
        memory.seats[..end].iter().any(|seat| seat.listens.load(SeqCst) & notifiers != 0)
    }

    /// Whether this handle, another one, is still there. One that cannot be asked about is.
    pub(crate) fn is_there(&self, holder: Holder) -> bool {
        if holder == Holder::NOBODY {
            return false;
        }
        let is_same = self.memory().seat(holder).generation.load(SeqCst) as u16 == holder.generation;
        is_same && self.request(libc::F_OFD_GETLK, u64::from(holder.seat)).map_or(true, |found| c_int::from(found) != libc::F_UNLCK)
    }

    /// Asks the kernel about the lock of a seat, or for it. The bytes stand behind the content, and are never written.
    #[expect(unsafe_code, reason = "locks of open file descriptions have no safe interface")]
    fn request(&self, command: c_int, seat: u64) -> Result<libc::c_short, Errno> {
        let mut lock = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: (BYTES as u64 + seat) as libc::off_t,
            l_len: 1,
            // Asked for by fcntl(2).
            l_pid: 0,
        };
        // SAFETY: the descriptor is open, and the structure is complete and lives over the call.
        let result = unsafe { libc::fcntl(self.0.file.as_raw_fd(), command, &raw mut lock) };
        if result == -1 { Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)) } else { Ok(lock.l_type) }
    }
}

impl Drop for Mapping {
    #[expect(unsafe_code, reason = "shared memory, and unmapping it, have no safe interface")]
    fn drop(&mut self) {
        if let Some(holder) = self.seat.get() {
            // SAFETY: as in `SharedState::memory`; the memory is still mapped.
            unsafe { self.memory.as_ref() }.seat(*holder).listens.store(0, SeqCst);
        }
        // SAFETY: it was mapped with this length, and no reference into it outlives `self`.
        let _ = unsafe { munmap(self.memory.as_ptr().cast(), BYTES) };
    }
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapping").field("file", &self.file).field("seat", &self.seat).finish_non_exhaustive()
    }
}

/// The mix of a number and a name.
fn proof(of: u64, number: u64) -> u64 {
    of.rotate_left(17) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Whether every page of the file has its place on the disk, which is taken now: writing to a page of mapped memory that has
/// none would end the process when the disk is full. The file is only ever made longer: somebody may have it mapped.
fn has_room(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    if metadata.len() >= BYTES as u64 && metadata.blocks() * 512 >= BYTES as u64 {
        return Ok(true);
    }
    match fallocate(file, FallocateFlags::empty(), 0, BYTES as u64) {
        Ok(()) => Ok(true),
        Err(Errno::NOSPC | Errno::DQUOT) => Ok(false),
        // A file system that cannot promise room: write the missing part.
        Err(_) => {
            let missing = (BYTES as u64).saturating_sub(metadata.len());
            Ok(file.write_all_at(&vec![0; usize::try_from(missing).unwrap_or(0)], metadata.len()).is_ok())
        }
    }
}

#[expect(unsafe_code, reason = "mapping has no safe interface")]
fn map(file: &File) -> io::Result<NonNull<Memory>> {
    // SAFETY: no address is asked for, so nothing that is mapped is replaced.
    let memory = unsafe { mmap(ptr::null_mut(), BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, file, 0) }?;
    NonNull::new(memory.cast()).ok_or_else(|| io::Error::other("mapped at nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> SharedState {
        SharedState::open(path, true).expect("opens").expect("Linux can map it")
    }

    #[test]
    fn whoever_closes_the_file_is_gone() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("board");
        assert!(SharedState::open(&path, false).is_err(), "it is not made unless that is wanted");
        let (one, two) = (open(&path), open(&path));
        let (first, second) = (one.sit_down().expect("free"), two.sit_down().expect("free"));
        assert_ne!(first.seat, second.seat);
        assert_eq!(one.clone().sit_down(), Some(first));
        assert!(one.is_there(second) && two.is_there(first));
        drop(two);
        assert!(!one.is_there(second));
        // Somebody else on the same seat is not the one who left.
        let three = open(&path);
        let third = three.sit_down().expect("free");
        assert_eq!(third.seat, second.seat);
        assert!(one.is_there(third) && !one.is_there(second));
    }

    #[test]
    fn a_full_house_has_no_seat() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("board");
        let (all, late) = (open(&path), open(&path));
        (0..SEATS).for_each(|seat| assert!(all.take(seat).is_ok()));
        assert_eq!(late.sit_down(), None);
        assert!(!late.listen(1));
        drop(all);
        assert!(late.sit_down().is_some(), "there is room again");
    }

    #[test]
    fn listeners_are_told_by_their_bells_as_long_as_they_are_there() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("board");
        let (ringer, listener) = (open(&path), open(&path));
        assert!(!ringer.is_heard(u32::MAX));
        assert!(listener.listen(0b10));
        assert!(ringer.is_heard(0b110) && !ringer.is_heard(0b101));
        drop(listener);
        assert!(!ringer.is_heard(u32::MAX));
    }

    #[test]
    fn what_was_seen_is_told_to_those_who_mean_the_same() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (one, two) = (open(&dir.path().join("board")), open(&dir.path().join("board")));
        assert_eq!(one.seen(7), 0);
        one.saw(7, 40);
        two.saw(7, 39);
        assert_eq!((two.seen(7), two.seen(8)), (40, 0));
        two.saw(8, 5);
        assert_eq!((one.seen(7), one.seen(8)), (0, 5));
        // Half of what another one reports is nothing.
        one.memory().seen.store(99, SeqCst);
        assert_eq!((one.seen(7), one.seen(8)), (0, 0));
    }

    #[test]
    fn turns_are_given_to_all_handles_one_after_another() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (one, two) = (open(&dir.path().join("board")), open(&dir.path().join("board")));
        assert_eq!([one.turn(), two.turn(), two.turn(), one.turn()], [0, 1, 2, 3]);
    }

    #[test]
    fn a_ticket_is_told_by_its_number() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let shared_state = open(&dir.path().join("board"));
        let (memory, holder) = (shared_state.memory(), Holder { seat: 7, generation: 9 });
        memory.tell(5, holder);
        assert_eq!(memory.holder(5), Some(holder));
        assert_eq!(memory.holder(5 + PLACES as u64), None, "it has the same place");
    }
}
