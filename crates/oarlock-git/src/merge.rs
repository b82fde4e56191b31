//! Merging for the landing queue: candidates without a worktree, merge commits with trailers, moving a branch by its old value, and a worktree
//! in which a candidate is tested.
//!
//! Every candidate is made with the same settings, whatever the user has configured, and with the attributes of the merged trees themselves. No side
//! of a conflict is ever chosen.

mod attributes;
mod candidate;
mod commit;
mod conflict;
mod git;
mod landed;
mod lines;
mod pinned;
mod predict;
mod reference;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tree;

pub use candidate::Merged;
pub use commit::Message;
pub use conflict::{Conflict, Hunk};
pub use git::MergeRepository;
pub use landed::LandedCommit;
pub use pinned::pin_submission;
pub use predict::{Clash, Place, Span};
pub use reference::Moved;
pub use tree::TestTree;
