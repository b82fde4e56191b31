//! Every operation of Oarlock, once: its request, its reply, what it locks, how it decides.
//!
//! Doors find operations in the [`registry`] and run them with [`call`]; stores implement the port
//! in [`store`]. Rules are called from here and stand in `oarlock-model`.

pub mod admin;
pub mod agent;
pub mod budget;
pub mod call;
pub mod caller;
pub mod context;
pub mod cursor;
pub mod error;
pub mod graph;
pub mod hint;
pub mod landing;
pub mod local;
pub mod lock;
pub mod log;
pub mod message;
pub mod number;
mod once;
pub mod outside;
pub mod owners;
mod page;
mod portions;
pub mod presence;
pub mod proposal;
mod reap;
pub mod registry;
pub mod reply;
pub mod request;
pub mod reservation;
pub mod schema;
pub mod search;
pub mod settings;
pub mod shapes;
pub mod state;
mod steps;
pub mod store;
pub mod task;
pub mod teaching;
pub mod topic;
pub mod wait;

pub use error::OpError;
