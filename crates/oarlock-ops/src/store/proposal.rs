//! Proposals.

use oarlock_model::ProposalId;
use oarlock_model::proposal::Proposal;

use super::StoreResult;

/// Reading proposals.
pub trait ProposalView {
    /// The proposal with this id.
    fn proposal(&self, id: &ProposalId) -> StoreResult<Option<Proposal>>;
    /// Those that are open, the oldest first, at most `limit`. The deadline of some may have passed.
    fn open_proposals(&self, limit: usize) -> StoreResult<Vec<Proposal>>;
    /// Those of them whose deadline has passed, at most `limit`: the earliest deadline first.
    fn due_proposals(&self, limit: usize) -> StoreResult<Vec<Proposal>>;
}
