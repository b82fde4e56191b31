//! How urgent a task is, kept up to date change by change: the most urgent of its own priority, its parent's, and those of unfinished
//! tasks that wait for it. What must come out is defined in [`derived`](super::derived). A finished task keeps the priority that it had.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::ident::TaskId;
use crate::limits;
use crate::planted;
use crate::task::TaskState;

/// What the rule needs to know of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its state.
    pub state: TaskState,
    /// Its own priority, if it was given one.
    pub own_priority: Option<u8>,
    /// Its priority as it is stored.
    pub priority: u8,
    /// The task it is a part of.
    pub parent: Option<TaskId>,
}

/// The graph, as it is after the change.
pub trait Graph {
    /// What can go wrong with reading it.
    type Error;
    /// The task with this id.
    ///
    /// # Errors
    /// Those of reading.
    fn node(&self, id: &TaskId) -> Result<Option<Node>, Self::Error>;
    /// Its parts.
    ///
    /// # Errors
    /// Those of reading.
    fn parts(&self, id: &TaskId) -> Result<Vec<TaskId>, Self::Error>;
    /// What it needs itself.
    ///
    /// # Errors
    /// Those of reading.
    fn needs(&self, id: &TaskId) -> Result<Vec<TaskId>, Self::Error>;
    /// The tasks that need it themselves.
    ///
    /// # Errors
    /// Those of reading.
    fn dependants(&self, id: &TaskId) -> Result<Vec<TaskId>, Self::Error>;
}

/// The priorities that change when these tasks become at least as urgent as given. It stops where nothing changes.
///
/// # Errors
/// Those of reading the graph.
pub fn raised<G: Graph>(graph: &G, seeds: impl IntoIterator<Item = (TaskId, u8)>) -> Result<BTreeMap<TaskId, u8>, G::Error> {
    let mut levels = levels();
    for (id, priority) in seeds {
        levels[usize::from(priority.min(limits::PRIORITY_MAX))].push(id);
    }
    let mut changed = BTreeMap::new();
    if planted::is(planted::URGENCY_STAYS) {
        return Ok(changed);
    }
    let mut passed_on = HashSet::new();
    for level in 0..=limits::PRIORITY_MAX {
        while let Some(id) = levels[usize::from(level)].pop() {
            let Some(node) = graph.node(&id)? else { continue };
            if node.state.is_finished() || changed.get(&id).copied().unwrap_or(node.priority) <= level {
                continue;
            }
            levels[usize::from(level)].extend(lifted_by(graph, &id, &node, &mut passed_on)?);
            changed.insert(id, level);
        }
    }
    Ok(changed)
}

/// The priorities that change when the facts about one task have changed: it became more urgent, or less.
///
/// # Errors
/// Those of reading the graph.
pub fn refreshed<G: Graph>(graph: &G, id: &TaskId) -> Result<BTreeMap<TaskId, u8>, G::Error> {
    let Some(node) = graph.node(id)?.filter(|node| !node.state.is_finished()) else { return Ok(BTreeMap::new()) };
    let mut outside = Outside { graph, inside: BTreeMap::new(), waiters: HashMap::new() };
    let value = outside.base(id, &node)?;
    if value <= node.priority {
        return raised(graph, [(id.clone(), value)]);
    }
    // It is less urgent now. Only what is exactly as urgent as it was can owe that to it: what is more urgent has another reason.
    let was = node.priority;
    let mut open = vec![id.clone()];
    let mut passed_on = HashSet::new();
    while let Some(id) = open.pop() {
        if outside.inside.contains_key(&id) {
            continue;
        }
        let Some(node) = graph.node(&id)?.filter(|node| !node.state.is_finished() && node.priority == was) else { continue };
        open.extend(lifted_by(graph, &id, &node, &mut passed_on)?);
        outside.inside.insert(id, node);
    }
    // What each of them is for reasons outside of these, and then what they are to each other.
    outside.waiters.clear();
    let inside = outside.inside.clone();
    let mut levels = levels();
    for (id, node) in &inside {
        levels[usize::from(outside.base(id, node)?)].push(id.clone());
    }
    let mut found = BTreeMap::new();
    let mut passed_on = HashSet::new();
    for level in 0..=limits::PRIORITY_MAX {
        while let Some(id) = levels[usize::from(level)].pop() {
            let Some(node) = inside.get(&id).filter(|_| !found.contains_key(&id)) else { continue };
            levels[usize::from(level)].extend(lifted_by(graph, &id, node, &mut passed_on)?);
            found.insert(id, level);
        }
    }
    found.retain(|_, priority| *priority != was);
    Ok(found)
}

