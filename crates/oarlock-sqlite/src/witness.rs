//! [`Witness`]: where the log ended when this boot last saw it, told by memory and not by the file.
//!
//! SQLite takes a write-ahead log to end where a frame does not fit its checksum. After a loss of power that is right. When the
//! file was cut or changed otherwise, it silently takes back what was acknowledged; so does a copy of an older file in its place.

use std::hash::{DefaultHasher, Hash, Hasher};

use oarlock_host::board::Board;
use oarlock_host::clock::Clock;
use oarlock_ops::store::{StoreError, StoreResult};

use crate::place::Place;

/// The last number that this boot knows to be committed in one file.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    /// None where no memory can be shared: then nobody has seen anything.
    board: Option<Board>,
    /// Tells the file and the boot: after a loss of power, what the board says may never have reached the disk.
    of: u64,
}

impl Witness {
    /// The witness for a file, by its device and number, in this boot.
    pub(crate) fn of(board: Option<Board>, boot_id: &str, inode: (u64, u64)) -> Self {
        let mut hasher = DefaultHasher::new();
        (boot_id, inode).hash(&mut hasher);
        // A boot that has no name cannot be told from the one before.
        Self { board: board.filter(|_| !boot_id.is_empty()), of: hasher.finish() }
    }

    /// The witness for whatever file is at a place, which need not be in a state to be opened.
    pub(crate) fn at(place: &Place, clock: &dyn Clock) -> Self {
        match (place.board(), place.inode()) {
            (Ok(board), Ok(inode)) => Self::of(board, &clock.host().boot_id, inode),
            _ => Self { board: None, of: 0 },
        }
    }

    /// The last number that was committed, as far as anybody saw; 0 when nobody did. It is asked for before the moment of the store that it
    /// is compared with: others go on meanwhile.
    pub(crate) fn last_seq(&self) -> u64 {
        self.board.as_ref().map_or(0, |board| board.seen(self.of))
    }

    /// Tells that everything up to this number is committed.
    pub(crate) fn saw(&self, seq: u64) {
        if let Some(board) = &self.board {
            board.saw(self.of, seq);
        }
    }

    /// Refuses a log that ends before what was seen of it.
    pub(crate) fn check(seen: u64, end: u64) -> StoreResult<()> {
        if end >= seen {
            return Ok(());
        }
        Err(StoreError::Damaged {
            message: format!(
                "the store is damaged: its log ends at {end}, and {seen} was committed; the file was cut, changed or replaced"
            ),
            hint: "`oarlock restore F` takes a backup; `oarlock doctor --fix` goes on without what is lost, in a new epoch".into(),
        })
    }
}
