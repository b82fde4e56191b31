//! The relations of tasks: parts, needs and those that need them.

use std::collections::BTreeSet;

use oarlock_model::TaskId;
use oarlock_model::rules::resting::RestingFacts;
use oarlock_model::rules::urgency::{Around, Node, Number, Waiter};
use oarlock_model::task::{Task, TaskState};
use oarlock_ops::store::AtRest;

use super::Moment;
use super::scan::sorted;

/// Whether a task waits for this part of it.
pub(super) fn is_open(part: &Task) -> bool {
    part.state != TaskState::Done && !part.dropped
}

impl Moment {
    pub(super) fn is_done(&self, id: &TaskId) -> bool {
        self.task_ref(id).is_some_and(|task| task.state == TaskState::Done)
    }

    pub(super) fn children_of(&self, id: &TaskId) -> Vec<&Task> {
        sorted(self.all_tasks().filter(|task| task.spec.parent.as_ref() == Some(id)), |task| task.seq)
    }

    /// A task and the tasks above it.
    pub(super) fn with_parents(&self, task: &'_ Task) -> Vec<&Task> {
        std::iter::successors(self.task_ref(&task.id), |task| task.spec.parent.as_ref().and_then(|parent| self.task_ref(parent))).collect()
    }

    /// The unfinished work before a task: its needs, those of the tasks above it, and the parts it waits for.
    fn before(&self, task: &Task) -> Vec<&Task> {
        let needs = self.with_parents(task).into_iter().flat_map(|above| &above.needs).filter_map(|need| self.task_ref(need));
        let parts = self.children_of(&task.id).into_iter().filter(|part| !part.dropped);
        needs.chain(parts).filter(|task| task.state != TaskState::Done).collect()
    }

    /// Blocked and waiting tasks that wait, over any number of others, for a dead or cancelled one.
    pub(super) fn stuck(&self) -> BTreeSet<TaskId> {
        let mut stuck = BTreeSet::new();
        loop {
            let is_hopeless = |task: &&Task| stuck.contains(&task.id) || task.state.is_dead_end();
            let waits = |task: &&Task| matches!(task.state, TaskState::Blocked | TaskState::Waiting);
            let more: BTreeSet<TaskId> = self
                .all_tasks()
                .filter(waits)
                .filter(|task| self.before(task).iter().any(is_hopeless))
                .map(|task| task.id.clone())
                .collect();
            if more.is_subset(&stuck) {
                return stuck;
            }
            stuck.extend(more);
        }
    }

    /// Dead and cancelled tasks that a task waits for, over any number of others.
    pub(super) fn dead_ends_below(&self, id: &TaskId) -> Vec<&Task> {
        let mut below: Vec<&Task> = self.task_ref(id).into_iter().collect();
        let mut next = 0;
        while let Some(task) = below.get(next).copied() {
            next += 1;
            if !matches!(task.state, TaskState::Blocked | TaskState::Waiting) {
                continue;
            }
            for task in self.before(task) {
                if !below.iter().any(|known| known.id == task.id) {
                    below.push(task);
                }
            }
        }
        sorted(below.into_iter().filter(|task| task.state.is_dead_end()), |task| task.seq)
    }

    pub(super) fn open_children_of(&self, id: &TaskId) -> impl Iterator<Item = &Task> {
        self.children_of(id).into_iter().filter(|child| is_open(child))
    }

    /// The task and those of its parts at any depth that `is_in`, in the order of creation.
    pub(super) fn tree_of(&self, id: &TaskId, is_in: fn(&Task) -> bool) -> Vec<&Task> {
        let mut tree: Vec<&Task> = self.task_ref(id).into_iter().collect();
        let mut at = 0;
        while at < tree.len() {
            tree.extend(self.children_of(&tree[at].id).into_iter().filter(|part| is_in(part)));
            at += 1;
        }
        sorted(tree.into_iter(), |task| task.seq)
    }

    /// The tasks that need this one.
    pub(super) fn dependants_on(&self, id: &TaskId) -> Vec<&Task> {
        sorted(self.all_tasks().filter(|task| task.needs.contains(id)), |task| task.seq)
    }

    pub(super) fn numbered(&self, number: Number) -> Option<&Task> {
        self.all_tasks().find(|task| task.seq == number)
    }

    /// The facts that decide the priority of a task, apart from its parts.
    pub(super) fn with_needs(&self, task: &Task) -> Around {
        let seq = |id| self.task_ref(id).map(|task| task.seq);
        let parent = task.spec.parent.as_ref().and_then(seq);
        let node = Node { id: task.id.clone(), state: task.state, own_priority: task.spec.priority, priority: task.priority, parent };
        Around { node, parts: Vec::new(), needs: task.needs.iter().filter_map(seq).collect() }
    }

    pub(super) fn waiter(&self, task: &Task) -> Waiter {
        let has_parts = !self.children_of(&task.id).is_empty();
        Waiter { number: task.seq, state: task.state, priority: task.priority, has_parts }
    }

    /// The facts that decide where a task rests once all of `done` are done, apart from the needs of the tasks above it.
    pub(super) fn resting(&self, task: &Task, done: &[TaskId]) -> AtRest {
        let open_children = self.open_children_of(&task.id).next().is_some();
        let unmet_needs = task.needs.iter().any(|need| !self.is_done(need) && !done.contains(need));
        let facts = RestingFacts::of(task, open_children, unmet_needs);
        AtRest { id: task.id.clone(), parent: task.spec.parent.clone(), state: task.state, facts }
    }
}
