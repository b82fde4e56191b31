//! Proposals.

use oarlock_model::ProposalId;
use oarlock_model::proposal::Proposal;
use oarlock_ops::store::{ProposalView, StoreResult};

use crate::memory::Moment;
use crate::memory::scan::sorted;

impl Moment {
    /// The proposals that are open.
    pub(super) fn open(&self) -> impl Iterator<Item = &Proposal> {
        self.world.state.proposals.values().filter(|proposal| proposal.closed.is_none())
    }
}

impl ProposalView for Moment {
    fn proposal(&self, id: &ProposalId) -> StoreResult<Option<Proposal>> {
        Ok(self.world.state.proposals.get(id).cloned())
    }

    fn open_proposals(&self, limit: usize) -> StoreResult<Vec<Proposal>> {
        Ok(sorted(self.open(), |proposal| proposal.id.seq()).into_iter().take(limit).cloned().collect())
    }

    fn due_proposals(&self, limit: usize) -> StoreResult<Vec<Proposal>> {
        let due = self.open().filter(|proposal| proposal.closes_at.is_some_and(|at| at <= self.now.store));
        Ok(sorted(due, |proposal| (proposal.closes_at, proposal.id.seq())).into_iter().take(limit).cloned().collect())
    }
}
