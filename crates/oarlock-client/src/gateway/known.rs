//! Which store a client knows at a gateway's address. A token, a session or a cursor is worth something in one store only: a
//! gateway that serves another one at the same address is refused, until that is accepted on purpose.

use oarlock_model::identity::StoreId;
use oarlock_model::seeded;
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::address::Address;
use super::key;
use crate::user;

/// The longest file that is read.
const FILE_BYTES_MAX: u64 = 256;

/// The store of one address, as far as this user's clients know it.
#[derive(Debug)]
pub(super) struct KnownStore {
    /// The file that says so: beside the key, or else with the user's own files.
    files: Vec<PathBuf>,
    known: Mutex<Option<StoreId>>,
}

impl KnownStore {
    /// The stores known at this address to a holder of the key in this file.
    pub(super) fn of(address: &Address, key_file: &Path) -> Self {
        let name = format!("{}.store", address.file_name());
        let mut files = vec![key_file.with_file_name(&name)];
        files.extend(user::state_dir().map(|dir| dir.join("keys").join(&name)).filter(|file| *file != files[0]));
        let known = files.iter().find_map(|file| read(file));
        Self { files, known: Mutex::new(known) }
    }

    /// The known one.
    pub(super) fn known(&self) -> Option<StoreId> {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|_| !seeded::is(seeded::ANY_STORE))
    }

    /// Compares the store that an answer reports with the known one.
    ///
    /// # Errors
    /// `store_unavailable` when it is another.
    pub(super) fn check(&self, address: &Address, told: StoreId) -> Result<(), OpError> {
        let Some(known) = self.known().filter(|known| *known != told) else {
            return Ok(());
        };
        let files: Vec<String> = self.files.iter().filter(|file| file.exists()).map(|file| file.display().to_string()).collect();
        Err(StoreError::Unavailable {
            message: format!("the gateway {address} serves another store than before: {told} instead of {known}"),
            hint: format!(
                "sessions, tokens and cursors of before count for nothing there; to accept it, for example after `oarlock restore`: rm {}",
                if files.is_empty() { self.files[0].display().to_string() } else { files.join(" ") }
            ),
        }
        .into())
    }

    /// Remembers the store of an answer that the key was good for, if none is known.
    pub(super) fn remember(&self, told: StoreId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = Some(told);
            // Where nothing can be kept, only this process knows.
            let _ = self.files.iter().any(|file| key::write_private(file, format!("{told}\n").as_bytes()).is_ok());
        }
    }
}

fn read(file: &Path) -> Option<StoreId> {
    let is_small = std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() <= FILE_BYTES_MAX);
    let text = is_small.then(|| std::fs::read_to_string(file).ok())??;
    text.trim().parse().ok()
}
