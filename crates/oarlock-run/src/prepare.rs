//! From what the user named to a task whose parts can be claimed: split it, add it, or go on with it.

use oarlock_model::duration::Duration;
use oarlock_model::ident::is_bidi_or_invisible;
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId, limits};
use oarlock_ops::OpError;
use oarlock_ops::call::{self, Caller};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::Store;
use oarlock_ops::task::{Add, Split};
use oarlock_plan_shape::Plan;

use crate::progress::Tell;
use crate::run::Target;
use crate::text::first_line;

/// A task that is ready to be worked on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Prepared {
    /// The parent.
    pub(crate) task: TaskId,
    /// Whether it has parts; without, it is work for one.
    pub(crate) has_parts: bool,
}

/// Who prepares: the store, and on whose behalf.
pub(crate) struct Preparing<'a> {
    pub(crate) store: &'a mut dyn Store,
    pub(crate) caller: &'a Caller,
    pub(crate) settings: &'a Settings,
    pub(crate) agents: usize,
    pub(crate) tell: &'a dyn Tell,
}
