//! Operations on the whole: events, status, attention, prime.

mod attention;
mod events;
mod prime;
mod record;
mod status;

pub use attention::{Attention, AttentionItem, AttentionReply};
pub use events::{Events, EventsReply};
pub use prime::{Prime, PrimeReply};
pub use record::{Record, RecordReply};
pub use status::{OldestReady, OpenProposal, OutsideTask, Status, StatusReply, TargetCounts};
