//! The record of what set-ups have written on this machine, kept with the user's own files: only insertions, never the rest of a file,
//! as that may be secret.

use crate::edit::Insertion;
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::write_text;

/// The insertions into one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whether there was no such file.
    pub(crate) created: bool,
    /// The directories that were made for it, outermost first.
    pub(crate) dirs: Vec<PathBuf>,
    /// The insertions, oldest first.
    pub(crate) insertions: Vec<Insertion>,
    /// Whether all that is needed was there before, and nothing had to be inserted.
    #[serde(default)]
    pub(crate) was_there: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Records {
    version: u32,
    /// The directories that were made for this file itself.
    dirs: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Record>,
}

/// All of them. Without a place to keep it, insertions are known by their form.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    file: Option<PathBuf>,
    records: Records,
}

const VERSION: u32 = 1;

impl Journal {
    /// That of this user. One that cannot be read, or that a later version wrote, is an empty one: it only makes taking back exact.
    pub fn open() -> Self {
        let file = oarlock_client::user::state_dir().map(|dir| dir.join("setup.json"));
        let text = file.as_ref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        let records: Records = serde_json::from_str(&text).unwrap_or_default();
        let new = || Records { version: VERSION, dirs: file.as_deref().map(super::missing_dirs).unwrap_or_default(), ..Records::default() };
        let records = if records.version == VERSION { records } else { new() };
        Self { file, records }
    }

    /// Where it is kept.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(crate) fn get(&self, file: &Path) -> Option<&Record> {
        self.records.files.get(file)
    }

    pub(crate) fn set(&mut self, file: &Path, record: Record) {
        self.records.files.insert(file.to_owned(), record);
    }

    pub(crate) fn forget(&mut self, file: &Path) {
        self.records.files.remove(file);
    }

    /// Writes it; an empty one leaves no file.
    ///
    /// # Errors
    /// `store_unavailable`: the clients are set up, and can be taken back less exactly.
    pub(crate) fn save(&self) -> Result<(), OpError> {
        let Some(file) = &self.file else { return Ok(()) };
        let text = if self.records.files.is_empty() { None } else { Some(serde_json::to_string(&self.records)?) };
        if text.is_none() && !file.exists() {
            return Ok(());
        }
        write_text(file, text.as_deref(), false).map_err(|error| StoreError::Unavailable {
            message: format!("the set-up is made, but {} cannot be written: {error}", file.display()),
            hint: "`--remove` removes only entries that it recognises; set XDG_STATE_HOME to a writable directory".into(),
        })?;
        if text.is_none() {
            for dir in self.records.dirs.iter().rev() {
                // One that has something else in it stays.
                let _ = fs::remove_dir(dir);
            }
        }
        Ok(())
    }
}
