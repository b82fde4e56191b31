//! Administration of an embedded store: backup, restore, export, import, doctor.

mod copy;
mod doctor;
mod epoch;
mod transfer;

use oarlock_ops::OpError;
use oarlock_ops::admin::{Administration, DoctorReply, RestoreReply};
use oarlock_ops::store::Store;
use std::io::{BufRead, Write};
use std::path::Path;

use crate::place::StorePaths;
use crate::store::{Options, SqliteStore};

/// The administrator of the store at a place, which need not be in a state to be opened.
#[derive(Clone, Debug)]
pub struct SqliteAdministration {
    place: StorePaths,
    options: Options,
}

impl SqliteAdministration {
    /// The administrator of the store at `place`.
    pub fn new(place: StorePaths, options: Options) -> Self {
        Self { place, options }
    }

    fn open(&self) -> Result<SqliteStore, OpError> {
        Ok(SqliteStore::open(&self.place, self.options.clone())?)
    }
}

impl Administration for SqliteAdministration {
    fn backup(&mut self, to: &Path) -> Result<u64, OpError> {
        let mut store = self.open()?;
        // A damaged value is refused, as by every other verb, and not kept as if it were whole.
        drop(store.snapshot()?);
        copy::backup(&store, to)
    }

    fn restore(&mut self, from: &Path) -> Result<RestoreReply, OpError> {
        copy::restore(&self.place, &self.options, from)
    }

    fn export(&mut self, to: &mut dyn Write) -> Result<u64, OpError> {
        transfer::export(&mut self.open()?, to)
    }

    fn import(&mut self, from: &mut dyn BufRead) -> Result<RestoreReply, OpError> {
        transfer::import(&self.place, &self.options, from)
    }

    fn doctor(&mut self, fix: bool, new_epoch: bool) -> Result<DoctorReply, OpError> {
        doctor::doctor(&self.place, &self.options, fix, new_epoch)
    }
}
