//! Operations on the whole: events, status, prime.

mod events;
mod prime;
mod status;

pub use events::{Events, EventsReply};
pub use prime::{Prime, PrimeReply};
pub use status::{Status, StatusReply};
