//! How urgent a task is, kept up to date change by change: the most urgent of its own priority, its parent's, and those of unfinished
//! tasks that wait for it. What must come out is defined in [`derived`](super::derived). A finished task keeps the priority that it had.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::ident::TaskId;
use crate::limits;
use crate::seeded;
use crate::task::TaskState;

/// The number of a task in its store: numbers are compared, hashed and found faster than ids, and priorities spread over thousands of tasks.
pub type Number = u64;

/// The facts of one task that the rule needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: TaskId,
    /// Its state.
    pub state: TaskState,
    /// Its own priority, if it was given one.
    pub own_priority: Option<u8>,
    /// Its priority as it is stored.
    pub priority: u8,
    /// The task it is a part of.
    pub parent: Option<Number>,
}

/// A task, and the tasks beside it that are at least as urgent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// The task.
    pub node: Node,
    /// Its parts.
    pub parts: Vec<Number>,
    /// Its own needs.
    pub needs: Vec<Number>,
}

/// A task, as far as the urgency of what it needs follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The task.
    pub number: Number,
    /// Its state.
    pub state: TaskState,
    /// Its priority as it is stored.
    pub priority: u8,
    /// Whether it has parts.
    pub has_parts: bool,
}

/// The graph, as it is after the change. A change can spread over thousands of tasks: [`Graph::around`] is read once for each.
pub trait Graph {
    /// The ways in which reading it can fail.
    type Error;
    /// The number of the task with this id.
    ///
    /// # Errors
    /// Those of reading.
    fn number(&self, id: &TaskId) -> Result<Option<Number>, Self::Error>;
    /// The task with this number and its related rows.
    ///
    /// # Errors
    /// Those of reading.
    fn around(&self, task: Number) -> Result<Option<Around>, Self::Error>;
    /// The same without its parts.
    ///
    /// # Errors
    /// Those of reading.
    fn above(&self, task: Number) -> Result<Option<Around>, Self::Error>;
    /// Pairs of one of these tasks and a task that needs it.
    ///
    /// # Errors
    /// Those of reading.
    fn dependants_of(&self, tasks: &[Number]) -> Result<Vec<(Number, Number)>, Self::Error>;
    /// These tasks, as those that wait.
    ///
    /// # Errors
    /// Those of reading.
    fn waiters(&self, tasks: &[Number]) -> Result<Vec<Waiter>, Self::Error>;
    /// The parts of a task, as those that wait.
    ///
    /// # Errors
    /// Those of reading.
    fn waiting_parts(&self, task: Number) -> Result<Vec<Waiter>, Self::Error>;
}

/// The priorities that change when these tasks become at least as urgent as given. It stops where nothing changes.
///
/// # Errors
/// Those of reading the graph.
pub fn raised<G: Graph>(graph: &G, seeds: impl IntoIterator<Item = (TaskId, u8)>) -> Result<BTreeMap<TaskId, u8>, G::Error> {
    let mut numbers = Vec::new();
    for (id, priority) in seeds {
        numbers.extend(graph.number(&id)?.map(|task| (task, priority)));
    }
    spread(graph, numbers)
}

fn spread<G: Graph>(graph: &G, seeds: impl IntoIterator<Item = (Number, u8)>) -> Result<BTreeMap<TaskId, u8>, G::Error> {
    let mut levels = levels();
    for (task, priority) in seeds {
        levels[usize::from(priority.min(limits::PRIORITY_MAX))].push(task);
    }
    if seeded::is(seeded::URGENCY_STAYS) {
        return Ok(BTreeMap::new());
    }
    let mut changed: HashMap<Number, (TaskId, u8)> = HashMap::new();
    let mut above = Above::of(graph);
    let mut passed_on = HashSet::new();
    for level in 0..=limits::PRIORITY_MAX {
        while let Some(number) = levels[usize::from(level)].pop() {
            if changed.get(&number).is_some_and(|(_, known)| *known <= level) {
                continue;
            }
            let Some(task) = graph.around(number)? else { continue };
            if task.node.state.is_finished() || task.node.priority <= level {
                continue;
            }
            above.lifted_by(number, &task, &mut passed_on, &mut levels[usize::from(level)])?;
            changed.insert(number, (task.node.id, level));
        }
    }
    Ok(changed.into_values().collect())
}

