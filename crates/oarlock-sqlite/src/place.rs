//! Where a store lives: one directory with the database, its log, its shared state, its notifiers and its owners' locks.

mod check;

use oarlock_host::file::WithoutTraps as _;
use oarlock_host::shared_state::SharedState;
use oarlock_host::{file, filesystem};
use oarlock_model::identity::StoreId;
use oarlock_model::seeded;
use oarlock_ops::store::{StoreError, StoreResult};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use crate::error::{gone, io_error};
use crate::reading;

/// The name of the database inside the store's directory.
pub const STORE_FILE: &str = "oarlock.db";

/// The place of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePaths {
    file: PathBuf,
    dir: PathBuf,
}

impl StorePaths {
    /// The place of a database file.
    pub fn of_file(file: impl Into<PathBuf>) -> Self {
        let file = file.into();
        let dir = match file.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
            _ => PathBuf::from("."),
        };
        Self { file, dir }
    }

    /// The database.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of a file beside this database. It has the database's name, so that two stores in one directory do not meet.
    pub(crate) fn beside(&self, what: &str) -> PathBuf {
        match self.file.file_name().and_then(|name| name.to_str()) {
            Some(STORE_FILE) | None => self.dir.join(what),
            Some(name) => self.dir.join(format!("{name}.{what}")),
        }
    }

    /// Refuses file systems on which SQLite's shared memory cannot work.
    pub(crate) fn check_filesystem(&self) -> StoreResult<()> {
        let kind = filesystem::kind(&self.dir).map_err(|error| io_error("look at", &self.dir, &error))?;
        if !kind.refuses_wal() {
            return Ok(());
        }
        Err(StoreError::Unavailable {
            message: format!(
                "{} is on {kind}, a file system shared between machines, where an embedded store would be damaged",
                self.dir.display()
            ),
            hint: "keep the store on a local disk: --store sqlite:/some/local/dir/oarlock.db".into(),
        })
    }

    /// SQLite's write-ahead log of the database.
    pub(crate) fn log(&self) -> PathBuf {
        self.with_suffix("-wal")
    }

    /// The database's name with this behind it.
    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    /// Makes new files of the store's directory last through a loss of power.
    pub(crate) fn sync_dir(&self) -> StoreResult<()> {
        file::sync_dir(&self.dir).map_err(|error| io_error("write", &self.dir, &error))
    }

    /// Whether this process may write the database and make files beside it. Only permissions are asked for: to open the file and to
    /// close it again would give up the locks that SQLite holds on it for this process.
    pub(crate) fn is_writable(&self) -> bool {
        file::may_write(&self.file) && file::may_write(&self.dir)
    }

    /// Which store lies there, read without changing anything.
    ///
    /// # Errors
    /// As of opening it; also for one that is older than identities.
    pub fn identity(&self) -> StoreResult<StoreId> {
        self.check()?;
        reading::identity(self)
    }

    /// The device and number of the database file: another one there is another file.
    pub(crate) fn inode(&self) -> StoreResult<(u64, u64)> {
        match file::identity_behind(&self.file) {
            Ok(found) => Ok(found),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(gone(
                format!("there is no store at {}", self.file.display()),
                "make one with `oarlock init`, or pass its place with --store sqlite:PATH; was it deleted, by `git clean` perhaps?",
            )),
            Err(error) => Err(io_error("look at", &self.file, &error)),
        }
    }

    /// The file of the shared state.
    pub(crate) fn shared_state_file(&self) -> PathBuf {
        self.beside("board")
    }

    /// The shared state, made again, with the directories, when somebody copied or moved the database alone.
    pub(crate) fn shared_state(&self) -> StoreResult<Option<SharedState>> {
        let file = self.shared_state_file();
        match SharedState::open(&file, false) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.make_dirs()?;
                let made = SharedState::open(&file, true);
                // Should it stay root's, the owner of the store goes on without it.
                let _ = file::own_like(&file, &self.dir);
                made
            }
            opened => opened,
        }
        .map_err(|error| io_error("open", &file, &error))
    }

    /// Makes the directories of the store, for its owner alone.
    pub(crate) fn make_dirs(&self) -> StoreResult<()> {
        self.check_dir()?;
        for dir in [self.dir.clone(), self.beside("owners"), self.beside("bells")] {
            if dir.is_dir() {
                continue;
            }
            private_dirs().create(&dir).map_err(|error| io_error("make", &dir, &error))?;
            if dir != self.dir {
                let _ = file::own_like(&dir, &self.dir);
            }
        }
        Ok(())
    }
}

/// Makes directories for their owner alone, with those above them that are missing.
pub(crate) fn private_dirs() -> std::fs::DirBuilder {
    let mut builder = if seeded::is(seeded::MODES_OPEN) { std::fs::DirBuilder::new() } else { file::private_dir() };
    builder.recursive(true);
    builder
}

/// Makes an empty file for its owner alone, whatever the umask, for SQLite to fill: its log and its shared memory get the same mode.
///
/// # Errors
/// Something of that name is there, or it cannot be made.
pub(crate) fn make_private(path: &Path) -> StoreResult<()> {
    let mode = if seeded::is(seeded::MODES_OPEN) { 0o666 } else { 0o600 };
    let made = OpenOptions::new().write(true).create_new(true).without_traps().made_with(mode).open(path);
    made.map(drop).map_err(|error| io_error("make", path, &error))
}
