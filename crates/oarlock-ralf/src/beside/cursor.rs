//! How far files and store have been brought together by calls, beside the store in a small file of its own. It is written without waiting for
//! the disk: after a loss of power it may be older than it was, or gone, and then more is compared than would have to be.
//!
//! Every claim writes it, so it is written in place: a new file in the old one's place would cost more than the rest of the mark together. A
//! record is one line with its own digest in front. Text behind the line belongs to an earlier, longer record, and a record that does not match its
//! digest counts as none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use oarlock_host::file::{Links, WithoutTraps as _, read_small};
use oarlock_model::identity::StoreId;
use oarlock_model::{AgentName, TaskId};
use serde::{Deserialize, Serialize};

use crate::digest::digest_of;

/// The name of the file, in the directory of the store.
const FILE: &str = "ralf.seen";
/// The longest such file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// The longest record that is written in place, in bytes: a page of memory, of which a process that is killed writes all or nothing.
const IN_PLACE_BYTES_MAX: usize = 4_096;

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

/// The changes of a task in the store that the files do not have yet.
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
        let record = bytes.split(|byte| *byte == b'\n').next()?;
        let (digest, said) = std::str::from_utf8(record).ok()?.split_once(' ')?;
        let cursor = Some(said).filter(|said| digest_of(said) == digest).and_then(|said| serde_json::from_str::<Self>(said).ok());
        cursor.filter(|cursor| cursor.store == store)
    }

    /// Keeps it. Who writes it holds the lock of the files.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let said = serde_json::to_string(self)?;
        let record = format!("{} {said}\n", digest_of(&said));
        let file = dir.join(FILE);
        if record.len() <= IN_PLACE_BYTES_MAX {
            let mut options = OpenOptions::new();
            let mut opened = options.create(true).truncate(false).write(true).made_with(0o600).without_traps().open(&file)?;
            opened.write_all(record.as_bytes())?;
            // A longer record of before is cut off: a reader takes the whole file. The digest is in front, so a kill in between harms nothing.
            return if opened.metadata()?.len() > IN_PLACE_BYTES_MAX as u64 { opened.set_len(record.len() as u64) } else { Ok(()) };
        }
        let mut new = tempfile::Builder::new().prefix(".ralf-").suffix(".tmp").tempfile_in(dir)?;
        new.write_all(record.as_bytes())?;
        new.persist(file).map(drop).map_err(|error| error.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn cursor(left: usize) -> Cursor {
        let past = || Past { was_held: true, ..Past::default() };
        let left = (0..left).map(|n| (TaskId::parse(&format!("T-{n}")).expect("valid"), past())).collect();
        Cursor { store: StoreId(1), seq: 7, queue: "q".to_owned(), left }
    }

    #[test]
    fn it_is_kept_and_what_is_none_or_of_another_store_is_none() {
        let dir = tempfile::tempdir().expect("temporary");
        assert_eq!(Cursor::read(dir.path(), StoreId(1)), None);
        // Longer and shorter than the one before, and too long to be written in place.
        for left in [1, 40, 2, 1_000, 3, 0] {
            cursor(left).write(dir.path()).expect("writes");
            assert_eq!(Cursor::read(dir.path(), StoreId(1)), Some(cursor(left)));
            assert_eq!(Cursor::read(dir.path(), StoreId(2)), None);
        }
        // One that is too large to be read does not hide the next.
        fs::write(dir.path().join(FILE), vec![b' '; FILE_BYTES_MAX as usize + 1]).expect("writes");
        assert_eq!(Cursor::read(dir.path(), StoreId(1)), None);
        cursor(3).write(dir.path()).expect("writes");
        assert_eq!(Cursor::read(dir.path(), StoreId(1)), Some(cursor(3)));
        fs::write(dir.path().join(FILE), "{").expect("writes");
        assert_eq!(Cursor::read(dir.path(), StoreId(1)), None);
    }

    #[test]
    fn a_record_of_which_only_a_part_was_written_is_none() {
        let dir = tempfile::tempdir().expect("temporary");
        let file = dir.path().join(FILE);
        let text = |seq: u64| {
            Cursor { seq, ..cursor(1) }.write(dir.path()).expect("writes");
            fs::read(&file).expect("reads")
        };
        let (before, after) = (text(70_000), text(81_111));
        assert_eq!(before.len(), after.len());
        for cut in 1..after.len() {
            let torn = [&after[..cut], &before[cut..]].concat();
            fs::write(&file, &torn).expect("writes");
            let read = Cursor::read(dir.path(), StoreId(1)).map(|cursor| cursor.seq);
            assert_eq!(read, (torn == after).then_some(81_111), "{cut}");
        }
    }
}
