//! Oarlock: coordination for coding agents that work on one repository.
//!
//! This crate is the front of the house: the command line ([`cli`]), the finding of projects
//! ([`project`]), and [`Oarlock`], the handle by which other Rust programs call every operation.
//!
//! ```no_run
//! use oarlock::{Oarlock, ops::task::Claim};
//!
//! # fn main() -> Result<(), oarlock::ops::OpError> {
//! let mut ada = Oarlock::open_here()?.joined_as("ada")?;
//! let claims = ada.order(&Claim::default())?.into_claims();
//! println!("{} is mine, token {}", claims[0].task.id, claims[0].lease.token);
//! # Ok(())
//! # }
//! ```

mod beside;
pub mod cli;
pub mod config;
mod door;
#[cfg(feature = "gateway")]
mod gateway;
mod handle;
mod hooks;
mod interrupt;
#[cfg(feature = "gateway")]
mod mcp;
pub mod project;
pub mod ralf;
mod selftest;
mod setup;
mod trust;
mod user;
mod view;

pub use handle::Oarlock;
pub use interrupt::while_waiting;
pub use oarlock_model as model;
pub use oarlock_ops as ops;
