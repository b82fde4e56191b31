//! Cycles among dependencies and parents.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::Rejection;
use crate::event::Fact;
use crate::ident::TaskId;
use crate::limits;
use crate::rules::derived::Facts;
use crate::task::TaskState;

/// The result of a search for a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// No way leads back: nothing would be closed.
    None,
    /// The cycle, as the ids on it, the task first.
    Back(Vec<TaskId>),
    /// More tasks lie behind the new needs than were to be visited.
    TooFar,
}

/// The cycle that the edges `task -> on` would close. `inside` are the task and all its parts, at any depth: they wait for what the task
/// needs, so that an edge back to any of them closes a cycle.
///
/// `successors(x)` are the tasks that must be finished before `x`: what it and its parents need, and its children.
/// The walk is iterative, and ends when it has found more than `visits_max` tasks.
///
/// # Errors
/// Those of `successors`.
pub fn cycle<E>(
    task: &TaskId,
    inside: &BTreeSet<TaskId>,
    on: &BTreeSet<TaskId>,
    visits_max: usize,
    mut successors: impl FnMut(&TaskId) -> Result<Vec<TaskId>, E>,
) -> Result<Way, E> {
    if on.contains(task) {
        return Ok(Way::Back(vec![task.clone()]));
    }
    if let Some(part) = on.intersection(inside).next() {
        return Ok(Way::Back(vec![task.clone(), part.clone()]));
    }
    let mut came_from: HashMap<TaskId, Option<TaskId>> = on.iter().map(|id| (id.clone(), None)).collect();
    let mut open: Vec<TaskId> = on.iter().cloned().collect();
    while let Some(id) = open.pop() {
        if came_from.len() > visits_max {
            return Ok(Way::TooFar);
        }
        for next in successors(&id)? {
            if next == *task || inside.contains(&next) {
                let mut path = path_back(task, &id, &came_from);
                path.extend(Some(next).filter(|next| next != task));
                return Ok(Way::Back(path));
            }
            if !came_from.contains_key(&next) {
                came_from.insert(next.clone(), Some(id.clone()));
                open.push(next);
            }
        }
    }
    Ok(Way::None)
}

/// The refusal of needs behind which there are too many tasks to search them all.
#[must_use]
pub fn too_far() -> Rejection {
    Rejection::limit("tasks reached from one dependency", limits::GRAPH_VISITS_MAX, limits::GRAPH_VISITS_MAX + 1)
}

/// Whether a fact can make a task wait for another one, so that a search for cycles that was made before it may have missed one.
#[must_use]
pub fn adds_edges(fact: &Fact) -> bool {
    match fact {
        Fact::TaskAdded(fact) => !fact.needs.is_empty() || fact.spec.parent.is_some(),
        // A part that its parent did without comes back with these.
        Fact::TaskSplit(_) | Fact::DependencyAdded(_) | Fact::TaskRequeued(_) | Fact::StoreRestored(_) => true,
        _ => false,
    }
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
    // Each task that is left needs another one that is left: anyone who follows that comes round.
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
        match search(edges, &id(task), &inside, on, 100) {
            Way::None => None,
            Way::Back(path) => Some(path.iter().map(ToString::to_string).collect()),
            Way::TooFar => unreachable!("the graph is small"),
        }
    }

    fn search(edges: &[(&str, &str)], task: &TaskId, inside: &BTreeSet<TaskId>, on: &str, visits_max: usize) -> Way {
        let after = |from: &TaskId| Ok::<_, Rejection>(edges.iter().filter(|(a, _)| id(a) == *from).map(|(_, b)| id(b)).collect());
        cycle(task, inside, &BTreeSet::from([id(on)]), visits_max, after).expect("reading does not fail")
    }

    #[test]
    fn a_search_ends_where_there_is_more_than_it_may_visit() {
        let edges = [("b", "c"), ("c", "d"), ("d", "e")];
        let inside = BTreeSet::from([id("a")]);
        assert_eq!(search(&edges, &id("a"), &inside, "b", 4), Way::None);
        assert_eq!(search(&edges, &id("a"), &inside, "b", 2), Way::TooFar);
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
