//! The watched directories, the calls on files below them, and the fault that waits for one of these calls.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use libc::c_int;
use rusqlite::ffi;

use crate::vfs;

/// The calls of SQLite to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Open a file.
    Open,
    /// Read bytes.
    Read,
    /// Write bytes.
    Write,
    /// Change the size of a file.
    Truncate,
    /// Make the written bytes durable.
    Sync,
    /// Ask for the size of a file.
    Size,
    /// Lock a file.
    Lock,
    /// Map shared memory.
    MapShared,
    /// Lock a part of the shared memory.
    LockShared,
    /// Delete a file.
    Delete,
    /// Ask whether a file exists.
    Access,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The device fails, whatever is asked of it.
    Device,
    /// There is no room: a write fails and changes nothing.
    Full,
    /// There is room for half of a write.
    HalfWritten,
    /// The process has as many files open as it may.
    NoFiles,
    /// The process gets a signal just before a call that changes a file, or just after it.
    Signal {
        /// Its number.
        signal: c_int,
        /// Whether the call is made first.
        after: bool,
    },
}

impl Failure {
    /// The error that SQLite gets, if such a call can fail so.
    fn code(self, call: Call) -> Option<c_int> {
        match (self, call) {
            (Failure::Device | Failure::NoFiles, Call::Open) => Some(ffi::SQLITE_CANTOPEN),
            (Failure::NoFiles, Call::MapShared) => Some(ffi::SQLITE_CANTOPEN),
            (Failure::Device, Call::Read) => Some(ffi::SQLITE_IOERR_READ),
            (Failure::Device, Call::Write) => Some(ffi::SQLITE_IOERR_WRITE),
            (Failure::Device, Call::Truncate) => Some(ffi::SQLITE_IOERR_TRUNCATE),
            (Failure::Device, Call::Sync) => Some(ffi::SQLITE_IOERR_FSYNC),
            (Failure::Device, Call::Size) => Some(ffi::SQLITE_IOERR_FSTAT),
            (Failure::Device, Call::Lock) => Some(ffi::SQLITE_IOERR_LOCK),
            (Failure::Device, Call::MapShared) => Some(ffi::SQLITE_IOERR_SHMMAP),
            (Failure::Device, Call::LockShared) => Some(ffi::SQLITE_IOERR_SHMLOCK),
            (Failure::Device, Call::Delete) => Some(ffi::SQLITE_IOERR_DELETE),
            (Failure::Device, Call::Access) => Some(ffi::SQLITE_IOERR_ACCESS),
            (Failure::Full | Failure::HalfWritten, Call::Write) => Some(ffi::SQLITE_FULL),
            (Failure::Full, Call::MapShared) => Some(ffi::SQLITE_IOERR_SHMSIZE),
            (Failure::Signal { .. }, Call::Write | Call::Truncate | Call::Sync | Call::Delete) => Some(ffi::SQLITE_OK),
            _ => None,
        }
    }
}

/// A fault that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How many of the calls that can fail so still go well.
    pub after: u64,
    /// How the next one fails.
    pub failure: Failure,
    /// Whether all later ones fail too, until the fault is taken away.
    pub lasts: bool,
}

/// A change of a file, or a note among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes were written to a file, named from the watched directory.
    Write {
        /// The file.
        file: String,
        /// The place of the first byte.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A file was cut, or lengthened with zeros.
    Truncate {
        /// The file.
        file: String,
        /// Its new size, in bytes.
        size: u64,
    },
    /// Everything written to the file so far is on the disk.
    Sync {
        /// The file.
        file: String,
    },
    /// The file is gone.
    Delete {
        /// The file.
        file: String,
    },
    /// The note of the test at this moment.
    Note(u64),
}

/// A watched directory. The watch ends when it is dropped.
#[derive(Debug)]
pub struct Watch(Arc<Watched>);

/// Watches what SQLite does with the files below a directory, in this process. The first call puts the layer below SQLite,
/// for all connections opened from then on.
#[must_use]
pub fn watch(dir: &Path) -> Watch {
    vfs::install();
    let watched = Arc::new(Watched { dir: dir.to_owned(), books: Mutex::new(Books::default()) });
    let mut all = WATCHED.write().unwrap_or_else(PoisonError::into_inner);
    all.retain(|one| one.strong_count() > 0);
    all.push(Arc::downgrade(&watched));
    Watch(watched)
}

impl Watch {
    /// Records changes from now on; takes the record so far. Recorded changes are not synced to the real disk.
    pub fn record(&self) -> Vec<Step> {
        self.0.books().steps.replace(Vec::new()).unwrap_or_default()
    }

    /// Puts a note among the recorded changes.
    pub fn note(&self, note: u64) {
        self.0.books().note(Step::Note(note));
    }

    /// Lets a fault wait, or none.
    pub fn fail(&self, fault: Option<Fault>) {
        let mut books = self.0.books();
        books.fault = fault;
        books.hit = None;
    }

    /// The call that the fault hit first, if it did.
    #[must_use]
    pub fn hit(&self) -> Option<Call> {
        self.0.books().hit
    }
}

static WATCHED: RwLock<Vec<Weak<Watched>>> = RwLock::new(Vec::new());

/// The watch over a file, with the file's name in it.
pub(crate) fn over(path: &Path) -> Option<(Arc<Watched>, String)> {
    let all = WATCHED.read().unwrap_or_else(PoisonError::into_inner);
    all.iter().filter_map(Weak::upgrade).find_map(|watched| {
        let name = path.strip_prefix(&watched.dir).ok()?.to_string_lossy().into_owned();
        Some((watched, name))
    })
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    Fails(c_int),
    HalfWritten(c_int),
    SignalAfter(c_int),
}

#[derive(Debug)]
pub(crate) struct Watched {
    dir: PathBuf,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    steps: Option<Vec<Step>>,
    fault: Option<Fault>,
    hit: Option<Call>,
}

impl Books {
    fn note(&mut self, step: Step) {
        if let Some(steps) = &mut self.steps {
            steps.push(step);
        }
    }
}

impl Watched {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, step: Step) {
        self.books().note(step);
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.books().steps.is_some()
    }

    /// Decides about a call that is about to be made.
    pub(crate) fn fate(&self, call: Call) -> Fate {
        let mut books = self.books();
        let Some(fault) = &mut books.fault else { return Fate::Passes };
        let Some(code) = fault.failure.code(call) else { return Fate::Passes };
        if fault.after > 0 {
            fault.after -= 1;
            return Fate::Passes;
        }
        let failure = fault.failure;
        if !fault.lasts {
            books.fault = None;
        }
        books.hit.get_or_insert(call);
        match failure {
            Failure::HalfWritten => Fate::HalfWritten(code),
            Failure::Signal { signal, after: true } => Fate::SignalAfter(signal),
            Failure::Signal { signal, after: false } => {
                drop(books);
                vfs::signal_self(signal);
                Fate::Passes
            }
            _ => Fate::Fails(code),
        }
    }
}
