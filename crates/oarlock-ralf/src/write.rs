//! Writing beside others: under both lock names that are in use, in one write or one rename, and only onto the read state.
//!
//! Shell scripts lock `.events.lock`, the Python helpers `events.yaml.lock`; who takes both excludes both. Programs and language models that
//! take no lock are met by looking at the file again just before the rename: if it is another one, the edit is made again on that. The moment
//! between that look and the rename cannot be closed from this side; a writer that reads before it and writes after it undoes the edit.

mod later;
mod seen;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use oarlock_host::file::{self, WithoutTraps as _};
use oarlock_model::seeded;
use tempfile::NamedTempFile;
use thiserror::Error;

use self::seen::{Seen, bytes_of, settled};
use crate::fields::EditError;
use crate::in_place;
use crate::layout::{self, is_inside};
use crate::lock::locked;

/// How often an edit is made again because somebody without a lock came in between.
const TRIES_MAX: usize = 100;
/// Names beside one that is taken.
const NAMES_MAX: u64 = 1_000;
/// Why nothing was written. The file is what it was.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The edit itself.
    #[error("{file}: {error}")]
    Edit {
        /// The file.
        file: String,
        /// Why.
        error: EditError,
    },
    /// Another process holds the lock for too long.
    #[error("{lock} has been held for {waited_ms} ms")]
    Locked {
        /// The lock file.
        lock: String,
        /// How long was waited.
        waited_ms: u128,
    },
    /// Writers without locks change the file faster than it can be edited.
    #[error("{file} changes all the time")]
    Contended {
        /// The file.
        file: String,
    },
    /// The path leads out of the project, or to something that is no file.
    #[error("{file} {why}")]
    Refused {
        /// The file.
        file: String,
        /// Why, a clause.
        why: &'static str,
    },
    /// The operating system.
    #[error("{file}: {error}")]
    Io {
        /// The file.
        file: String,
        /// The error of the operating system.
        error: io::Error,
    },
}

/// The effect of an edit on a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing is to be done.
    Nothing,
    /// These bytes at the end.
    Append(String),
    /// Another text.
    Whole(String),
}

/// Writes files of one project.
#[derive(Clone, Debug)]
pub struct Writer {
    root: PathBuf,
    patience: Duration,
    /// Locks that somebody else has held for too long in this look.
    held: RefCell<BTreeSet<PathBuf>>,
    /// Locks that it holds itself, from one edit to the next.
    own: Vec<(PathBuf, Arc<File>)>,
    /// The queue whose locks stand for those of task files, where that is among them.
    of_tasks: Option<PathBuf>,
    /// Folders in which names are still to be pressed to the disk, where that is put off.
    put_off: Option<RefCell<BTreeSet<PathBuf>>>,
    /// Whether edits wait for the disk.
    is_synced: bool,
}

