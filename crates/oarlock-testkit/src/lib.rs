//! The shared tools of Oarlock's tests: the specification as a store, text scripts that run on every store,
//! random operations, seeded simulations, and checkers of what must hold at any moment. Development only.

pub mod check;
pub mod compare;
pub mod counted;
pub mod faulty;
pub mod harness;
pub mod linear;
pub mod memory;
pub mod metered;
#[cfg(unix)]
pub mod modes;
pub mod paper;
pub mod random;
pub mod script;
pub mod sim;
pub mod virtual_wait;
pub mod wrapped;

pub use harness::{Harness, Lockstep, MemoryHarness, say};
pub use memory::MemoryStore;
