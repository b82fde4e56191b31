//! The semantics, on every store: text scripts, random pieces, and the log they leave behind.

#![expect(clippy::panic, reason = "a test fails by panicking, and says why")]

mod authority;
mod bounded;
mod differential;
mod exhaustive;
mod groups;
mod pages;
mod portions;
mod scripts;
mod simulation;
mod sqlite_harness;
