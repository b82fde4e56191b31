//! Oarlock: coordination for coding agents that work on one repository.
//!
//! This crate is the front of the house: the command line ([`cli`]), and [`Oarlock`], the handle by which other Rust programs call every
//! operation, which is that of [`client`].
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

pub mod cli;
mod replies;
mod selftest;
mod view;

pub use oarlock_client::{self as client, Oarlock};
pub use oarlock_model as model;
pub use oarlock_ops as ops;
