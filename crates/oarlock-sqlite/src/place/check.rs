//! The check of a store's place before any of it is opened: plain files and directories, for their owner alone.
//!
//! A repository can bring links, and another user pipes and devices. SQLite follows no link for its log and its shared memory, but it does
//! for the database, and the folders beside it are the file system's. Modes are tightened by path: to open and close the database would
//! give up the locks that SQLite holds on it for this process.

use oarlock_host::file::{self, Owner};
use oarlock_model::seeded;
use oarlock_ops::store::{StoreError, StoreResult};
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::Path;

use super::StorePaths;
use crate::error::{gone, io_error, unavailable};

/// The suffixes of the files of SQLite beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The required kind of a file.
const FILE: &str = "a regular file";
const DIRECTORY: &str = "a directory";

/// The directory of a project, which a repository could bring as a link. A store elsewhere was named by its user, and is where that leads.
const PROJECT_DIR: &str = ".oarlock";

impl StorePaths {
    /// Refuses links and special files in the place of the store's own files, and closes these to other users.
    /// Returns the device and number of the database: another one there is another file.
    ///
    /// # Errors
    /// `data_damaged` that names the link and its target; `store_unavailable` when there is no store.
    pub(crate) fn check(&self) -> StoreResult<(u64, u64)> {
        self.check_dir()?;
        let found = match self.file.symlink_metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(gone(
                    format!("there is no store at {}", self.file.display()),
                    "make one with `oarlock init`, or pass its place with --store sqlite:PATH; was it deleted, by `git clean` perhaps?",
                ));
            }
            Err(error) => return Err(io_error("look at", &self.file, &error)),
        };
        plain(&self.file, &found, Metadata::is_file, FILE)?;
        tighten(&self.file, &found);
        for suffix in COMPANIONS {
            check_one(&self.with_suffix(suffix), Metadata::is_file, FILE)?;
        }
        check_one(&self.shared_state_file(), Metadata::is_file, FILE)?;
        for dir in ["owners", "bells"] {
            check_one(&self.beside(dir), Metadata::is_dir, DIRECTORY)?;
        }
        match file::identity_in(&found) {
            Some(identity) => Ok(identity),
            None => self.inode(),
        }
    }

    /// Refuses a link in the place of a project's directory.
    ///
    /// # Errors
    /// `data_damaged`.
    pub fn check_dir(&self) -> StoreResult<()> {
        if self.dir.file_name().is_some_and(|name| name == PROJECT_DIR) {
            check_one(&self.dir, Metadata::is_dir, DIRECTORY)?;
        }
        Ok(())
    }
}

fn check_one(path: &Path, is_fine: fn(&Metadata) -> bool, wanted: &str) -> StoreResult<()> {
    match path.symlink_metadata() {
        Ok(found) => {
            plain(path, &found, is_fine, wanted)?;
            tighten(path, &found);
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("look at", path, &error)),
    }
}

fn plain(path: &Path, found: &Metadata, is_fine: fn(&Metadata) -> bool, wanted: &str) -> StoreResult<()> {
    if is_fine(found) || seeded::is(seeded::LINKS_FOLLOWED) {
        return Ok(());
    }
    if !found.is_symlink() && wanted == DIRECTORY {
        return Err(unavailable(format!("{} is not a directory", path.display()), "move it away; `oarlock init` makes the directory"));
    }
    if !found.is_symlink() {
        return Err(StoreError::Damaged {
            message: format!("{} is not {wanted}; nothing was opened", path.display()),
            hint: "move it away; `oarlock init` makes a new store".into(),
        });
    }
    let target = std::fs::read_link(path).map_or_else(|_| "an unknown place".to_owned(), |target| target.display().to_string());
    Err(StoreError::Damaged {
        message: format!("{} is a link to {target}, and a repository can bring links; nothing was opened", path.display()),
        hint: "remove the link; to keep the store elsewhere, name its file with --store sqlite:PATH or in OARLOCK_STORE".into(),
    })
}

/// Closes a file of this user to others: an older program made it, or another umask.
fn tighten(path: &Path, found: &Metadata) {
    if file::is_open_to_others(found) && file::owner(found) == Owner::own() && !seeded::is(seeded::MODES_OPEN) {
        // On a read-only file system it stays as it is.
        let _ = file::keep_private(path, found);
    }
}
