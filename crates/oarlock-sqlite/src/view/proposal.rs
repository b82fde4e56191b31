//! Proposals.

use oarlock_model::ProposalId;
use oarlock_model::proposal::Proposal;
use oarlock_ops::store::{ProposalView, StoreResult};

use super::SqliteView;
use crate::error::store_error;
use crate::rows::proposal;

impl ProposalView for SqliteView<'_> {
    fn proposal(&self, id: &ProposalId) -> StoreResult<Option<Proposal>> {
        proposal::get(self.conn, id).map_err(store_error)
    }

    fn open_proposals(&self, limit: usize) -> StoreResult<Vec<Proposal>> {
        proposal::open(self.conn, limit).map_err(store_error)
    }

    fn due_proposals(&self, limit: usize) -> StoreResult<Vec<Proposal>> {
        proposal::due(self.conn, self.now, limit).map_err(store_error)
    }
}