/// The most urgent unfinished task of this one and its parts: all of them wait for what this one needs.
///
/// # Errors
/// Those of reading the graph.
pub fn most_urgent_in<G: Graph>(graph: &G, id: &TaskId) -> Result<Option<u8>, G::Error> {
    Outside { graph, inside: BTreeMap::new(), waiters: HashMap::new() }.waiting_in(id)
}

fn levels() -> Vec<Vec<TaskId>> {
    vec![Vec::new(); usize::from(limits::PRIORITY_MAX) + 1]
}

/// The tasks that are at least as urgent as this one: its parts, and what it and the tasks above it need. Tasks above it whose needs were passed
/// on before, at a level as urgent, are left out: that keeps the work linear.
fn lifted_by<G: Graph>(graph: &G, id: &TaskId, node: &Node, passed_on: &mut HashSet<TaskId>) -> Result<Vec<TaskId>, G::Error> {
    let mut lifted = graph.parts(id)?;
    let mut above = Some((id.clone(), node.parent.clone()));
    while let Some((id, parent)) = above.take().filter(|(id, _)| passed_on.insert(id.clone())) {
        lifted.extend(graph.needs(&id)?);
        if let Some(parent) = parent {
            above = graph.node(&parent)?.map(|node| (parent, node.parent));
        }
    }
    Ok(lifted)
}

/// What tasks owe to tasks other than those `inside`.
struct Outside<'g, G> {
    graph: &'g G,
    inside: BTreeMap<TaskId, Node>,
    /// The most urgent unfinished task among a task and its parts.
    waiters: HashMap<TaskId, Option<u8>>,
}

