//! Keeping priorities what they follow from: see [`oarlock_model::rules::urgency`].

use std::collections::BTreeMap;

use oarlock_model::TaskId;
use oarlock_model::event::TaskUpdated;
use oarlock_model::rules::urgency::{self, Around, Graph, Node, Number, Waiter};

use crate::OpError;
use crate::context::Deciding;
use crate::store::{GraphView, StoreError, StoreResult};

/// The graph of a store, with one task's own priority as it is going to be.
struct InStore<'a> {
    view: &'a dyn GraphView,
    own: Option<(&'a TaskId, u8)>,
}

impl InStore<'_> {
    fn changed(&self, task: Around) -> Around {
        match self.own {
            Some((id, own)) if *id == task.node.id => Around { node: Node { own_priority: Some(own), ..task.node }, ..task },
            _ => task,
        }
    }
}

impl Graph for InStore<'_> {
    type Error = StoreError;

    fn number(&self, id: &TaskId) -> StoreResult<Option<Number>> {
        self.view.task_number(id)
    }

    fn around(&self, task: Number) -> StoreResult<Option<Around>> {
        Ok(self.view.around(task)?.map(|task| self.changed(task)))
    }

    fn above(&self, task: Number) -> StoreResult<Option<Around>> {
        Ok(self.view.above(task)?.map(|task| self.changed(task)))
    }

    fn dependants_of(&self, tasks: &[Number]) -> StoreResult<Vec<(Number, Number)>> {
        self.view.dependants_of(tasks)
    }

    fn waiters(&self, tasks: &[Number]) -> StoreResult<Vec<Waiter>> {
        self.view.waiters(tasks)
    }

    fn waiting_parts(&self, task: Number) -> StoreResult<Vec<Waiter>> {
        self.view.waiting_parts(task)
    }
}

/// Makes tasks at least as urgent as a task that waits for them from now on.
pub(crate) fn lift(cx: &mut Deciding<'_>, ids: impl IntoIterator<Item = TaskId>, priority: u8) -> Result<(), OpError> {
    let changed = urgency::raised(&InStore { view: cx.view(), own: None }, ids.into_iter().map(|id| (id, priority)))?;
    update(cx, changed)
}

/// Brings tasks up to date for which something else has changed: a task that waited for them does so no more, for example.
pub(crate) fn refresh(cx: &mut Deciding<'_>, ids: impl IntoIterator<Item = TaskId>) -> Result<(), OpError> {
    for id in ids {
        let changed = urgency::refreshed(&InStore { view: cx.view(), own: None }, &id)?;
        update(cx, changed)?;
    }
    Ok(())
}

/// The changes when a task gets this priority of its own.
pub(crate) fn with_own(view: &dyn GraphView, id: &TaskId, own: u8) -> StoreResult<BTreeMap<TaskId, u8>> {
    urgency::refreshed(&InStore { view, own: Some((id, own)) }, id)
}

/// The most urgent unfinished task of this one and its parts.
pub(crate) fn most_urgent_in(view: &dyn GraphView, id: &TaskId) -> StoreResult<Option<u8>> {
    urgency::most_urgent_in(&InStore { view, own: None }, id)
}

/// Emits changed priorities.
pub(crate) fn update(cx: &mut Deciding<'_>, changed: BTreeMap<TaskId, u8>) -> Result<(), OpError> {
    changed.into_iter().try_for_each(|(id, priority)| cx.emit(TaskUpdated::derived(id, Some(priority), None)))
}
