//! Stores that can only be read: on a read-only file system, or of a user who lets this one read.
//!
//! SQLite reads such a store where it lies, beside its writers, as long as their shared memory (`-shm`) is there. Where it is not, and
//! where the schema is older than this program, a private copy is read instead.

use oarlock_host::file::WithoutTraps as _;
use oarlock_host::{file, random};
use oarlock_model::identity::StoreId;
use oarlock_ops::store::{StoreError, StoreResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::connection::connect;
use crate::error::{io_error, store_error, unavailable};
use crate::migrate;
use crate::place::StorePaths;
use crate::rows::meta;
use crate::schema;

/// How often a store that changes while it is copied is copied again.
const TRIES_MAX: usize = 5;

/// A connection that only reads, and the copy that it reads, if it is one.
pub(crate) struct Reading {
    pub(crate) conn: Connection,
    pub(crate) copy: Option<Copy>,
}

impl Reading {
    /// Opens the store at a place that this process may not write.
    ///
    /// # Errors
    /// `store_unavailable` when it can be read neither where it is nor as a copy; `data_damaged`.
    pub(crate) fn open(place: &StorePaths, busy: Duration) -> StoreResult<Self> {
        match in_place(place.file(), busy) {
            Ok(Some(conn)) => Ok(Self { conn, copy: None }),
            // An older schema, or no shared memory to read it by.
            Ok(None) | Err(StoreError::Unavailable { .. }) => {
                let copy = Copy::of(place)?;
                let conn = connect(&copy.file, OpenFlags::SQLITE_OPEN_READ_WRITE, busy)?;
                migrate::check_application(&conn)?;
                schema::check(&conn)?;
                if migrate::is_behind(&conn)? {
                    migrate::migrate(&conn)?;
                }
                Ok(Self { conn, copy: Some(copy) })
            }
            Err(error) => Err(error),
        }
    }
}

/// The store where it lies; none when its schema is older than this program's.
fn in_place(file: &Path, busy: Duration) -> StoreResult<Option<Connection>> {
    let conn = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY, busy)?;
    migrate::check_application(&conn)?;
    schema::check(&conn)?;
    Ok(if migrate::is_behind(&conn)? { None } else { Some(conn) })
}

/// Which store lies at a place.
pub(crate) fn identity(place: &StorePaths) -> StoreResult<StoreId> {
    let of = |conn: &Connection| meta::identity(conn).map(|identity| identity.id()).map_err(store_error);
    if fs::metadata(place.log()).is_ok_and(|log| log.len() > 0) {
        return of(&Reading::open(place, IDENTITY_BUSY)?.conn);
    }
    // All of it is in the database, and SQLite makes no file beside it.
    let mut url = String::from("file:");
    for byte in std::path::absolute(place.file()).map_err(|error| io_error("find", place.file(), &error))?.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => url.push(char::from(*byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let conn = connect(Path::new(&url), flags, IDENTITY_BUSY)?;
    migrate::check_application(&conn)?;
    schema::check(&conn)?;
    of(&conn)
}

/// How long somebody who writes is waited for, should reading have to.
const IDENTITY_BUSY: Duration = Duration::from_secs(5);

/// Why nothing can be written here.
pub(crate) fn cannot_write(place: &StorePaths) -> StoreError {
    StoreError::Unavailable {
        message: format!("the store {} can only be read here: its directory or file may not be written", place.file().display()),
        hint: format!(
            "make {} and its files writable for this user, run the command on a machine that may write them, or name another store with --store",
            place.dir().display()
        ),
    }
}

/// When a file was last written, and how long it is.
type Stamp = Option<(SystemTime, u64)>;

/// A copy of a store in a directory of its own, which goes away with this value.
#[derive(Debug)]
pub(crate) struct Copy {
    dir: PathBuf,
    file: PathBuf,
    originals: [PathBuf; 2],
    stamps: [Stamp; 2],
}

impl Copy {
    /// Copies the database and its log at one moment.
    fn of(place: &StorePaths) -> StoreResult<Self> {
        let dir = private_dir("reading")?;
        let mut copy = Self { file: dir.join("oarlock.db"), dir, originals: [place.file().to_owned(), place.log()], stamps: [None; 2] };
        for _ in 0..TRIES_MAX {
            copy.stamps = copy.stamps_now();
            for (original, suffix) in copy.originals.iter().zip(["", "-wal"]) {
                let to = copy.dir.join(format!("oarlock.db{suffix}"));
                // The content alone: the permissions forbid to write.
                let opened = OpenOptions::new().read(true).without_traps().open(original);
                let copied = opened.and_then(|mut from| std::io::copy(&mut from, &mut File::create(&to)?));
                match copied {
                    Ok(_) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound && suffix == "-wal" => {}
                    Err(error) => return Err(io_error("copy", original, &error)),
                }
            }
            if !copy.is_outdated() {
                return Ok(copy);
            }
        }
        Err(StoreError::Busy("the store was being written while it was copied for reading".into()))
    }

    fn stamps_now(&self) -> [Stamp; 2] {
        [0, 1].map(|n| {
            let found = fs::metadata(&self.originals[n]).ok()?;
            Some((found.modified().ok()?, found.len()))
        })
    }

    /// Whether the store has been written since.
    fn is_outdated(&self) -> bool {
        self.stamps_now() != self.stamps
    }

    /// Refuses to show an old state.
    ///
    /// # Errors
    /// `store_unavailable`.
    pub(crate) fn check(&self) -> StoreResult<()> {
        if !self.is_outdated() {
            return Ok(());
        }
        Err(unavailable("the store has been written since it was copied for reading".into(), "ask again"))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A new directory for this user alone, where temporary files are.
pub(crate) fn private_dir(what: &str) -> StoreResult<PathBuf> {
    let drawn = random::u128().map_err(|error| unavailable(format!("the system has no random numbers: {error}"), "try again"))?;
    let dir = std::env::temp_dir().join(format!("oarlock-{what}-{drawn:032x}"));
    file::private_dir().create(&dir).map_err(|error| io_error("make", &dir, &error))?;
    Ok(dir)
}
