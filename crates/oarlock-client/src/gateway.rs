//! The way to a gateway: where it is, the key that this user has for it, the proof that it knows that key, and requests.

mod access;
mod address;
mod client;
mod key;
mod known;
mod proof;
mod socket;
mod words;

pub use access::{Access, AccessReply, AccessRequest, AccessVerb, CreatedKey, GoneKeys, ListedKeys, NewKey, RevokedKeys};
pub use address::{Address, Bind, is_loopback, split_port};
pub use client::{Client, key_for_waiting};
pub use key::{Key, file_for, read as read_key, write as write_key, write_private};
pub use proof::{Challenge, HEADER as PROOF_HEADER, PATH as PROOF_PATH};
pub use socket::{SocketListener, Stream, connect};
pub use words::{Proven, StillWaiting, field, header};
