//! Operations on state entries: sync, state, state-set, state-delete (semantics 15).

mod delete;
mod get;
mod set;
mod sync;
mod told;

pub use delete::StateDelete;
pub use get::{GetState, GetStateReply};
pub use set::{EntryReply, StateSet};
pub use sync::Sync;
pub use told::{TellState, TellStateReply};
