//! The doors for anyone who cannot open the store's file: the operations over HTTP, and the Model Context Protocol for models, over HTTP and for the
//! one client that starts a server of its own.

mod access;
mod gateway;
mod mcp;
pub mod reference;
mod serving;
mod stdio;

pub use access::{about_former_keys, answer_here};
pub use gateway::{Bounds, KEYS_OF_AGENT_DEFAULT, Rates};
pub use serving::{Checked, Serving, Started, checked, serve};
pub use stdio::{At, Starter, serve_client};
