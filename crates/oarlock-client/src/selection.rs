//! The tasks and events that a picture is drawn from, read page by page from a store or a gateway.

use oarlock_model::limits::PAGE_ITEMS_MAX;
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::log::Events;
use oarlock_ops::shapes::{EventShape, TaskShape};
use oarlock_ops::task::{ShowTask, Tasks};
use serde_json::Value;
use std::collections::BTreeSet;

use crate::backend::Backend;

/// Reads what pictures are drawn from.
#[derive(Debug)]
pub struct Selection<'a, 'b> {
    backend: &'a mut Backend<'b>,
    caller: Caller,
    tasks_max: usize,
}

impl<'a, 'b> Selection<'a, 'b> {
    /// Reads for a caller, at most `tasks_max` tasks.
    pub fn new(backend: &'a mut Backend<'b>, caller: Caller, tasks_max: usize) -> Self {
        Self { backend, caller, tasks_max }
    }

    /// A task and its parts at any depth.
    ///
    /// # Errors
    /// `not_found`; `limit_reached` for more tasks than fit into a picture; store errors.
    pub fn tree(&mut self, id: &TaskId) -> Result<Vec<TaskShape>, OpError> {
        let mut tasks = vec![self.backend.ask(&self.caller, ShowTask { id: id.clone(), limit: Some(1), after: None })?.task];
        let mut next = 0;
        while let Some(parent) = tasks.get(next).map(|task| task.id.clone()) {
            next += 1;
            let parts = self.list(&Tasks { parent: Some(parent), ..Tasks::default() }, tasks.len())?;
            tasks.extend(parts);
        }
        Ok(tasks)
    }

    /// All unfinished tasks, and the finished ones that they wait for, as far as there is room.
    ///
    /// # Errors
    /// `limit_reached` when the unfinished ones do not fit into a picture; store errors.
    pub fn unfinished(&mut self) -> Result<Vec<TaskShape>, OpError> {
        let states: Vec<TaskState> = TaskState::ALL.into_iter().filter(|state| !state.is_finished()).collect();
        let mut tasks = self.list(&Tasks { state: states, ..Tasks::default() }, 0)?;
        let known: BTreeSet<TaskId> = tasks.iter().map(|task| task.id.clone()).collect();
        let wanted: BTreeSet<TaskId> =
            tasks.iter().flat_map(|task| task.needs.iter()).filter(|need| !known.contains(*need)).cloned().collect();
        for id in wanted {
            if tasks.len() >= self.tasks_max {
                break;
            }
            tasks.push(self.backend.ask(&self.caller, ShowTask { id, limit: Some(1), after: None })?.task);
        }
        Ok(tasks)
    }

    /// The events of these kinds after a cursor, oldest first, without their facts: pictures need none, and a long log has many.
    ///
    /// # Errors
    /// `invalid_request` for a bad cursor; store errors.
    pub fn events(&mut self, kinds: &[&str], after: Option<String>) -> Result<Vec<EventShape>, OpError> {
        let kind = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let mut asked = Events { after, kind, limit: Some(PAGE_ITEMS_MAX), ..Events::default() };
        let mut events = Vec::new();
        loop {
            let page = self.backend.ask(&self.caller, asked.clone())?;
            events.extend(page.events.into_iter().map(|event| EventShape { data: Value::Null, ..event }));
            match page.next {
                Some(next) => asked.after = Some(next),
                None => return Ok(events),
            }
        }
    }

    /// The tasks of a list, beside `before` others.
    fn list(&mut self, asked: &Tasks, before: usize) -> Result<Vec<TaskShape>, OpError> {
        let mut asked = asked.clone();
        let mut tasks = Vec::new();
        loop {
            let page = self.backend.ask(&self.caller, asked.clone())?;
            tasks.extend(page.tasks);
            if before + tasks.len() > self.tasks_max {
                return Err(Rejection::limit("tasks in one picture", self.tasks_max, before + tasks.len()).into());
            }
            match page.next {
                Some(next) => asked.after = Some(next),
                None => return Ok(tasks),
            }
        }
    }
}
