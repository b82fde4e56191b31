//! Operations on proposals: propose, vote, decision (semantics 21). The rules are in `rules/vote.rs` of the model.

pub(crate) mod close;
mod decision;
mod propose;
mod vote;

pub use decision::ShowDecision;
pub use propose::{ProposalReply, Propose};
pub use vote::Vote;
