//! Worktrees: by their tops ([`top`]), and those of agents, `.oarlock/worktrees/AGENT`, one for each agent and reused from task to task.
//!
//! [`Worktrees::open`] finds the repository and the branch that tasks begin at. [`Worktrees::take`] takes an agent's worktree,
//! [`Worktrees::enter`] brings it to a task's branch, [`Worktrees::leave`] commits the remaining changes and lets go of the branch. Every step is
//! noted before it is made ([`place`]), so that a kill between any two loses nothing ([`mend`]).

mod base;
mod enter;
mod leave;
mod mend;
mod names;
mod pairs;
mod place;
mod radar;
mod refusal;
mod repo;
mod shared;
mod stock;
pub(crate) mod top;
mod tree;

pub use base::Ground;
pub use enter::Entered;
pub use leave::{End, Left};
pub use names::{BRANCHES, branch_of};
pub use pairs::{Compared, Pair, Pairs};
pub use place::Place;
pub use radar::{Live, Radar};
pub use refusal::{Concern, Refusal};
pub use repo::Worktrees;
pub use shared::Shared;
pub use stock::{Stock, Stocked};
pub use top::{DOT_GIT, is_linked, is_top, slashed, top_around, worktree_of};

#[cfg(test)]
mod tests;
