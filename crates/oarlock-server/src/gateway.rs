//! The gateway: the operations for anyone who cannot open the store's file, over HTTP.
//!
//! It decides nothing: [`routes`] turns requests into calls of the registry, [`engine`] has them made by one writer that
//! commits many at once, by a few readers, or lets them wait without a thread. [`guard`] turns away who may not ask.

mod access;
mod asked;
mod body;
mod bounds;
mod caller;
mod claims;
mod connections;
mod engine;
mod events;
mod give_back;
mod guard;
mod identity;
mod lanes;
mod log_follower;
mod metrics;
mod openapi;
mod patient;
mod pieces;
mod quota;
mod readers;
mod reply;
mod routes;
mod server;
mod tls;
mod writer;

pub use access::KEYS_OF_AGENT_DEFAULT;
pub(crate) use access::{AccessList, Principal};
pub(crate) use asked::Asked;
pub use bounds::Bounds;
pub(crate) use bounds::{Ledger, Tab};
pub(crate) use caller::common_of;
pub(crate) use connections::Connections;
pub(crate) use engine::{Engine, Outcome};
pub(crate) use give_back::calls as calls_that_give_back;
pub(crate) use guard::{Guard, own};
pub(crate) use openapi::document as openapi;
pub(crate) use quota::Quotas;
pub use quota::Rates;
pub(crate) use routes::Router;
pub(crate) use server::{Listening, serve};
pub(crate) use tls::acceptor;
