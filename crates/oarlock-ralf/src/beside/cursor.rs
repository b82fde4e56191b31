//! How far files and store have been brought together by calls, beside the store in a small file of its own. It is written without waiting for
//! the disk: after a loss of power it may be older than it was, or gone, and then more is compared than would have to be.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::Path;

use oarlock_host::file::{Links, read_small};
use oarlock_model::identity::StoreId;
use oarlock_model::{AgentName, TaskId};
use serde::{Deserialize, Serialize};

/// The name of the file, in the directory of the store.
const FILE: &str = "ralf.seen";
/// The longest such file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// How far they have been brought together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The store that the number is of.
    pub(crate) store: StoreId,
    /// The number of the last event whose consequences the files have.
    pub(crate) seq: u64,
    /// The text of the queue that the store knows, as a digest.
    #[serde(default)]
    pub(crate) queue: String,
    /// Tasks before that number which could not be written, or of which the files do not say yet what they are about to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) left: BTreeMap<TaskId, Past>,
}

/// What has happened to a task in the store that the files do not have yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Past {
    /// Somebody had it: that the files show it as taken is of then.
    #[serde(default)]
    pub(crate) was_held: bool,
    /// It was brought back: that the files show it as over is of before.
    #[serde(default)]
    pub(crate) is_back: bool,
    /// The store says so, and not only the files.
    #[serde(default)]
    pub(crate) is_of_store: bool,
    /// Somebody had it by the files, and that was ended here by force.
    #[serde(default)]
    pub(crate) is_forced: bool,
    /// The files said that it is done.
    #[serde(default)]
    pub(crate) is_of_files: bool,
    /// Who had it, or was about to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) holders: BTreeSet<AgentName>,
}

impl Cursor {
    /// The one beside the store in `dir`; nothing when there is none that can be read, or it is of another store.
    pub(crate) fn read(dir: &Path, store: StoreId) -> Option<Self> {
        let bytes = read_small(&dir.join(FILE), FILE_BYTES_MAX, Links::Refused).ok().flatten()?;
        serde_json::from_slice::<Self>(&bytes).ok().filter(|cursor| cursor.store == store)
    }

    /// Keeps it, whole or not at all.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let mut new = tempfile::Builder::new().prefix(".ralf-").suffix(".tmp").tempfile_in(dir)?;
        new.write_all(&serde_json::to_vec(self)?)?;
        new.persist(dir.join(FILE)).map(drop).map_err(|error| error.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn it_is_kept_and_what_is_none_or_of_another_store_is_none() {
        let dir = tempfile::tempdir().expect("temporary");
        assert_eq!(Cursor::read(dir.path(), StoreId(1)), None);
        let left = BTreeMap::from([(TaskId::parse("T-1").expect("valid"), Past { was_held: true, ..Past::default() })]);
        let cursor = Cursor { store: StoreId(1), seq: 7, queue: "q".to_owned(), left };
        cursor.write(dir.path()).expect("writes");
        assert_eq!(Cursor::read(dir.path(), StoreId(1)), Some(cursor));
        assert_eq!(Cursor::read(dir.path(), StoreId(2)), None);
        fs::write(dir.path().join(FILE), "{").expect("writes");
        assert_eq!(Cursor::read(dir.path(), StoreId(1)), None);
    }
}
