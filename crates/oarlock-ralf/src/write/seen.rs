//! Reading a file that others are writing: as it is at one moment, and not while it is only empty because somebody writes it again.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::file;

use super::{WriteError, failed, shown};
use crate::layout::FILE_BYTES_MAX;

/// How long an empty file may be in the middle of being written.
const EMPTY_FOR: Duration = Duration::from_millis(50);
/// The pause between two looks at it.
const EMPTY_PAUSE: Duration = Duration::from_micros(200);

/// A file as it was read.
pub(super) struct Seen {
    pub(super) text: String,
    /// Device and number; nothing when it was not there.
    identity: Option<(u64, u64)>,
    /// Nothing when it was not there.
    pub(super) permissions: Option<Permissions>,
}

impl Seen {
    fn read(file: &Path) -> Result<Self, WriteError> {
        let opened = match File::open(file) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { text: String::new(), identity: None, permissions: None });
            }
            Err(error) => return Err(failed(file, error)),
        };
        let meta = opened.metadata().map_err(|error| failed(file, error))?;
        if meta.len() > FILE_BYTES_MAX {
            return Err(WriteError::Refused { file: shown(file), why: "is too large to be edited" });
        }
        let mut text = String::with_capacity(room_for(meta.len()));
        let identity = file::identity_in(&meta).map_or_else(|| file::identity(&opened), Ok).map_err(|error| failed(file, error))?;
        opened.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| failed(file, error))?;
        Ok(Self { text, identity: Some(identity), permissions: Some(meta.permissions()) })
    }

    /// The same, but not while somebody without a lock is about to write it: a file that is opened to be written again is empty for a moment.
    pub(super) fn settled(file: &Path) -> Result<Self, WriteError> {
        until(|| Self::read(file), |seen| seen.identity.is_none() || !seen.text.is_empty())
    }

    /// Whether the file is still this one, byte for byte: times are too coarse to report.
    pub(super) fn holds(&self, file: &Path) -> Result<bool, WriteError> {
        let now = Self::read(file)?;
        Ok(now.identity == self.identity && now.text == self.text)
    }
}

/// Room for a file of this length in bytes, and for seeing that it ends there.
fn room_for(len: u64) -> usize {
    usize::try_from(len.min(FILE_BYTES_MAX)).unwrap_or_default() + 1
}

/// The bytes of a file whose lock is held.
pub(super) fn bytes_of(path: &Path, held: &mut File) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Vec::with_capacity(held.metadata().map_or(0, |meta| room_for(meta.len())));
    let read = held.seek(SeekFrom::Start(0)).and_then(|_| held.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| failed(path, error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(WriteError::Refused { file: shown(path), why: "is too large to be edited" });
    }
    Ok(bytes)
}

/// The same, but not while somebody empties the file before taking its lock, as the plainest of the old writers does.
pub(super) fn settled(path: &Path, held: &mut File) -> Result<Vec<u8>, WriteError> {
    let is_new = held.metadata().is_ok_and(|meta| meta.created().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age < EMPTY_FOR));
    until(|| bytes_of(path, held), |bytes| is_new || !bytes.is_empty())
}

/// Reads until it is not empty, or has been for too long to be in the middle of being written.
fn until<T>(mut read: impl FnMut() -> Result<T, WriteError>, says_something: impl Fn(&T) -> bool) -> Result<T, WriteError> {
    let start = Instant::now();
    loop {
        let seen = read()?;
        if says_something(&seen) || start.elapsed() >= EMPTY_FOR {
            return Ok(seen);
        }
        thread::sleep(EMPTY_PAUSE);
    }
}
