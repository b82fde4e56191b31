//! The gateway from outside: the same operations by other doors, and what must not come in by them.

mod access;
mod bounds;
mod claims;
mod client;
mod guard;
mod handle;
mod life;
mod listener;
mod mcp;
mod parity;
mod stores;
mod tls;
