//! The access keys of a store, for anyone who may open it.

use std::path::Path;

use oarlock_client::gateway::{AccessReply, AccessRequest};
use oarlock_host::clock::wall_ms;
use oarlock_model::identity::StoreId;
use oarlock_ops::OpError;

use crate::gateway::{AccessList, own};

/// The warning where a list of keys of an older program lies beside the store in this file.
#[must_use]
pub fn about_former_keys(store: &Path) -> Option<String> {
    AccessList::about_former(store)
}

/// Makes, lists or revokes keys of the store in this file, which has this identity, with the rights of the store's user.
///
/// # Errors
/// `invalid_request` for a verb that does not exist, `not_found` when there is nothing to revoke, `limit_reached`, and `store_unavailable` when the list cannot be read or written.
pub fn answer_here(store: &Path, identity: StoreId, request: AccessRequest) -> Result<AccessReply, OpError> {
    AccessList::of(store, move || identity).answer(&own(), request, wall_ms())
}
