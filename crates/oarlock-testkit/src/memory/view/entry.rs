//! State entries.

use oarlock_model::StateKey;
use oarlock_model::state::Entry;
use oarlock_ops::store::{EntryPage, EntryView, StoreResult};

use crate::memory::Moment;
use crate::memory::scan::page;

impl EntryView for Moment {
    fn entry(&self, key: &StateKey) -> StoreResult<Option<Entry>> {
        Ok(self.world.state.entries.get(key).cloned())
    }

    fn entries(&self, prefix: &str, wanted: &EntryPage<'_>) -> StoreResult<Vec<Entry>> {
        let has_prefix = |entry: &&Entry| entry.value.is_some() && entry.key.as_str().starts_with(prefix);
        let is_after = |entry: &&Entry| wanted.after.is_none_or(|after| entry.key > *after);
        let entries = self.world.state.entries.values().filter(has_prefix).filter(is_after);
        let bytes = |entry: &Entry| entry.value.as_ref().map_or(0, |value| value.to_string().len());
        Ok(page(entries, wanted.limit, wanted.bytes_max, bytes))
    }
}