impl Writer {
    /// For the project at `root`; a lock is waited for as long as `patience`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, patience: Duration) -> Self {
        Self { root: root.into(), patience, held: RefCell::default(), own: Vec::new(), of_tasks: None, put_off: None, is_synced: true }
    }

    /// Takes the locks of these files, and keeps them as long as the writer is there: one edit follows the other, and nobody with a lock comes
    /// in between. Which files they are says the same order for everybody. `of_tasks` is the one of them whose locks stand for those of task
    /// files.
    ///
    /// # Errors
    /// As [`WriteError`]: nothing is held then.
    pub(crate) fn holding<'f>(mut self, files: impl Iterator<Item = &'f PathBuf>, of_tasks: Option<&Path>) -> Result<Self, WriteError> {
        let start = Instant::now();
        for lock in files.flat_map(|file| locks_of(file)) {
            let held = self.take(&lock, start)?;
            self.own.push((lock, Arc::new(held)));
        }
        self.of_tasks = of_tasks.map(Path::to_owned);
        Ok(self)
    }

    /// Edits do not wait for the disk: beside a store whose commits do not either.
    pub(crate) fn unsynced(self) -> Self {
        Self { is_synced: false, ..self }
    }

    /// From now on names are not pressed to the disk with each edit; what texts say still is.
    pub(crate) fn put_off_folders(&mut self) {
        self.put_off = Some(RefCell::default());
    }

    /// The folders for which that was put off. From now on it is not any more.
    pub(crate) fn folders_put_off(&mut self) -> BTreeSet<PathBuf> {
        self.put_off.take().map(RefCell::into_inner).unwrap_or_default()
    }

    /// Makes `edit` of the file's text, which is empty when it is not there. Returns whether anything changed.
    ///
    /// # Errors
    /// Nothing was written: see [`WriteError`].
    pub(crate) fn edit(&self, file: &Path, edit: &dyn Fn(&str) -> Result<Change, EditError>) -> Result<bool, WriteError> {
        let file = self.real(file)?;
        let _locks = self.lock(&file)?;
        for _ in 0..TRIES_MAX {
            let seen = Seen::settled(&file)?;
            let change = edit(&seen.text).map_err(|error| WriteError::Edit { file: shown(&file), error })?;
            let done = match change {
                Change::Nothing => return Ok(false),
                Change::Append(more) => append(&file, &seen, &more)?,
                Change::Whole(text) if text == seen.text => return Ok(false),
                Change::Whole(text) => self.replace(&file, &seen, &text)?,
            };
            if done {
                return Ok(true);
            }
        }
        Err(WriteError::Contended { file: shown(&file) })
    }

    /// Calls `read` while the file's locks are held, so that nobody who takes them is in the middle of writing it. A file that somebody without
    /// a lock has just emptied is waited for first, for a moment.
    ///
    /// # Errors
    /// As [`WriteError`]; nothing was read.
    pub(crate) fn reading<T>(&self, file: &Path, read: impl FnOnce() -> T) -> Result<T, WriteError> {
        if !file.exists() {
            return Ok(read());
        }
        let file = self.real(file)?;
        let _locks = self.lock(&file)?;
        Seen::settled(&file)?;
        Ok(read())
    }

    /// A new file in place of the old one; false when the old one is another by now.
    fn replace(&self, file: &Path, seen: &Seen, text: &str) -> Result<bool, WriteError> {
        let new = beside(file, text.as_bytes(), seen.permissions.clone(), self.is_synced).map_err(|error| failed(file, error))?;
        if !seen.holds(file)? {
            return Ok(false);
        }
        let old = file::kept_open(file);
        new.persist(file).map_err(|error| failed(file, error.error))?;
        old.into_iter().for_each(later::close);
        match &self.put_off {
            _ if !self.is_synced => {}
            Some(folders) => drop(folders.borrow_mut().insert(folder_of(file).to_owned())),
            None => file::sync_dir(folder_of(file)).map_err(|error| failed(file, error))?,
        }
        Ok(true)
    }

    /// As [`Writer::edit`] with [`Change::Whole`], of a file whose old writers lock the file itself: it is written in place, under that lock
    /// too.
    ///
    /// # Errors
    /// As [`WriteError`].
    pub(crate) fn edit_in_place(&self, file: &Path, edit: &dyn Fn(&str) -> Result<String, EditError>) -> Result<bool, WriteError> {
        self.in_place(file, |bytes| {
            let text = std::str::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
            let text = text.map_err(|error| failed(file, error))?;
            Ok(edit(text).map_err(|error| WriteError::Edit { file: shown(file), error })?.into_bytes())
        })
    }

    fn in_place(&self, file: &Path, edit: impl Fn(&[u8]) -> Result<Vec<u8>, WriteError>) -> Result<bool, WriteError> {
        let start = Instant::now();
        let file = self.real(file)?;
        let _locks = self.lock(&file)?;
        for _ in 0..TRIES_MAX {
            let mut held = self.take_itself(&file, start)?;
            in_place::settle(&file, &mut held).map_err(|error| failed(&file, error))?;
            let seen = settled(&file, &mut held)?;
            let new = edit(&seen)?;
            if new == seen {
                return Ok(false);
            }
            // Anyone who takes no lock may have come in between, or have put another file in this one's place.
            let is_same = file::identity_at(&file).ok() == file::identity(&held).ok() && bytes_of(&file, &mut held)? == seen;
            if is_same {
                in_place::write(&file, &mut held, &seen, &new).map_err(|error| failed(&file, error))?;
                return Ok(true);
            }
        }
        Err(WriteError::Contended { file: shown(&file) })
    }

    /// The file, made when it is not there, with its own lock taken.
    fn take_itself(&self, file: &Path, start: Instant) -> Result<File, WriteError> {
        loop {
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).read(true).write(true).made_with(0o644).without_traps();
            let opened = options.open(file).map_err(|error| failed(file, error))?;
            let held = if seeded::is(seeded::OWN_LOCK_SKIPPED) { opened } else { self.taken(opened, file, start)? };
            // Who waited may hold a file that another has taken the place of.
            if file::identity_at(file).ok() == file::identity(&held).ok() {
                return Ok(held);
            }
        }
    }

    /// Makes files that are not there, whole or not at all, under the locks of the first; existing files with content stay. Returns how many
    /// were made.
    ///
    /// # Errors
    /// As [`WriteError`]; files that were made before it stay.
    pub(crate) fn create(&self, files: &[(PathBuf, String)]) -> Result<usize, WriteError> {
        files.iter().try_for_each(|(file, _)| self.make_folder(folder_of(file)))?;
        let files = files.iter().map(|(file, text)| Ok((self.real(file)?, text))).collect::<Result<Vec<_>, WriteError>>()?;
        let Some((first, _)) = files.first() else { return Ok(0) };
        let _locks = self.lock(first)?;
        let (mut folders, mut made) = (Vec::new(), 0);
        for (file, text) in &files {
            if fs::metadata(file).is_ok_and(|meta| meta.len() > 0) {
                continue;
            }
            let new = beside(file, text.as_bytes(), None, true).map_err(|error| failed(file, error))?;
            new.persist(file).map_err(|error| failed(file, error.error))?;
            made += 1;
            if !folders.contains(&folder_of(file)) {
                folders.push(folder_of(file));
            }
        }
        for folder in folders {
            file::sync_dir(folder).map_err(|error| failed(folder, error))?;
        }
        Ok(made)
    }

    /// Begins a file again under its locks, its own among them. What it held is kept as `kept` if `is_broken`.
    ///
    /// # Errors
    /// As [`WriteError`].
    pub(crate) fn begin_anew(&self, file: &Path, text: &str, kept: &Path, is_broken: &dyn Fn(&[u8]) -> bool) -> Result<(), WriteError> {
        let begun = self.in_place(file, |bytes| {
            if is_broken(bytes) {
                whole(kept, bytes).map_err(|error| failed(kept, error))?;
            }
            Ok(text.as_bytes().to_vec())
        });
        begun.map(drop)
    }

    /// Moves a file or folder inside the project, under the locks of the queue, as who ends a task does. Where something is already, that stays,
    /// and the moved file gets a free name beside it, in the way of the project's own scripts. Returns where it is now.
    ///
    /// # Errors
    /// As [`WriteError`]; nothing has moved then.
    pub(crate) fn move_to(&self, from: &Path, to: &Path) -> Result<PathBuf, WriteError> {
        let refused = |file: &Path, why| WriteError::Refused { file: shown(file), why };
        self.make_folder(folder_of(to))?;
        if !is_inside(from, &self.root) {
            return Err(refused(from, "is not in the project"));
        }
        let _locks = self.lock(Path::new("task.md"))?;
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        for name in std::iter::once(to.to_owned()).chain((now_s..now_s + NAMES_MAX).map(|n| backup_of(to, n))) {
            match file::rename_to_free(from, &name) {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(from, error)),
            }
        }
        Err(refused(to, "is there already, and so is every name beside it"))
    }

    /// Makes a folder of the project, whose nearest folder above that is there must be in it.
    fn make_folder(&self, folder: &Path) -> Result<(), WriteError> {
        let above = folder.ancestors().find(|above| above.symlink_metadata().is_ok()).unwrap_or(folder);
        if !is_inside(above, &self.root) {
            return Err(WriteError::Refused { file: shown(folder), why: "leads out of the project" });
        }
        fs::create_dir_all(folder).map_err(|error| failed(folder, error))
    }

    /// A look begins: locks that were held for too long during the last one are waited for again.
    pub(crate) fn begin(&self) {
        self.held.borrow_mut().clear();
    }

    /// The file itself: a link is followed as long as it stays in the project.
    fn real(&self, file: &Path) -> Result<PathBuf, WriteError> {
        // Nearly all are: the rest is asked for what is not there, or a link.
        if layout::plain(file, &self.root).is_some_and(|found| found.is_file()) {
            return Ok(file.to_owned());
        }
        let refused = |why| WriteError::Refused { file: shown(file), why };
        if folder_of(file).exists() {
            if !is_inside(folder_of(file), &self.root) {
                return Err(refused("is not in the project"));
            }
        // A task that has moved meanwhile is not made again where it was.
        } else if file.extension().is_none_or(|extension| extension != "md") {
            self.make_folder(folder_of(file))?;
        }
        match fs::symlink_metadata(file) {
            Ok(meta) if meta.is_symlink() && !is_inside(file, &self.root) => Err(refused("is a link that leads out of the project")),
            Ok(meta) if meta.is_symlink() => file::canonical(file).map_err(|error| failed(file, error)),
            Ok(meta) if meta.is_file() => Ok(file.to_owned()),
            Ok(_) => Err(refused("is not a file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(file.to_owned()),
            Err(error) => Err(failed(file, error)),
        }
    }

    /// Both locks of a YAML file, in one order. Task files have none of their own: anyone who takes or moves a task holds the lock of the queue.
    fn lock(&self, file: &Path) -> Result<Vec<File>, WriteError> {
        let is_markdown = file.extension().is_some_and(|extension| extension == "md");
        let of_tasks = || self.of_tasks.clone().or_else(|| layout::communications(&self.root).map(|folder| folder.join("queue.yaml")));
        let Some(locked) = (if is_markdown { of_tasks() } else { Some(file.to_owned()) }) else { return Ok(Vec::new()) };
        let start = Instant::now();
        let is_own = |lock: &PathBuf| self.own.iter().any(|(own, _)| own == lock);
        locks_of(&locked).into_iter().filter(|lock| !is_own(lock)).map(|lock| self.take(&lock, start)).collect()
    }

    fn take(&self, lock: &Path, start: Instant) -> Result<File, WriteError> {
        // Who held it for too long a moment ago holds it still: one wait in a look is enough, and one thread that waits.
        if self.held.borrow().contains(lock) {
            return Err(WriteError::Locked { lock: shown(lock), waited_ms: 0 });
        }
        // Lock files stay where they are: who removed one would take it from who waits for it.
        let file = OpenOptions::new().create(true).read(true).append(true).made_with(0o644).without_traps().open(lock);
        self.taken(file.map_err(|error| failed(lock, error))?, lock, start)
    }

    /// An open file with its lock taken, for which is waited until the patience that began at `start` is over.
    fn taken(&self, file: File, lock: &Path, start: Instant) -> Result<File, WriteError> {
        let left = self.patience.saturating_sub(start.elapsed());
        match locked(file, left) {
            Ok(Some(file)) => Ok(file),
            Ok(None) => {
                self.held.borrow_mut().insert(lock.to_owned());
                Err(WriteError::Locked { lock: shown(lock), waited_ms: start.elapsed().as_millis() })
            }
            Err(error) => Err(failed(lock, error)),
        }
    }
}

/// Both locks of a file, in the order in which they are taken.
fn locks_of(file: &Path) -> [PathBuf; 2] {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.strip_suffix(".yaml").unwrap_or(&name);
    [file.with_file_name(format!(".{stem}.lock")), file.with_file_name(format!("{name}.lock"))]
}

/// One write at the end, which goes behind whatever others have appended meanwhile; false when the file is another one by now.
fn append(file: &Path, seen: &Seen, more: &str) -> Result<bool, WriteError> {
    if !seen.holds(file)? {
        return Ok(false);
    }
    let mut opened = OpenOptions::new().create(true).append(true).made_with(0o644).open(file).map_err(|error| failed(file, error))?;
    let written = opened.write(more.as_bytes()).map_err(|error| failed(file, error))?;
    if written < more.len() {
        // A full disk: the write is taken back, or half an item would stay.
        let len = opened.metadata().map_err(|error| failed(file, error))?.len();
        opened.set_len(len - written as u64).map_err(|error| failed(file, error))?;
        return Err(failed(file, io::Error::from(io::ErrorKind::StorageFull)));
    }
    opened.sync_data().map_err(|error| failed(file, error))?;
    Ok(true)
}

/// Writes a file of our own whole or not at all.
pub(crate) fn whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    beside(file, bytes, None, true)?.persist(file).map_err(|error| error.error)?;
    file::sync_dir(folder_of(file))
}

/// A temporary file in the same folder, on the disk if it is to be, with these permissions or those of a new file that all may read.
fn beside(file: &Path, bytes: &[u8], permissions: Option<Permissions>, is_synced: bool) -> io::Result<NamedTempFile> {
    let mut new = tempfile::Builder::new().prefix(".oarlock-").suffix(".tmp").tempfile_in(folder_of(file))?;
    new.write_all(bytes)?;
    match permissions {
        Some(permissions) => new.as_file().set_permissions(permissions)?,
        None => file::set_mode(new.as_file(), 0o644)?,
    }
    if is_synced {
        new.as_file().sync_all()?;
    }
    Ok(new)
}

/// `TASK-x.backup.SECONDS`, the name by which the project's scripts keep two of one task; a file keeps its extension.
fn backup_of(path: &Path, seconds: u64) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(match name.strip_suffix(".md") {
        Some(stem) => format!("{stem}.backup.{seconds}.md"),
        None => format!("{name}.backup.{seconds}"),
    })
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn failed(file: &Path, error: io::Error) -> WriteError {
    WriteError::Io { file: shown(file), error }
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