/// The priorities that change when the facts about one task have changed: it became more urgent, or less.
///
/// # Errors
/// Those of reading the graph.
pub fn refreshed<G: Graph>(graph: &G, id: &TaskId) -> Result<BTreeMap<TaskId, u8>, G::Error> {
    let Some(number) = graph.number(id)? else { return Ok(BTreeMap::new()) };
    let Some(task) = graph.around(number)?.filter(|task| !task.node.state.is_finished()) else { return Ok(BTreeMap::new()) };
    let was = task.node.priority;
    let itself = HashMap::from([(number, task)]);
    let value = Outside::of(graph, &HashMap::new()).base_of(&itself)?.remove(&number).unwrap_or(limits::PRIORITY_MAX);
    if value <= was {
        return spread(graph, [(number, value)]);
    }
    // It is less urgent now. Only tasks that are exactly as urgent as it was can owe that to it: more urgent ones have another reason.
    let mut above = Above::of(graph);
    let (mut inside, mut open) = (HashMap::new(), vec![number]);
    let mut passed_on = HashSet::new();
    while let Some(number) = open.pop() {
        if inside.contains_key(&number) {
            continue;
        }
        let Some(task) = graph.around(number)?.filter(|task| !task.node.state.is_finished() && task.node.priority == was) else { continue };
        above.lifted_by(number, &task, &mut passed_on, &mut open)?;
        inside.insert(number, task);
    }
    // What each of them is for reasons outside of these, and then what they are to each other.
    let mut levels = levels();
    for (number, base) in Outside::of(graph, &inside).base_of(&inside)? {
        levels[usize::from(base)].push(number);
    }
    let mut found = HashMap::new();
    let mut passed_on = HashSet::new();
    for level in 0..=limits::PRIORITY_MAX {
        while let Some(number) = levels[usize::from(level)].pop() {
            let Some(task) = inside.get(&number).filter(|_| !found.contains_key(&number)) else { continue };
            above.lifted_by(number, task, &mut passed_on, &mut levels[usize::from(level)])?;
            found.insert(number, level);
        }
    }
    let changed = inside.into_iter().filter_map(|(number, task)| Some((task.node.id, *found.get(&number)?)));
    Ok(changed.filter(|(_, priority)| *priority != was).collect())
}

/// The most urgent unfinished task of this one and its parts: all of them wait for what this one needs.
///
/// # Errors
/// Those of reading the graph.
pub fn most_urgent_in<G: Graph>(graph: &G, id: &TaskId) -> Result<Option<u8>, G::Error> {
    let Some(number) = graph.number(id)? else { return Ok(None) };
    let Some(task) = graph.waiters(&[number])?.pop() else { return Ok(None) };
    Outside::of(graph, &HashMap::new()).waiting_in(&task)
}

fn levels() -> Vec<Vec<Number>> {
    vec![Vec::new(); usize::from(limits::PRIORITY_MAX) + 1]
}

/// The needs of the tasks above others: many have the same parent.
struct Above<'g, G> {
    graph: &'g G,
    known: HashMap<Number, Option<Around>>,
}

impl<'g, G: Graph> Above<'g, G> {
    fn of(graph: &'g G) -> Self {
        Self { graph, known: HashMap::new() }
    }

    /// Adds the tasks that are at least as urgent as this one: its parts, and what it and the tasks above it need. Tasks above it whose needs
    /// were passed on before, at a level as urgent, are left out: that keeps the work linear.
    fn lifted_by(
        &mut self,
        number: Number,
        task: &Around,
        passed_on: &mut HashSet<Number>,
        lifted: &mut Vec<Number>,
    ) -> Result<(), G::Error> {
        lifted.extend(&task.parts);
        if !passed_on.insert(number) {
            return Ok(());
        }
        lifted.extend(&task.needs);
        let mut next = task.node.parent;
        while let Some(number) = next.take().filter(|number| passed_on.insert(*number)) {
            if !self.known.contains_key(&number) {
                self.known.insert(number, self.graph.above(number)?);
            }
            if let Some(Some(task)) = self.known.get(&number) {
                lifted.extend(&task.needs);
                next = task.node.parent;
            }
        }
        Ok(())
    }
}

/// The urgency that tasks owe to tasks other than those `inside`.
struct Outside<'g, G> {
    graph: &'g G,
    inside: &'g HashMap<Number, Around>,
    /// The most urgent unfinished task among a task that has parts and these.
    waiters: HashMap<Number, Option<u8>>,
    /// The priorities of parents: many tasks have the same.
    parents: HashMap<Number, Option<u8>>,
}

impl<'g, G: Graph> Outside<'g, G> {
    fn of(graph: &'g G, inside: &'g HashMap<Number, Around>) -> Self {
        Self { graph, inside, waiters: HashMap::new(), parents: HashMap::new() }
    }

