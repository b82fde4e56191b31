//! [`HighWaterMark`]: where the log ended when this boot last saw it, known by memory and not by the file.
//!
//! SQLite takes a write-ahead log to end where a frame does not fit its checksum. After a loss of power that is right. When the
//! file was cut or changed otherwise, it silently takes back acknowledged writes; so does a copy of an older file in its place.

use std::hash::{DefaultHasher, Hash, Hasher};

use oarlock_host::shared_state::SharedState;
use oarlock_ops::store::{StoreError, StoreResult};
use rusqlite::{Connection, Row};

use crate::error::store_error;

/// When a store was made, and the prefix of its tasks: what distinguishes it from one that is made in its place, and not from its own older copies.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    at: i64,
    pub(crate) prefix: String,
    /// Whether states and priorities are what follows from the graph.
    pub(crate) is_derived: bool,
}

impl Hash for Made {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.at, &self.prefix).hash(state);
    }
}

impl Made {
    /// The row of the store.
    pub(crate) fn read(conn: &Connection) -> StoreResult<Self> {
        let read = |row: &Row<'_>| Ok(Self { at: row.get(0)?, prefix: row.get(1)?, is_derived: row.get(2)? });
        conn.query_row("SELECT created_at, prefix, is_derived FROM meta WHERE id = 1", [], read).map_err(store_error)
    }
}

/// The last number that this boot knows to be committed in one store.
#[derive(Clone, Debug)]
pub(crate) struct HighWaterMark {
    /// None where no memory can be shared: then nobody has seen anything.
    shared_state: Option<SharedState>,
    /// Reports to the store and the boot: after a loss of power, what the shared state says may never have reached the disk.
    of: u64,
}

impl HighWaterMark {
    /// The high-water mark for a store in this boot.
    pub(crate) fn of(made: &Made, shared_state: Option<SharedState>, boot_id: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        // Beside a copy of the whole directory lies a copy of the shared state, which may be newer than the copied log.
        let board_file = shared_state.as_ref().and_then(|shared_state| shared_state.file_id().ok());
        (boot_id, made, board_file).hash(&mut hasher);
        // A boot that has no name cannot be distinguished from the one before.
        Self { shared_state: shared_state.filter(|_| !boot_id.is_empty()), of: hasher.finish() }
    }

    /// Nobody, who has seen nothing.
    pub(crate) fn nobody() -> Self {
        Self { shared_state: None, of: 0 }
    }

    /// The last number that was committed, as far as anybody saw; 0 when nobody did. It is asked for before the moment of the store that it
    /// is compared with: others go on meanwhile.
    pub(crate) fn last_seq(&self) -> u64 {
        self.shared_state.as_ref().map_or(0, |shared_state| shared_state.seen(self.of))
    }

    /// Whose turn it is among all who share the store, where anything is shared.
    pub(crate) fn turn(&self) -> Option<u64> {
        self.shared_state.as_ref().map(SharedState::turn)
    }

    /// Shows that everything up to this number is committed.
    pub(crate) fn saw(&self, seq: u64) {
        if let Some(shared_state) = &self.shared_state {
            shared_state.saw(self.of, seq);
        }
    }

    /// Refuses a log that ends before its last seen end.
    pub(crate) fn check(seen: u64, end: u64) -> StoreResult<()> {
        if end >= seen {
            return Ok(());
        }
        Err(StoreError::Damaged {
            message: format!(
                "the store is damaged: its log ends at {end}, and {seen} was committed; the file was cut, changed or replaced"
            ),
            hint: "`oarlock restore F` takes a backup; `oarlock doctor --fix` continues without the lost events, in a new epoch".into(),
        })
    }
}
