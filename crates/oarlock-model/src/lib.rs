//! The nouns, events and rules of Oarlock: values and pure functions, no clock, no I/O, no async.
//!
//! Everything lasting changes only by an [`event::Event`]; [`state::State::apply`] is the specification
//! of what an event does. Stores project the same events onto tables and are compared with it.

pub mod agent;
pub mod conflict;
pub mod duration;
mod error_code;
pub mod event;
pub mod ident;
pub mod identity;
pub mod landing;
pub mod limits;
pub mod message;
pub mod pattern;
pub mod pattern_wire;
pub mod proposal;
pub mod rejection;
pub mod reservation;
pub mod rules;
mod schema;
pub mod seeded;
pub mod state;
pub mod task;
pub mod text;
pub mod time;
pub mod usage;

pub use error_code::ErrorCode;
pub use ident::{AgentName, Label, MessageId, ProposalId, ReservationId, SessionId, StateKey, TaskId, Token};
pub use identity::StoreIdentity;
pub use rejection::Rejection;
pub use time::{Now, StoreTime, WallTime};
