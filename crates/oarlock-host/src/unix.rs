//! The answers that all Unix systems share.

pub mod children;
pub(crate) mod file;
pub mod guard;
pub mod pipe;
pub(crate) mod space;