    /// The own urgency of each of these, that of the task it is a part of, and that of the tasks that need it.
    fn base_of(&mut self, tasks: &HashMap<Number, Around>) -> Result<HashMap<Number, u8>, G::Error> {
        let mut base = HashMap::new();
        for (number, Around { node, .. }) in tasks {
            let own = node.own_priority.or_else(|| node.parent.is_none().then_some(limits::PRIORITY_DEFAULT));
            let of_parent = match node.parent {
                Some(parent) if !self.inside.contains_key(&parent) => self.priority_of(parent)?,
                _ => None,
            };
            base.insert(*number, own.into_iter().chain(of_parent).min().unwrap_or(limits::PRIORITY_MAX).min(limits::PRIORITY_MAX));
        }
        let numbers: Vec<Number> = tasks.keys().copied().collect();
        let mut edges = self.graph.dependants_of(&numbers)?;
        // Most of those that wait are inside themselves, and without parts that are not.
        edges.retain(|(_, dependant)| self.inside.get(dependant).is_none_or(|task| !task.parts.is_empty()));
        let dependants: BTreeSet<Number> = edges.iter().map(|(_, dependant)| *dependant).collect();
        let mut waiting = HashMap::new();
        for task in self.graph.waiters(&dependants.into_iter().collect::<Vec<_>>())? {
            waiting.insert(task.number, self.waiting_in(&task)?);
        }
        for (number, dependant) in edges {
            if let (Some(Some(waiting)), Some(base)) = (waiting.get(&dependant), base.get_mut(&number)) {
                *base = (*base).min(*waiting);
            }
        }
        Ok(base)
    }

    fn priority_of(&mut self, parent: Number) -> Result<Option<u8>, G::Error> {
        if let Some(known) = self.parents.get(&parent) {
            return Ok(*known);
        }
        let priority = self.graph.above(parent)?.map(|task| task.node.priority);
        self.parents.insert(parent, priority);
        Ok(priority)
    }

    /// The most urgent unfinished task of this one and its parts: all of them wait for what this one needs. Those `inside` do not count.
    fn waiting_in(&mut self, task: &Waiter) -> Result<Option<u8>, G::Error> {
        let counts = !task.state.is_finished() && !self.inside.contains_key(&task.number);
        let mut found = counts.then_some(task.priority);
        if !task.has_parts {
            return Ok(found);
        }
        if let Some(known) = self.waiters.get(&task.number) {
            return Ok(*known);
        }
        // Known from here on: a damaged store can have a task below itself. Parents are at most `PARENT_DEPTH_MAX` deep, and so is this.
        self.waiters.insert(task.number, found);
        for part in self.graph.waiting_parts(task.number)? {
            found = found.into_iter().chain(self.waiting_in(&part)?).min();
        }
        self.waiters.insert(task.number, found);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::derived::tests::{graph, id};
    use crate::rules::derived::{Facts, derive};

    /// The number of a task is its place in the order of ids.
    struct InMemory<'a>(&'a BTreeMap<TaskId, Facts>);

    impl InMemory<'_> {
        fn number_of(&self, id: &TaskId) -> Option<Number> {
            self.0.keys().position(|known| known == id).map(|at| at as Number)
        }

        fn at(&self, task: Number) -> Option<(&TaskId, &Facts)> {
            self.0.iter().nth(usize::try_from(task).ok()?)
        }

        fn parts_of(&self, task: Number) -> Vec<Number> {
            let Some((parent, _)) = self.at(task) else { return Vec::new() };
            self.0.iter().filter(|(_, facts)| facts.parent.as_ref() == Some(parent)).filter_map(|(id, _)| self.number_of(id)).collect()
        }

        fn waiter(&self, number: Number) -> Option<Waiter> {
            let (_, Facts { state, priority, .. }) = self.at(number)?;
            Some(Waiter { number, state: *state, priority: *priority, has_parts: !self.parts_of(number).is_empty() })
        }
    }

    impl Graph for InMemory<'_> {
        type Error = std::convert::Infallible;

        fn number(&self, id: &TaskId) -> Result<Option<Number>, Self::Error> {
            Ok(self.number_of(id))
        }

        fn around(&self, task: Number) -> Result<Option<Around>, Self::Error> {
            Ok(self.above(task)?.map(|above| Around { parts: self.parts_of(task), ..above }))
        }

        fn above(&self, task: Number) -> Result<Option<Around>, Self::Error> {
            Ok(self.at(task).map(|(id, Facts { state, own_priority, priority, parent, needs, .. })| {
                let parent = parent.as_ref().and_then(|parent| self.number_of(parent));
                let node = Node { id: id.clone(), state: *state, own_priority: *own_priority, priority: *priority, parent };
                Around { node, parts: Vec::new(), needs: needs.iter().filter_map(|need| self.number_of(need)).collect() }
            }))
        }

        fn dependants_of(&self, tasks: &[Number]) -> Result<Vec<(Number, Number)>, Self::Error> {
            let mut found = Vec::new();
            for (id, facts) in self.0 {
                let needs = facts.needs.iter().filter_map(|need| self.number_of(need)).filter(|need| tasks.contains(need));
                found.extend(needs.zip(std::iter::repeat_with(|| self.number_of(id).expect("it is there"))));
            }
            Ok(found)
        }

        fn waiters(&self, tasks: &[Number]) -> Result<Vec<Waiter>, Self::Error> {
            Ok(tasks.iter().filter_map(|task| self.waiter(*task)).collect())
        }

        fn waiting_parts(&self, task: Number) -> Result<Vec<Waiter>, Self::Error> {
            Ok(self.parts_of(task).into_iter().filter_map(|part| self.waiter(part)).collect())
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
