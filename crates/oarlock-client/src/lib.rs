//! The one way to a store, below every door: which project or store is meant ([`StoreTarget`]), whose it is ([`trust`]), its configuration
//! ([`config`]), who calls ([`caller`]), the machine that the caller is on ([`ThisMachine`]), and the place where calls are made ([`Backend`]).
//! [`Oarlock`] is all of it in one hand, for other programs.

mod backend;
pub mod caller;
pub mod config;
mod follow;
pub mod gateway;
mod handle;
pub mod hook_state;
pub mod interrupt;
mod machine;
mod making;
mod opening;
pub mod paths;
pub mod project;
pub mod ralf;
mod selection;
pub mod trust;
pub mod user;
mod whereabouts;
mod worktree;

pub use backend::Backend;
pub use follow::Reader;
pub use handle::Oarlock;
pub use interrupt::while_waiting;
pub use machine::ThisMachine;
pub use making::{Made, MadeProject, forget, make};
pub use oarlock_sqlite::{Options, STORE_FILE, StorePaths, Synchronous};
pub use opening::{OpenStore, administration, files_of, open, open_alone, options};
pub use project::Project;
pub use selection::Selection;
pub use whereabouts::{IfMissing, StoreTarget, named_by_environment};
pub use worktree::worktree_of;
