//! What is known about each step by itself, before any order is concluded: its role, the files that it writes and reads,
//! what it says about other steps, how long it takes. [`gather`] puts these together; whether a phase is one step or
//! several is decided in [`units`].

pub(crate) mod claim;
pub(crate) mod estimate;
pub(crate) mod files;
pub(crate) mod gather;
pub(crate) mod identifiers;
pub(crate) mod imports;
pub(crate) mod independence;
pub(crate) mod inherit;
pub(crate) mod lexicon;
pub(crate) mod ordering;
pub(crate) mod overlap;
pub(crate) mod references;
pub(crate) mod tables;
pub(crate) mod units;
