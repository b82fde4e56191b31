//! The access keys of a store, for whoever may open it.

use std::path::Path;

use oarlock_host::clock::wall_ms;
use oarlock_model::identity::StoreId;
use oarlock_ops::OpError;
use serde_json::Value;

use crate::gateway::{AccessList, Deed, own};

/// What to say where a list of keys of an older program lies beside the store in this file.
#[must_use]
pub fn about_former_keys(store: &Path) -> Option<String> {
    AccessList::about_former(store)
}

/// Makes, lists or revokes keys of the store in this file, which has this identity, as its user may.
///
/// # Errors
/// `invalid_request`, and `store_unavailable` when the list cannot be read or written.
pub fn answer_here(store: &Path, identity: StoreId, deed: Deed, request: Value) -> Result<Value, OpError> {
    AccessList::of(store, move || identity).answer(&own(), deed, request, wall_ms())
}
