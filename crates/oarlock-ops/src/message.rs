//! Operations on messages: send, inbox, ack, thread (semantics 16).

mod ack;
mod inbox;
mod send;
mod thread;

pub use ack::{Ack, MessagesReply};
pub(crate) use inbox::mark_shown;
pub use inbox::{Inbox, InboxReply};
pub use send::Send;
pub use thread::{Thread, ThreadReply};