impl<G: Graph> Outside<'_, G> {
    fn base(&mut self, id: &TaskId, node: &Node) -> Result<u8, G::Error> {
        let mut base = node.own_priority.or_else(|| node.parent.is_none().then_some(limits::PRIORITY_DEFAULT));
        let mut consider = |priority: Option<u8>| base = base.into_iter().chain(priority).min();
        if let Some(parent) = node.parent.as_ref().filter(|parent| !self.inside.contains_key(*parent)) {
            consider(self.graph.node(parent)?.map(|parent| parent.priority));
        }
        for dependant in self.graph.dependants(id)? {
            consider(self.waiting_in(&dependant)?);
        }
        Ok(base.unwrap_or(limits::PRIORITY_MAX).min(limits::PRIORITY_MAX))
    }

    /// The most urgent unfinished task of this one and its parts: all of them wait for what this one needs.
    fn waiting_in(&mut self, id: &TaskId) -> Result<Option<u8>, G::Error> {
        if let Some(known) = self.waiters.get(id) {
            return Ok(*known);
        }
        let Some(node) = self.graph.node(id)? else { return Ok(None) };
        // Parents are at most `PARENT_DEPTH_MAX` deep, and so is this.
        let mut found = Some(node.priority).filter(|_| !node.state.is_finished() && !self.inside.contains_key(id));
        // Known from here on: a damaged store can have a task below itself.
        self.waiters.insert(id.clone(), found);
        for part in self.graph.parts(id)? {
            found = found.into_iter().chain(self.waiting_in(&part)?).min();
        }
        self.waiters.insert(id.clone(), found);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::derived::tests::{graph, id};
    use crate::rules::derived::{Facts, derive};

    struct InMemory<'a>(&'a BTreeMap<TaskId, Facts>);

    impl Graph for InMemory<'_> {
        type Error = std::convert::Infallible;

        fn node(&self, id: &TaskId) -> Result<Option<Node>, Self::Error> {
            let node = |f: &Facts| Node { state: f.state, own_priority: f.own_priority, priority: f.priority, parent: f.parent.clone() };
            Ok(self.0.get(id).map(node))
        }

        fn parts(&self, id: &TaskId) -> Result<Vec<TaskId>, Self::Error> {
            Ok(self.0.iter().filter(|(_, facts)| facts.parent.as_ref() == Some(id)).map(|(id, _)| id.clone()).collect())
        }

        fn needs(&self, id: &TaskId) -> Result<Vec<TaskId>, Self::Error> {
            Ok(self.0.get(id).into_iter().flat_map(|facts| facts.needs.iter().cloned()).collect())
        }

        fn dependants(&self, id: &TaskId) -> Result<Vec<TaskId>, Self::Error> {
            Ok(self.0.iter().filter(|(_, facts)| facts.needs.contains(id)).map(|(id, _)| id.clone()).collect())
        }
    }

    /// A change, then the tasks about which something has changed; everything must be as it follows from the whole.
    fn step(tasks: &mut BTreeMap<TaskId, Facts>, change: impl FnOnce(&mut BTreeMap<TaskId, Facts>), about: &[&str]) {
        change(tasks);
        for task in about {
            for (id, priority) in refreshed(&InMemory(tasks), &id(task)).unwrap_or_default() {
                tasks.get_mut(&id).expect("it is there").priority = priority;
            }
        }
        for (id, derived) in derive(tasks) {
            let task = &tasks[&id];
            assert!(task.state.is_finished() || task.priority == derived.priority, "{id}: {} not {}", task.priority, derived.priority);
        }
    }

    #[test]
    fn each_change_leads_to_what_follows_from_the_whole() {
        use TaskState::{Blocked, Cancelled, Ready, Waiting};
        let mut tasks = graph(&[
            ("u", Blocked, Some(2), "", &["p"]),
            ("v", Blocked, Some(2), "", &["n"]),
            ("p", Waiting, Some(2), "", &["n"]),
            ("p1", Blocked, None, "p", &[]),
            ("p2", Waiting, None, "p", &["p1"]),
            ("p21", Blocked, None, "p2", &[]),
            ("n", Blocked, Some(2), "", &["m"]),
            ("m", Ready, Some(2), "", &[]),
        ]);
        let own = |task: &'static str, own: u8| {
            move |tasks: &mut BTreeMap<TaskId, Facts>| tasks.get_mut(&id(task)).expect("it is there").own_priority = Some(own)
        };
        step(&mut tasks, own("u", 0), &["u"]);
        assert_eq!(tasks[&id("m")].priority, 0);
        step(&mut tasks, own("u", 4), &["u"]);
        step(&mut tasks, own("p21", 1), &["p21"]);
        assert_eq!((tasks[&id("n")].priority, tasks[&id("p")].priority, tasks[&id("p1")].priority), (1, 2, 1));
        step(&mut tasks, own("v", 0), &["v"]);
        step(&mut tasks, own("p", 4), &["p"]);
        step(&mut tasks, |tasks| tasks.get_mut(&id("v")).expect("it is there").state = Cancelled, &["n"]);
        assert_eq!((tasks[&id("n")].priority, tasks[&id("m")].priority), (1, 1));
        step(&mut tasks, |tasks| tasks.get_mut(&id("p")).expect("it is there").needs.clear(), &["n"]);
        assert_eq!(tasks[&id("m")].priority, 2);
        step(&mut tasks, own("u", 1), &["u"]);
        assert_eq!((tasks[&id("p")].priority, tasks[&id("p1")].priority, tasks[&id("n")].priority), (1, 1, 2));
    }
}
