//! What the tests of Oarlock share: the specification as a store, text scripts that run on every store,
//! random operations, seeded simulations, and checkers of what must hold at any moment. Development only.

pub mod check;
pub mod compare;
pub mod counted;
pub mod faulty;
pub mod hurried;
pub mod linear;
pub mod memory;
pub mod metered;
#[cfg(unix)]
pub mod modes;
pub mod paper;
pub mod random;
pub mod script;
pub mod sim;
pub mod stage;
pub mod wrapped;

pub use memory::MemoryStore;
pub use stage::{Lockstep, MemoryStage, Stage, say};
