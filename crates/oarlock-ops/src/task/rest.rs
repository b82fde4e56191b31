//! Finding the facts for the rule that says where a task rests.

use oarlock_model::rules::resting::{RestingFacts, resting};
use oarlock_model::task::{Resting, Task};

use crate::store::{StoreResult, View};

/// Where a task rests now when nobody holds it.
pub(crate) fn resting_place(view: &dyn View, task: &Task) -> StoreResult<Resting> {
    let open_children = !view.open_children(&task.id, 1)?.is_empty();
    let unmet_needs = !task.needs.is_empty() && !view.unmet_needs(&task.id)?.is_empty();
    Ok(resting(RestingFacts::of(task, open_children, unmet_needs), view.now()))
}
