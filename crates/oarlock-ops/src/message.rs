//! Operations on messages: send, inbox, ack, thread (semantics 16).

mod ack;
mod inbox;
mod send;
mod thread;

pub use ack::{Ack, AckReply, MessagesReply};
pub use inbox::{Inbox, InboxReply, ReaderRoom};
pub(crate) use inbox::{fair_page, mark_shown};
pub use send::Send;
pub use thread::{Thread, ThreadReply};
