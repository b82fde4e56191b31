//! Operations on state entries: sync, state, state-set, state-delete (semantics 15).

mod delete;
mod get;
mod report;
mod set;
mod sync;

pub use delete::StateDelete;
pub use get::{GetState, GetStateReply};
pub use report::{ReportState, ReportStateReply};
pub use set::{EntryReply, StateSet};
pub use sync::Sync;
