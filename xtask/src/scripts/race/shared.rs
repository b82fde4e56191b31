//! The project that is raced for, and how the old scripts choose their tasks in it.

use std::path::PathBuf;

use clap::builder::PossibleValue;

/// How an old script chooses a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scripts) enum Locking {
    /// It chooses and marks under one lock.
    Locked,
    /// It chooses before it takes the lock, as the scripts of the project do.
    Written,
    /// It takes no lock.
    Unlocked,
}

impl Locking {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Written => "written",
            Self::Unlocked => "none",
        }
    }
}

impl clap::ValueEnum for Locking {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Locked, Self::Written, Self::Unlocked]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.word()))
    }
}

/// The project that is raced for.
pub(super) struct Place {
    pub(super) root: PathBuf,
    pub(super) program: PathBuf,
    pub(super) task_time: String,
    pub(super) locking: Locking,
}
