//! The answers of Windows.

pub mod children;
pub(crate) mod file;
pub mod guard;
pub mod pipe;
pub(crate) mod space;
