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

/// A task, and the tasks beside it that are at least as urgent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// The task.
    pub node: Node,
    /// Its parts.
    pub parts: Vec<TaskId>,
    /// What it needs itself.
    pub needs: Vec<TaskId>,
}

/// The graph, as it is after the change. A change can spread over thousands of tasks: [`Graph::around`] is read once for each.
pub trait Graph {
    /// What can go wrong with reading it.
    type Error;
    /// The task with this id and what is beside it.
    ///
    /// # Errors
    /// Those of reading.
    fn around(&self, id: &TaskId) -> Result<Option<Around>, Self::Error>;
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
    /// Each of these tasks that somebody needs, with whoever needs it.
    ///
    /// # Errors
    /// Those of reading.
    fn dependants_of(&self, ids: &[TaskId]) -> Result<Vec<(TaskId, TaskId)>, Self::Error>;
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
    let mut above = Above::of(graph);
    let mut passed_on = HashSet::new();
    for level in 0..=limits::PRIORITY_MAX {
        while let Some(id) = levels[usize::from(level)].pop() {
            if changed.get(&id).is_some_and(|known| *known <= level) {
                continue;
            }
            let Some(task) = graph.around(&id)? else { continue };
            if task.node.state.is_finished() || task.node.priority <= level {
                continue;
            }
            above.lifted_by(&id, &task, &mut passed_on, &mut levels[usize::from(level)])?;
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
    let Some(task) = graph.around(id)?.filter(|task| !task.node.state.is_finished()) else { return Ok(BTreeMap::new()) };
    let itself = HashMap::from([(id.clone(), task)]);
    let value = Outside::of(graph, &HashMap::new()).base_of(&itself)?.remove(id).unwrap_or(limits::PRIORITY_MAX);
    let was = itself.get(id).map_or(limits::PRIORITY_MAX, |task| task.node.priority);
    if value <= was {
        return raised(graph, [(id.clone(), value)]);
    }
    // It is less urgent now. Only what is exactly as urgent as it was can owe that to it: what is more urgent has another reason.
    let mut above = Above::of(graph);
    let (mut inside, mut open) = (HashMap::new(), vec![id.clone()]);
    let mut passed_on = HashSet::new();
    while let Some(id) = open.pop() {
        if inside.contains_key(&id) {
            continue;
        }
        let Some(task) = graph.around(&id)?.filter(|task| !task.node.state.is_finished() && task.node.priority == was) else { continue };
        above.lifted_by(&id, &task, &mut passed_on, &mut open)?;
        inside.insert(id, task);
    }
    // What each of them is for reasons outside of these, and then what they are to each other.
    let mut levels = levels();
    for (id, base) in Outside::of(graph, &inside).base_of(&inside)? {
        levels[usize::from(base)].push(id);
    }
    let mut found = BTreeMap::new();
    let mut passed_on = HashSet::new();
    for level in 0..=limits::PRIORITY_MAX {
        while let Some(id) = levels[usize::from(level)].pop() {
            let Some(task) = inside.get(&id).filter(|_| !found.contains_key(&id)) else { continue };
            above.lifted_by(&id, task, &mut passed_on, &mut levels[usize::from(level)])?;
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
    Outside::of(graph, &HashMap::new()).waiting_in(id)
}

fn levels() -> Vec<Vec<TaskId>> {
    vec![Vec::new(); usize::from(limits::PRIORITY_MAX) + 1]
}

/// What the tasks above others need: many have the same parent.
struct Above<'g, G> {
    graph: &'g G,
    /// What a task needs, and the task it is a part of.
    known: HashMap<TaskId, (Vec<TaskId>, Option<TaskId>)>,
}

impl<'g, G: Graph> Above<'g, G> {
    fn of(graph: &'g G) -> Self {
        Self { graph, known: HashMap::new() }
    }

    /// Adds the tasks that are at least as urgent as this one: its parts, and what it and the tasks above it need. Tasks above it whose needs
    /// were passed on before, at a level as urgent, are left out: that keeps the work linear.
    fn lifted_by(&mut self, id: &TaskId, task: &Around, passed_on: &mut HashSet<TaskId>, lifted: &mut Vec<TaskId>) -> Result<(), G::Error> {
        lifted.extend(task.parts.iter().cloned());
        if !passed_on.insert(id.clone()) {
            return Ok(());
        }
        lifted.extend(task.needs.iter().cloned());
        let mut next = task.node.parent.clone();
        while let Some(id) = next.take().filter(|id| passed_on.insert(id.clone())) {
            if !self.known.contains_key(&id) {
                let parent = self.graph.node(&id)?.and_then(|node| node.parent);
                self.known.insert(id.clone(), (self.graph.needs(&id)?, parent));
            }
            if let Some((needs, parent)) = self.known.get(&id) {
                lifted.extend(needs.iter().cloned());
                next.clone_from(parent);
            }
        }
        Ok(())
    }
}

/// What tasks owe to tasks other than those `inside`.
struct Outside<'g, G> {
    graph: &'g G,
    inside: &'g HashMap<TaskId, Around>,
    /// The most urgent unfinished task among a task and its parts.
    waiters: HashMap<TaskId, Option<u8>>,
    /// The priorities of parents: many tasks have the same.
    parents: HashMap<TaskId, Option<u8>>,
}

impl<'g, G: Graph> Outside<'g, G> {
    fn of(graph: &'g G, inside: &'g HashMap<TaskId, Around>) -> Self {
        Self { graph, inside, waiters: HashMap::new(), parents: HashMap::new() }
    }

    /// What each of these is by itself, by the task that it is a part of, and by those that need it.
    fn base_of(&mut self, tasks: &HashMap<TaskId, Around>) -> Result<HashMap<TaskId, u8>, G::Error> {
        let mut base = HashMap::new();
        for (id, Around { node, .. }) in tasks {
            let own = node.own_priority.or_else(|| node.parent.is_none().then_some(limits::PRIORITY_DEFAULT));
            let of_parent = match &node.parent {
                Some(parent) if !self.inside.contains_key(parent) => self.priority_of(parent)?,
                _ => None,
            };
            base.insert(id.clone(), own.into_iter().chain(of_parent).min().unwrap_or(limits::PRIORITY_MAX).min(limits::PRIORITY_MAX));
        }
        let ids: Vec<TaskId> = tasks.keys().cloned().collect();
        for (id, dependant) in self.graph.dependants_of(&ids)? {
            if let (Some(waiting), Some(base)) = (self.waiting_in(&dependant)?, base.get_mut(&id)) {
                *base = waiting.min(*base);
            }
        }
        Ok(base)
    }

    fn priority_of(&mut self, parent: &TaskId) -> Result<Option<u8>, G::Error> {
        if let Some(known) = self.parents.get(parent) {
            return Ok(*known);
        }
        let priority = self.graph.node(parent)?.map(|node| node.priority);
        self.parents.insert(parent.clone(), priority);
        Ok(priority)
    }

    /// The most urgent unfinished task of this one and its parts: all of them wait for what this one needs.
    fn waiting_in(&mut self, id: &TaskId) -> Result<Option<u8>, G::Error> {
        if let Some(known) = self.waiters.get(id) {
            return Ok(*known);
        }
        let (mut found, parts) = match self.inside.get(id) {
            Some(task) if task.parts.is_empty() => return Ok(None),
            Some(task) => (None, task.parts.clone()),
            None => {
                let Some(node) = self.graph.node(id)? else { return Ok(None) };
                (Some(node.priority).filter(|_| !node.state.is_finished()), self.graph.parts(id)?)
            }
        };
        // Known from here on: a damaged store can have a task below itself. Parents are at most `PARENT_DEPTH_MAX` deep, and so is this.
        self.waiters.insert(id.clone(), found);
        for part in parts {
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

        fn around(&self, id: &TaskId) -> Result<Option<Around>, Self::Error> {
            Ok(self.node(id)?.map(|node| Around {
                node,
                parts: self.parts(id).unwrap_or_default(),
                needs: self.needs(id).unwrap_or_default(),
            }))
        }

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

        fn dependants_of(&self, ids: &[TaskId]) -> Result<Vec<(TaskId, TaskId)>, Self::Error> {
            let of =
                |id: &TaskId| self.0.iter().filter(|(_, facts)| facts.needs.contains(id)).map(|(by, _)| (id.clone(), by.clone())).collect();
            Ok(ids.iter().flat_map(|id: &TaskId| -> Vec<_> { of(id) }).collect())
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
