//! The shapes of replies as in the contract, one file for each noun, made from nouns and a view.

mod agent;
mod entry;
mod event;
mod landing;
mod message;
mod proposal;
pub(crate) mod related;
mod reservation;
mod task;
mod time;

pub use agent::AgentShape;
pub use entry::EntryShape;
pub use event::EventShape;
pub use landing::LandingShape;
pub use message::MessageShape;
pub use proposal::{ProposalShape, ProposalState};
pub use reservation::{ReservationShape, reservation_ttls_ms};
pub use task::{HolderShape, LeaseShape, TaskShape};
pub use time::rfc3339;
