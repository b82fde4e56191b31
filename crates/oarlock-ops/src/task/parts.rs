//! The results of the parts of tasks.

use oarlock_model::{TaskId, limits, seeded};
use std::collections::BTreeMap;

use crate::store::{ClosedPart, GraphView, StoreResult, TaskView, View};

/// The finished work of a task's parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The parts that are done, in the order of the document they were split from.
    pub(crate) done: Vec<TaskId>,
    /// Their results in that order, each under its title; cut at the limit of a result. Absent when no part has one.
    pub(crate) results: Option<String>,
}

/// The parts of a task, once none of them is open; nothing while one is, or when the task has no parts.
///
/// # Errors
/// Store errors.
pub(crate) fn finished(view: &dyn View, parent: &TaskId) -> StoreResult<Option<Parts>> {
    Finished::of(view, &[parent])?.joined(view, parent)
}

/// Those of some tasks whose parts are all finished. The results, which may be large, are read when they are asked for: those of the next
/// tasks with them, as far as a page has room for them.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    tasks: Vec<Vec<ClosedPart>>,
    /// The state of each of them.
    places: BTreeMap<TaskId, usize>,
    /// Results of the tasks before `read_to` that were read last.
    results: BTreeMap<TaskId, String>,
    read_to: usize,
}

impl Finished {
    /// Of these tasks, which are asked for in this order.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn of(view: &dyn GraphView, tasks: &[&TaskId]) -> StoreResult<Self> {
        if tasks.is_empty() {
            return Ok(Self::default());
        }
        let mut parts_of: BTreeMap<TaskId, Vec<ClosedPart>> = BTreeMap::new();
        for part in view.closed_parts(tasks)? {
            parts_of.entry(part.parent.clone()).or_default().push(part);
        }
        let mut finished = Self::default();
        for task in tasks {
            let Some(mut parts) = parts_of.remove(*task) else { continue };
            // Parts are made in the order in which they can be done; their numbers are those of the document.
            let number = |id: &TaskId| id.as_str().strip_prefix(task.as_str())?.strip_prefix("-SUB")?.parse::<usize>().ok();
            parts.sort_by_key(|part| number(&part.id).unwrap_or(usize::MAX));
            parts.retain(|part| part.is_done);
            finished.places.insert((*task).clone(), finished.tasks.len());
            finished.tasks.push(parts);
        }
        Ok(finished)
    }

    /// The parts of one of these tasks.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn joined(&mut self, view: &dyn TaskView, task: &TaskId) -> StoreResult<Option<Parts>> {
        let Some(at) = self.places.get(task).copied() else { return Ok(None) };
        if at >= self.read_to {
            self.read_from(view, at)?;
        }
        let parts = &self.tasks[at];
        let mut joined = String::new();
        for part in parts.iter().filter(|part| part.result_bytes > 0) {
            let result = match self.results.remove(&part.id) {
                Some(result) => result,
                // Those before it were shorter than they looked.
                None => view.results_of(&[&part.id])?.pop().map(|(_, result)| result).unwrap_or_default(),
            };
            let result = result.trim();
            if result.is_empty() {
                continue;
            }
            let text = format!("## {} ({})\n\n{result}\n\n", part.title, part.id);
            if joined.len() + text.len() > limits::BODY_BYTES_MAX {
                joined.push_str("(further results are too long to be joined; see the parts)\n");
                break;
            }
            joined.push_str(&text);
        }
        let results = (!joined.is_empty() && !seeded::is(seeded::PARTS_RESULTS_DROPPED)).then(|| joined.trim_end().to_owned());
        Ok(Some(Parts { done: parts.iter().map(|part| part.id.clone()).collect(), results }))
    }

    /// Reads the results of the parts of this task, and of those after it.
    fn read_from(&mut self, view: &dyn TaskView, first: usize) -> StoreResult<()> {
        let (mut wanted, mut bytes) = (Vec::new(), 0_usize);
        self.read_to = first;
        for parts in &self.tasks[first..] {
            let mut own_bytes = 0_usize;
            // The first that does not fit any more is read as well: without the space around it, it may.
            for part in parts.iter().filter(|part| part.result_bytes > 0) {
                wanted.push(&part.id);
                own_bytes = own_bytes.saturating_add(part.result_bytes);
                if own_bytes > limits::BODY_BYTES_MAX {
                    break;
                }
            }
            self.read_to += 1;
            bytes = bytes.saturating_add(own_bytes);
            if bytes > limits::PAGE_BYTES_MAX {
                break;
            }
        }
        self.results = if wanted.is_empty() { BTreeMap::new() } else { view.results_of(&wanted)?.into_iter().collect() };
        Ok(())
    }
}
