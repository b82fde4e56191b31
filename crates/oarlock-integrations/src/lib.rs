//! The coding agents' own programs ("clients"): which files they read, how those are edited without harm, what their hooks report
//! and how they want to be answered. All but [`answering`] and [`installing`] is texts in, texts out: it reads no file and calls no store.

pub mod answering;
pub mod block;
pub mod client;
pub mod edit;
pub mod hook;
pub mod installing;
pub mod json;
pub mod setup;
pub mod toml;
