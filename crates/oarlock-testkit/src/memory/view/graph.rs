//! Parts and needs of tasks.

use oarlock_model::TaskId;
use oarlock_model::rules::urgency::{Around, Number, Waiter};
use oarlock_model::task::{Task, TaskState};
use oarlock_ops::store::{AtRest, ClosedPart, GraphView, Near, StoreResult, TaskNode};
use std::collections::BTreeSet;

use crate::memory::Moment;
use crate::memory::graph::is_open;
use crate::memory::scan::{place, sorted};

impl GraphView for Moment {
    fn children(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        Ok(self.children_of(id).into_iter().map(|task| task.id.clone()).collect())
    }

    fn open_children(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>> {
        Ok(self.open_children_of(id).take(limit).map(|child| child.id.clone()).collect())
    }

    fn tree(&self, id: &TaskId) -> StoreResult<Vec<(TaskId, TaskState)>> {
        Ok(self.tree_of(id, |_| true).into_iter().map(|task| (task.id.clone(), task.state)).collect())
    }

    fn open_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        Ok(self.tree_of(id, is_open).into_iter().map(|task| task.id.clone()).collect())
    }

    fn dependants(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        Ok(self.dependants_on(id).into_iter().map(|task| task.id.clone()).collect())
    }

    fn node(&self, id: &TaskId) -> StoreResult<Option<TaskNode>> {
        Ok(self.task_ref(id).map(|task| TaskNode { state: task.state, priority: task.priority, parent: task.spec.parent.clone() }))
    }

    fn task_number(&self, id: &TaskId) -> StoreResult<Option<Number>> {
        Ok(self.task_ref(id).map(|task| task.seq))
    }

    fn around(&self, task: Number) -> StoreResult<Option<Around>> {
        let parts = |task: &Task| self.children_of(&task.id).into_iter().map(|part| part.seq).collect();
        Ok(self.numbered(task).map(|task| Around { parts: parts(task), ..self.with_needs(task) }))
    }

    fn above(&self, task: Number) -> StoreResult<Option<Around>> {
        Ok(self.numbered(task).map(|task| self.with_needs(task)))
    }

    fn dependants_of(&self, tasks: &[Number]) -> StoreResult<Vec<(Number, Number)>> {
        let of = |need: &Task| self.dependants_on(&need.id).into_iter().map(|task| (need.seq, task.seq)).collect();
        Ok(tasks.iter().filter_map(|task| self.numbered(*task)).flat_map(|need| -> Vec<_> { of(need) }).collect())
    }

    fn waiters(&self, tasks: &[Number]) -> StoreResult<Vec<Waiter>> {
        Ok(tasks.iter().filter_map(|task| self.numbered(*task)).map(|task| self.waiter(task)).collect())
    }

    fn waiting_parts(&self, task: Number) -> StoreResult<Vec<Waiter>> {
        let parts = self.numbered(task).map(|task| self.children_of(&task.id)).unwrap_or_default();
        Ok(parts.into_iter().map(|task| self.waiter(task)).collect())
    }

    fn unmet_needs(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        let all = self.task_ref(id).into_iter().flat_map(|task| self.with_parents(task));
        let unmet: BTreeSet<TaskId> = all.flat_map(|task| &task.needs).filter(|need| !self.is_done(need)).cloned().collect();
        Ok(unmet.into_iter().collect())
    }

    fn unmet_needs_of(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, TaskId)>> {
        let mut pairs = Vec::new();
        for id in ids {
            pairs.extend(self.unmet_needs(id)?.into_iter().map(|need| ((*id).clone(), need)));
        }
        pairs.sort_by(|(_, a), (_, b)| a.cmp(b));
        Ok(pairs)
    }

    fn closed_parts(&self, ids: &[&TaskId]) -> StoreResult<Vec<ClosedPart>> {
        let closed = ids.iter().filter(|id| self.open_children_of(id).next().is_none());
        let parts = sorted(closed.flat_map(|id| self.children_of(id)), |part| part.seq);
        let part = |part: &Task| {
            Some(ClosedPart {
                parent: part.spec.parent.clone()?,
                id: part.id.clone(),
                title: part.spec.title.clone(),
                is_done: part.state == TaskState::Done,
                result_bytes: part.result.as_ref().map_or(0, String::len),
            })
        };
        Ok(parts.into_iter().filter_map(part).collect())
    }

    fn waits_for(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        let mut before = self.unmet_needs(id)?;
        before.append(&mut self.open_children(id, usize::MAX)?);
        Ok(before)
    }

    fn at_rest(&self, near: Near<'_>, done: &[TaskId]) -> StoreResult<Vec<AtRest>> {
        let tasks = match near {
            Near::Task(id) => self.task_ref(id).into_iter().collect(),
            Near::PartsOf(id) => self.children_of(id),
            Near::DependantsOf(id) => self.dependants_on(id),
        };
        Ok(tasks.into_iter().map(|task| self.resting(task, done)).collect())
    }

    fn ready_in_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        let tree = self.tree(id)?;
        let ready = tree.iter().filter_map(|(id, _)| self.task_ref(id)).filter(|task| task.state == TaskState::Ready);
        Ok(sorted(ready, place).into_iter().map(|task| task.id.clone()).collect())
    }

    fn stuck_tasks(&self, limit: usize) -> StoreResult<BTreeSet<TaskId>> {
        Ok(self.stuck().into_iter().take(limit).collect())
    }

    fn dead_ends(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>> {
        Ok(self.dead_ends_below(id).into_iter().map(|task| task.id.clone()).take(limit).collect())
    }

    fn is_stuck(&self, id: &TaskId) -> StoreResult<bool> {
        Ok(self.stuck().contains(id))
    }
}
