//! Facts of each task that follow from the whole graph: whether it waits, and how urgent it is. Stores keep them up to date change by
//! change; this is the definition that they are compared with, by the tests and by `doctor`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::ident::TaskId;
use crate::limits;
use crate::task::{Task, TaskState};

/// The facts about one task that the graph is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its state.
    pub state: TaskState,
    /// Its own priority, if it was given one.
    pub own_priority: Option<u8>,
    /// Its priority as it is stored; that of a finished task stays as it is.
    pub priority: u8,
    /// The task it is a part of.
    pub parent: Option<TaskId>,
    /// Whether its parent no longer waits for it.
    pub dropped: bool,
    /// Its needs.
    pub needs: BTreeSet<TaskId>,
}

impl From<&Task> for Facts {
    fn from(task: &Task) -> Self {
        Self {
            state: task.state,
            own_priority: task.spec.priority,
            priority: task.priority,
            parent: task.spec.parent.clone(),
            dropped: task.dropped,
            needs: task.needs.clone(),
        }
    }
}

/// The derived facts of one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Whether it has parts that are not done and that it waits for.
    pub open_parts: bool,
    /// Whether something that it or a task above it needs is not done.
    pub unmet_needs: bool,
    /// Its priority.
    pub priority: u8,
}

/// The derived facts of each task. Linear in the number of tasks and edges.
pub fn derive(tasks: &BTreeMap<TaskId, Facts>) -> BTreeMap<TaskId, Derived> {
    let priorities = priorities(tasks);
    let is_open = |id: &TaskId| tasks.get(id).is_some_and(|task| task.state != TaskState::Done);
    let open_parents: HashSet<&TaskId> =
        tasks.iter().filter(|(id, task)| !task.dropped && is_open(id)).filter_map(|(_, task)| task.parent.as_ref()).collect();
    let mut unmet: HashMap<&TaskId, bool> = HashMap::new();
    for id in tasks.keys() {
        // Upward to the first task that is known, then down again.
        let mut chain = Vec::new();
        let mut above = Some(id);
        while let Some((id, task)) = above.filter(|id| !unmet.contains_key(id)).and_then(|id| tasks.get_key_value(id)) {
            chain.push((id, task));
            above = task.parent.as_ref().filter(|_| chain.len() <= tasks.len());
        }
        let mut is_unmet = above.is_some_and(|id| unmet.get(id).copied().unwrap_or(false));
        for (id, task) in chain.into_iter().rev() {
            is_unmet |= task.needs.iter().any(is_open);
            unmet.insert(id, is_unmet);
        }
    }
    let of = |(id, task): (&TaskId, &Facts)| {
        let derived = Derived {
            open_parts: open_parents.contains(id),
            unmet_needs: unmet.get(id).copied().unwrap_or(false),
            priority: priorities.get(id).copied().unwrap_or(task.priority),
        };
        (id.clone(), derived)
    };
    tasks.iter().map(of).collect()
}

/// The priorities of unfinished tasks: level by level, each is passed on to all that the task waits for, and to its parts.
fn priorities(tasks: &BTreeMap<TaskId, Facts>) -> HashMap<&TaskId, u8> {
    let mut parts: HashMap<&TaskId, Vec<&TaskId>> = HashMap::new();
    for (id, task) in tasks {
        if let Some(parent) = &task.parent {
            parts.entry(parent).or_default().push(id);
        }
    }
    let is_over = |task: &Facts| task.state.is_finished();
    let mut levels: Vec<Vec<&TaskId>> = vec![Vec::new(); usize::from(limits::PRIORITY_MAX) + 1];
    for (id, task) in tasks.iter().filter(|(_, task)| !is_over(task)) {
        let above =
            task.parent.as_ref().and_then(|parent| tasks.get(parent)).filter(|parent| is_over(parent)).map(|parent| parent.priority);
        let own = task.own_priority.or_else(|| task.parent.is_none().then_some(limits::PRIORITY_DEFAULT));
        let base = own.into_iter().chain(above).min().unwrap_or(limits::PRIORITY_MAX);
        levels[usize::from(base.min(limits::PRIORITY_MAX))].push(id);
    }
    let mut found: HashMap<&TaskId, u8> = HashMap::new();
    let mut passed_on: HashSet<&TaskId> = HashSet::new();
    for level in 0..=limits::PRIORITY_MAX {
        while let Some(id) = levels[usize::from(level)].pop() {
            let Some((id, task)) = tasks.get_key_value(id).filter(|(id, task)| !is_over(task) && !found.contains_key(id)) else { continue };
            found.insert(id, level);
            let mut lifted: Vec<&TaskId> = parts.get(id).cloned().unwrap_or_default();
            let mut above = Some((id, task));
            // Once for each task above: its needs are as urgent already as this level makes them.
            while let Some((_, task)) = above.filter(|(id, _)| passed_on.insert(id)) {
                lifted.extend(&task.needs);
                above = task.parent.as_ref().and_then(|parent| tasks.get_key_value(parent));
            }
            levels[usize::from(level)].extend(lifted);
        }
    }
    found
}

