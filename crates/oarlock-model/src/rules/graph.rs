//! Cycles among dependencies and parents.

use std::collections::{BTreeSet, HashMap};

use crate::Rejection;
use crate::ident::TaskId;
use crate::limits;

/// The cycle that the edges `task -> on` would close, as the ids on it (`task` first), or nothing. `inside` are the task and all its
/// parts, at any depth: they wait for what the task needs, so that an edge back to any of them closes a cycle.
///
/// `successors(x)` are the tasks that must be finished before `x`: what it and its parents need, and its children.
/// The walk is iterative and bounded by [`limits::GRAPH_VISITS_MAX`].
///
/// # Errors
/// Those of `successors`, and [`Rejection::LimitReached`] for a graph too large to search.
pub fn cycle<E: From<Rejection>>(
    task: &TaskId,
    inside: &BTreeSet<TaskId>,
    on: &BTreeSet<TaskId>,
    mut successors: impl FnMut(&TaskId) -> Result<Vec<TaskId>, E>,
) -> Result<Option<Vec<TaskId>>, E> {
    if on.contains(task) {
        return Ok(Some(vec![task.clone()]));
    }
    if let Some(part) = on.intersection(inside).next() {
        return Ok(Some(vec![task.clone(), part.clone()]));
    }
    let mut came_from: HashMap<TaskId, Option<TaskId>> = on.iter().map(|id| (id.clone(), None)).collect();
    let mut open: Vec<TaskId> = on.iter().cloned().collect();
    while let Some(id) = open.pop() {
        if came_from.len() > limits::GRAPH_VISITS_MAX {
            return Err(Rejection::limit("tasks reached from one dependency", limits::GRAPH_VISITS_MAX, came_from.len()).into());
        }
        for next in successors(&id)? {
            if next == *task || inside.contains(&next) {
                let mut path = path_back(task, &id, &came_from);
                path.extend(Some(next).filter(|next| next != task));
                return Ok(Some(path));
            }
            if !came_from.contains_key(&next) {
                came_from.insert(next.clone(), Some(id.clone()));
                open.push(next);
            }
        }
    }
    Ok(None)
}

fn path_back(task: &TaskId, last: &TaskId, came_from: &HashMap<TaskId, Option<TaskId>>) -> Vec<TaskId> {
    let mut path = vec![last.clone()];
    let mut current = last;
    while let Some(Some(previous)) = came_from.get(current) {
        path.push(previous.clone());
        current = previous;
    }
    path.push(task.clone());
    path.reverse();
    path
}

/// The refusal that names a cycle.
pub fn cycle_refused(cycle: &[TaskId]) -> Rejection {
    let mut shown: Vec<&str> = cycle.iter().map(TaskId::as_str).collect();
    shown.extend(cycle.first().map(TaskId::as_str));
    Rejection::Invalid {
        message: format!("the dependency would close a cycle: {}", shown.join(" -> ")),
        hint: "remove one of these dependencies first: oarlock depend ID --on ID --remove".into(),
        details: serde_json::json!({ "cycle": cycle }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> TaskId {
        TaskId::parse(text).expect("valid")
    }

    fn check(edges: &[(&str, &str)], task: &str, on: &str) -> Option<Vec<String>> {
        check_inside(edges, task, &[], on)
    }

    fn check_inside(edges: &[(&str, &str)], task: &str, parts: &[&str], on: &str) -> Option<Vec<String>> {
        let inside = parts.iter().copied().chain([task]).map(id).collect();
        let found = cycle::<Rejection>(&id(task), &inside, &BTreeSet::from([id(on)]), |from| {
            Ok(edges.iter().filter(|(a, _)| id(a) == *from).map(|(_, b)| id(b)).collect())
        });
        found.expect("small graph").map(|path| path.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_cycle_is_named_from_the_task_on() {
        let edges = [("b", "c"), ("c", "d"), ("d", "a"), ("b", "e")];
        assert_eq!(check(&edges, "a", "b"), Some(vec!["a".into(), "b".into(), "c".into(), "d".into()]));
        assert_eq!(check(&edges, "a", "a"), Some(vec!["a".into()]));
        assert_eq!(check(&edges, "e", "b").map(|c| c.len()), Some(2));
        assert_eq!(check(&edges, "x", "b"), None);
    }

    #[test]
    fn parts_wait_for_what_their_parent_needs() {
        // p has the part c, and n needs c: p must not need n, because c would wait for it.
        let edges = [("n", "m"), ("m", "c")];
        assert_eq!(check_inside(&edges, "p", &["c"], "n"), Some(vec!["p".into(), "n".into(), "m".into(), "c".into()]));
        assert_eq!(check_inside(&edges, "p", &["c"], "c"), Some(vec!["p".into(), "c".into()]));
        assert_eq!(check_inside(&edges, "p", &["d"], "n"), None);
    }
}
