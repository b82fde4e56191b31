//! The results of the parts of a task.

use oarlock_model::task::TaskState;
use oarlock_model::{TaskId, limits, planted};

use crate::store::{StoreResult, View};

/// The finished work of a task's parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The parts that are done, in the order of the document they were split from.
    pub(crate) done: Vec<TaskId>,
    /// Their results in that order, each under its title; cut at the limit of a result. Absent when no part has one.
    pub(crate) results: Option<String>,
}

/// The parts of a task, once none of them is open; nothing while one is, or when the task has no parts.
///
/// # Errors
/// Store errors.
pub(crate) fn finished(view: &dyn View, parent: &TaskId) -> StoreResult<Option<Parts>> {
    let mut ids = view.children(parent)?;
    if ids.is_empty() || !view.open_children(parent, 1)?.is_empty() {
        return Ok(None);
    }
    // Parts are made in the order in which they can be done; their numbers are those of the document.
    let number = |id: &TaskId| id.as_str().strip_prefix(parent.as_str())?.strip_prefix("-SUB")?.parse::<usize>().ok();
    ids.sort_by_key(|id| number(id).unwrap_or(usize::MAX));
    let mut parts = Parts::default();
    let (mut joined, mut is_full) = (String::new(), false);
    for id in ids {
        let Some(part) = view.task(&id)?.filter(|part| part.state == TaskState::Done) else { continue };
        parts.done.push(id.clone());
        let Some(result) = part.result.as_deref().map(str::trim).filter(|result| !result.is_empty() && !is_full) else { continue };
        let text = format!("## {} ({id})\n\n{result}\n\n", part.spec.title);
        if joined.len() + text.len() > limits::BODY_BYTES_MAX {
            joined.push_str("(further results are too long to be joined; see the parts)\n");
            is_full = true;
            continue;
        }
        joined.push_str(&text);
    }
    if !joined.is_empty() && !planted::is(planted::PARTS_RESULTS_DROPPED) {
        parts.results = Some(joined.trim_end().to_owned());
    }
    Ok(Some(parts))
}