/// The differences between stored and derived values, in words; empty when there are none.
pub fn faults(tasks: &BTreeMap<TaskId, Facts>) -> Vec<String> {
    let derived = derive(tasks);
    let mut faults = Vec::new();
    for (id, task) in tasks {
        let Some(follows) = derived.get(id) else { continue };
        let Derived { open_parts, unmet_needs, priority } = *follows;
        let is_wrong = match task.state {
            TaskState::Ready | TaskState::Scheduled => unmet_needs || open_parts,
            TaskState::Blocked => !unmet_needs || open_parts,
            TaskState::Waiting => !open_parts,
            _ => false,
        };
        if is_wrong {
            faults.push(format!("task {id} is {}: unmet needs {unmet_needs}, open parts {open_parts}", task.state));
        }
        if !task.state.is_finished() && task.priority != priority {
            faults.push(format!("task {id} has priority {}, not {priority}", task.priority));
        }
    }
    faults
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn id(text: &str) -> TaskId {
        TaskId::parse(text).expect("valid")
    }

    /// A task: id, state, own priority, parent, needs.
    type Line<'a> = (&'a str, TaskState, Option<u8>, &'a str, &'a [&'a str]);

    /// A graph from such lines.
    pub(crate) fn graph(lines: &[Line<'_>]) -> BTreeMap<TaskId, Facts> {
        let facts = |(task, state, own, parent, needs): &Line<'_>| {
            let facts = Facts {
                state: *state,
                own_priority: *own,
                priority: own.unwrap_or(limits::PRIORITY_DEFAULT),
                parent: (!parent.is_empty()).then(|| id(parent)),
                dropped: false,
                needs: needs.iter().map(|need| id(need)).collect(),
            };
            (id(task), facts)
        };
        lines.iter().map(facts).collect()
    }

    #[test]
    fn parts_wait_for_the_needs_of_all_tasks_above_them() {
        use TaskState::{Blocked, Cancelled, Done, Ready, Waiting};
        let mut tasks = graph(&[
            ("n", Ready, Some(2), "", &[]),
            ("p", Waiting, Some(2), "", &["n"]),
            ("q", Waiting, None, "p", &[]),
            ("r", Blocked, None, "q", &[]),
            ("s", Cancelled, None, "q", &[]),
        ]);
        let derived = derive(&tasks);
        let waits = |task: &str| (derived[&id(task)].open_parts, derived[&id(task)].unmet_needs);
        assert_eq!(["n", "p", "q", "r"].map(waits), [(false, false), (true, true), (true, true), (false, true)]);
        assert_eq!(faults(&tasks), Vec::<String>::new());
        tasks.get_mut(&id("n")).expect("it is there").state = Done;
        assert_eq!(faults(&tasks), ["task r is blocked: unmet needs false, open parts false"]);
        // A part that was dropped is not waited for.
        tasks.get_mut(&id("r")).expect("it is there").state = Done;
        tasks.get_mut(&id("s")).expect("it is there").dropped = true;
        assert!(!derive(&tasks)[&id("q")].open_parts);
    }

    #[test]
    fn priorities_go_to_parts_and_to_what_is_waited_for() {
        use TaskState::{Blocked, Done, Ready, Waiting};
        let tasks = graph(&[
            // u is urgent and needs p, whose parts are p1 and p2; p needs n, and n needs m.
            ("u", Blocked, Some(0), "", &["p", "o"]),
            ("p", Waiting, Some(3), "", &["n"]),
            ("p1", Blocked, None, "p", &[]),
            ("p2", Blocked, Some(4), "p", &["x"]),
            ("n", Blocked, Some(2), "", &["m"]),
            ("m", Ready, Some(4), "", &[]),
            ("x", Ready, Some(1), "", &[]),
            // Done: it neither lifts nor is lifted.
            ("o", Done, Some(3), "", &["y"]),
            ("y", Ready, Some(4), "", &[]),
            // Nobody waits for it.
            ("z", Ready, Some(3), "", &[]),
        ]);
        let derived = derive(&tasks);
        let priority = |task: &str| derived[&id(task)].priority;
        assert_eq!(["u", "p", "p1", "p2", "n", "m", "x"].map(priority), [0; 7]);
        assert_eq!(["o", "y", "z"].map(priority), [3, 4, 3]);
    }

    #[test]
    fn an_urgent_part_lifts_what_its_parent_needs_and_not_its_parent() {
        use TaskState::{Blocked, Ready, Waiting};
        let tasks = graph(&[
            ("n", Ready, Some(4), "", &[]),
            ("p", Waiting, Some(3), "", &["n"]),
            ("a", Blocked, Some(1), "p", &[]),
            ("b", Blocked, None, "p", &[]),
        ]);
        let derived = derive(&tasks);
        assert_eq!(["n", "p", "a", "b"].map(|task| derived[&id(task)].priority), [1, 3, 1, 3]);
    }
}
