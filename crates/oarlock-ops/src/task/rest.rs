//! Finding the facts for the rule that says where a task rests.

use oarlock_model::TaskId;
use oarlock_model::rules::resting::{RestingFacts, may_have_unmet_needs, resting};
use oarlock_model::task::{Resting, Task};

use crate::store::{GraphView, StoreResult, View};

/// Where a task rests now when nobody holds it.
pub(crate) fn resting_place(view: &dyn View, task: &Task) -> StoreResult<Resting> {
    let open_children = !view.open_children(&task.id, 1)?.is_empty();
    let unmet_needs = !unmet_needs(view, task)?.is_empty();
    Ok(resting(RestingFacts::of(task, open_children, unmet_needs), view.now()))
}

/// The unfinished needs of the task and of the tasks above it.
pub(crate) fn unmet_needs(view: &dyn GraphView, task: &Task) -> StoreResult<Vec<TaskId>> {
    if may_have_unmet_needs(task) { view.unmet_needs(&task.id) } else { Ok(Vec::new()) }
}
