//! Work in portions: what changes thousands of rows, and need not be one step for its caller, is done in transactions of a bounded size.
//! Others write between them. After each portion the store is in a state that single calls could have made too, so a crash between two
//! of them leaves nothing half done, and the same call again does the rest.

use oarlock_model::TaskId;

use crate::shapes::ReservationShape;

/// The effects of a call in its earlier portions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Whether there was a portion before: the checks made once for all of them are done.
    pub(crate) is_begun: bool,
    /// The tasks that the reply names.
    pub(crate) tasks: Vec<TaskId>,
    /// The reservations that the reply names.
    pub(crate) reservations: Vec<ReservationShape>,
    /// How many entries of a list have been looked at.
    pub(crate) looked: usize,
}

/// Whether all was done, or only as much as fits into one portion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Extent {
    /// All of it.
    All,
    /// There is more.
    Part,
}
