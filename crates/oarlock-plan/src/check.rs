//! Plans that somebody else made: read field by field ([`given`]), checked and completed ([`validate`], and [`own`]
//! for plans with steps of their own), and held against
//! the files that a repository has ([`repository`]).

mod details;
pub(crate) mod given;
pub(crate) mod own;
pub(crate) mod problem;
pub(crate) mod repository;
pub(crate) mod validate;
