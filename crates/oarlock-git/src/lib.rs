//! The questions to git: where repositories and worktrees are, what an index tracks, the paths about to be committed or pushed, where
//! hooks belong, the checked-out branch; agents' worktrees, from making them to comparing their branches; and merging for the landing
//! queue (`merge`).
//!
//! The facts that every call needs come from git's own files: starting git would cost a one-shot command more than all the rest. Git itself is
//! started where only it can know. Nothing here knows a store.

mod changes;
mod head;
mod hooks;
mod index;
pub mod merge;
mod program;
mod repository;
mod submission;
mod unmade;
mod worktree;

pub use changes::{changes_since, pushed, staged};
pub use head::checked_out;
pub use hooks::hooks_dir;
pub use index::tracked;
pub use program::{GitFailed, REPOSITORY_VARIABLES};
pub use repository::{Repository, exclude_of};
pub use submission::{Tip, tip_here, tip_of, uncommitted};
pub use worktree::{
    BRANCHES, Compared, Concern, End, Entered, Ground, Left, Live, Pair, Pairs, Place, Radar, Refusal, Shared, Stock, Stocked, Worktrees,
    branch_of,
};
pub use worktree::{DOT_GIT, is_linked, is_top, slashed, top_around, worktree_of};
