//! The semantics, on every store: text scripts, random pieces, and the log they leave behind.

mod differential;
mod scripts;
mod sqlite_stage;
