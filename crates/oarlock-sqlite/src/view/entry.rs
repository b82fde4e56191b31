//! State entries.

use oarlock_model::StateKey;
use oarlock_model::state::Entry;
use oarlock_ops::store::{EntryPage, EntryView, StoreResult};

use super::SqliteView;
use crate::error::store_error;
use crate::rows::entry;

impl EntryView for SqliteView<'_> {
    fn entry(&self, key: &StateKey) -> StoreResult<Option<Entry>> {
        entry::get(self.conn, key).map_err(store_error)
    }

    fn entries(&self, prefix: &str, page: &EntryPage<'_>) -> StoreResult<Vec<Entry>> {
        entry::with_prefix(self.conn, prefix, page).map_err(store_error)
    }
}
