//! Everything that reads what others wrote, fed with anything: it must answer or refuse, in bounded time and memory, and never panic.
//! Each target also checks the result of reading. Development only.
//!
//! The kept inputs are in `corpus/TARGET`; `./test fuzz` runs them and some thousand changed ones, `cargo xtask fuzz TARGET` searches on
//! with LLVM's libFuzzer, guided by what code an input reaches.

mod mutate;
mod targets;

pub use mutate::Mutator;
pub use targets::{TARGETS, Target};
