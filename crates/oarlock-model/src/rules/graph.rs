//! Cycles among dependencies and parents.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::Rejection;
use crate::ident::TaskId;
use crate::limits;
use crate::rules::derived::Facts;
use crate::task::TaskState;

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

/// A cycle of needs among tasks that are not done, as the ids on it, if there is one: none of its tasks could ever begin. A store never
/// gets one; a log that was written by hand may have it.
#[must_use]
pub fn standing_cycle(tasks: &BTreeMap<TaskId, Facts>) -> Option<Vec<TaskId>> {
    let is_open = |id: &&TaskId| tasks.get(*id).is_some_and(|task| task.state != TaskState::Done);
    let open_needs = |task: &'_ Facts| task.needs.iter().filter(is_open).count();
    let mut waiting: HashMap<&TaskId, usize> =
        tasks.iter().filter(|(_, task)| task.state != TaskState::Done).map(|(id, task)| (id, open_needs(task))).collect();
    let mut dependants: HashMap<&TaskId, Vec<&TaskId>> = HashMap::new();
    for id in waiting.keys() {
        for need in tasks.get(*id).into_iter().flat_map(|task| task.needs.iter().filter(is_open)) {
            dependants.entry(need).or_default().push(id);
        }
    }
    let mut free: Vec<&TaskId> = waiting.iter().filter(|(_, needs)| **needs == 0).map(|(id, _)| *id).collect();
    while let Some(id) = free.pop() {
        waiting.remove(id);
        for dependant in dependants.get(id).into_iter().flatten() {
            if let Some(left) = waiting.get_mut(dependant) {
                *left -= 1;
                if *left == 0 {
                    free.push(dependant);
                }
            }
        }
    }
    // Each task that is left needs another one that is left: whoever follows that comes round.
    let mut at = waiting.keys().min().copied()?;
    let (mut path, mut place_of): (Vec<&TaskId>, HashMap<&TaskId, usize>) = (Vec::new(), HashMap::new());
    loop {
        if let Some(start) = place_of.get(at) {
            return Some(path.split_off(*start).into_iter().cloned().collect());
        }
        place_of.insert(at, path.len());
        path.push(at);
        at = tasks.get(at)?.needs.iter().find(|need| waiting.contains_key(need))?;
    }
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
    fn a_cycle_that_stands_is_found_and_what_only_waits_for_it_is_not_on_it() {
        use TaskState::{Blocked, Done, Ready};
        let mut tasks = crate::rules::derived::tests::graph(&[
            ("a", Blocked, Some(2), "", &["b"]),
            ("b", Blocked, Some(2), "", &["c", "z"]),
            ("c", Blocked, Some(2), "", &["b"]),
            ("z", Ready, Some(2), "", &[]),
        ]);
        assert_eq!(standing_cycle(&tasks), Some(vec![id("b"), id("c")]));
        tasks.get_mut(&id("c")).expect("it is there").state = Done;
        assert_eq!(standing_cycle(&tasks), None);
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
