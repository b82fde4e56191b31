//! The gateway: the operations for whoever cannot open the store's file, over HTTP.
//!
//! It decides nothing: [`routes`] turns requests into calls of the registry, [`engine`] has them made by one writer that
//! commits many at once, by a few readers, or lets them wait without a thread. [`guard`] turns away who may not ask.

mod access;
mod address;
mod body;
mod bounds;
mod caller;
mod claims;
mod client;
mod connections;
mod engine;
mod events;
mod give_back;
mod guard;
mod key;
mod known;
mod lanes;
mod metrics;
mod news;
mod openapi;
mod patient;
mod pieces;
mod proof;
mod quota;
mod readers;
mod reply;
mod routes;
mod server;
mod socket;
mod tls;
mod writer;

pub(crate) use access::{AccessList, Deed, KEYS_OF_AGENT_DEFAULT, Principal};
pub(crate) use address::{Address, Bind};
pub(crate) use bounds::{Bounds, Ledger, Tab};
pub(crate) use caller::common_of;
pub(crate) use client::Client;
pub(crate) use connections::Connections;
pub(crate) use engine::{Asked, Engine, Outcome};
pub(crate) use give_back::calls as calls_that_give_back;
pub(crate) use guard::{Guard, own};
pub(crate) use key::{Key, file_for, read as read_key, write as write_key};
pub(crate) use quota::{Quotas, Rates};
pub(crate) use routes::Gate;
pub(crate) use server::{Listening, serve};
pub(crate) use tls::acceptor;
