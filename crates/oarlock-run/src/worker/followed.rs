//! A program that is followed while it works, and why it was stopped.

use std::path::Path;
use std::time::{Duration as StdDuration, Instant};

use oarlock_model::usage::Usage;
use oarlock_ops::OpError;

use super::stillness::Stillness;
use crate::observed::Observed;
use crate::outcome::Outcome;

/// Why a program was stopped.
pub(super) enum Stop {
    /// Its task is no longer its worker's.
    Gone(Outcome),
    /// The worker ends.
    Ended(OpError),
    /// It may not go on, and its task is for another time.
    GivenBack(String),
    /// Its client said that it has finished, and did not end.
    Lingered,
    /// It was stuck: why its attempt has failed.
    Stuck(String),
}

/// One program that is followed.
pub(super) struct Following {
    pub(super) observed: Observed,
    pub(super) stillness: Stillness,
    /// The use that was reported last.
    pub(super) used: Usage,
    pub(super) used_at: Option<Instant>,
    /// The progress that was noted last.
    pub(super) progress: Option<String>,
    pub(super) progress_at: Instant,
}

impl Following {
    pub(super) fn new(observed: Observed, stuck_after: Option<StdDuration>, dir: &Path) -> Self {
        let stillness = Stillness::new(stuck_after, dir.to_owned());
        Self { observed, stillness, used: Usage::default(), used_at: None, progress: None, progress_at: Instant::now() }
    }
}
