//! What the parts of a task came to.

use oarlock_model::{TaskId, limits};

use crate::store::{StoreResult, View};

/// The results of the parts in the order of the document they were split from, each under its title; cut at the limit of a
/// result. Nothing when no part has one.
///
/// # Errors
/// Store errors.
pub(crate) fn joined_results(view: &dyn View, parent: &TaskId) -> StoreResult<Option<String>> {
    let mut parts = view.children(parent)?;
    // Parts are made in the order in which they can be done; their numbers are those of the document.
    let number = |id: &TaskId| id.as_str().strip_prefix(parent.as_str())?.strip_prefix("-SUB")?.parse::<usize>().ok();
    parts.sort_by_key(|id| number(id).unwrap_or(usize::MAX));
    let mut joined = String::new();
    for id in parts {
        let Some(child) = view.task(&id)? else { continue };
        let Some(result) = child.result.as_deref().map(str::trim).filter(|result| !result.is_empty()) else { continue };
        let part = format!("## {} ({id})\n\n{result}\n\n", child.spec.title);
        if joined.len() + part.len() > limits::BODY_BYTES_MAX {
            joined.push_str("(further results are too long to be joined; see the parts)\n");
            break;
        }
        joined.push_str(&part);
    }
    Ok((!joined.is_empty()).then(|| joined.trim_end().to_owned()))
}
