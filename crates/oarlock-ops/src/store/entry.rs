//! State entries.

use oarlock_model::StateKey;
use oarlock_model::state::Entry;

use super::StoreResult;

/// Which part of a list of state entries to read.
#[derive(Clone, Copy, Debug)]
pub struct EntryPage<'a> {
    /// Keys after this one.
    pub after: Option<&'a StateKey>,
    /// At most this many.
    pub limit: usize,
    /// No more once their values have this many bytes; the first always comes.
    pub bytes_max: usize,
}

impl EntryPage<'_> {
    /// All of it.
    pub const WHOLE: Self = Self { after: None, limit: usize::MAX, bytes_max: usize::MAX };
}

/// Reading state entries.
pub trait EntryView {
    /// The state entry with this key; a deleted one has no value.
    fn entry(&self, key: &StateKey) -> StoreResult<Option<Entry>>;
    /// Entries that have a value and whose key begins with `prefix`, by key.
    fn entries(&self, prefix: &str, page: &EntryPage<'_>) -> StoreResult<Vec<Entry>>;
}
