//! Bringing a whole store in line with its graph: states and priorities that an older program stored.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::event::{DependencyRemoved, TaskNoted, TaskReadied, TaskUpdated};
use oarlock_model::rules::derived::{self, Facts};
use oarlock_model::rules::graph::Way;
use oarlock_model::task::{Resting, TaskState};
use oarlock_model::{Rejection, TaskId, limits, rules};

use crate::OpError;
use crate::caller::Caller;
use crate::context::Deciding;
use crate::lock::Lock;
use crate::owners::Unseen;
use crate::settings::Settings;
use crate::store::Transaction;

/// Emits the missing events, so that every stored state and priority follows from needs, parents and own priorities. A need that only the
/// inheritance of needs makes part of a cycle is taken away, with a note: its tasks would wait for each other for ever.
///
/// # Errors
/// Store errors.
pub fn derive_again(tx: &mut dyn Transaction) -> Result<(), OpError> {
    let (caller, settings, locks) = (Caller::default(), Settings::default(), [Lock::Everything]);
    in_context(&mut Deciding::new(tx, &Unseen, &caller, &settings, &locks))
}

/// The same, inside a context.
pub(crate) fn in_context(cx: &mut Deciding<'_>) -> Result<(), OpError> {
    let mut tasks: BTreeMap<TaskId, Facts> = cx.view().state()?.tasks.iter().map(|(id, task)| (id.clone(), Facts::from(task))).collect();
    for (id, need) in closing_edges(&tasks)? {
        if let Some(facts) = tasks.get_mut(&id) {
            facts.needs.remove(&need);
        }
        cx.emit(DependencyRemoved { id: id.clone(), on: BTreeSet::from([need.clone()]), resting: None })?;
        cx.emit(TaskNoted { id, text: format!("no longer needs {need}: its parts would wait for themselves"), as_result: false })?;
    }
    for (id, follows) in derived::derive(&tasks) {
        let Some(task) = tasks.get(&id).filter(|task| !task.state.is_finished()) else { continue };
        let priority = Some(follows.priority).filter(|priority| *priority != task.priority);
        let must_wait = follows.unmet_needs && matches!(task.state, TaskState::Ready | TaskState::Scheduled);
        if priority.is_some() || must_wait {
            cx.emit(TaskUpdated::derived(id.clone(), priority, must_wait.then_some(Resting::Blocked)))?;
        }
        if task.state == TaskState::Blocked && !follows.unmet_needs {
            cx.emit(TaskReadied { id })?;
        }
    }
    Ok(())
}

/// Needs of tasks with parts that lead back to one of these parts.
fn closing_edges(tasks: &BTreeMap<TaskId, Facts>) -> Result<Vec<(TaskId, TaskId)>, Rejection> {
    let is_open = |id: &&TaskId| tasks.get(*id).is_some_and(|task| task.state != TaskState::Done);
    let mut parts: BTreeMap<&TaskId, Vec<&TaskId>> = BTreeMap::new();
    for (id, task) in tasks.iter().filter(|(_, task)| task.state != TaskState::Done && !task.dropped) {
        if let Some(parent) = &task.parent {
            parts.entry(parent).or_default().push(id);
        }
    }
    let mut closing: Vec<(TaskId, TaskId)> = Vec::new();
    for (id, task) in tasks.iter().filter(|(id, task)| parts.contains_key(id) && task.state != TaskState::Done) {
        let mut inside = BTreeSet::from([id.clone()]);
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            open.extend(parts.get(id).into_iter().flatten().filter(|part| inside.insert((**part).clone())));
        }
        for need in task.needs.iter().filter(|need| is_open(need)) {
            let before = |from: &TaskId| {
                let mut before: Vec<TaskId> = parts.get(from).into_iter().flatten().map(|part| (*part).clone()).collect();
                let mut above = Some(from);
                while let Some((id, task)) = above.and_then(|id| tasks.get_key_value(id)) {
                    let is_left = |need: &&TaskId| is_open(need) && !closing.iter().any(|(task, on)| task == id && on == *need);
                    before.extend(task.needs.iter().filter(is_left).cloned());
                    above = task.parent.as_ref();
                }
                Ok::<_, Rejection>(before)
            };
            match rules::graph::cycle(id, &inside, &BTreeSet::from([need.clone()]), limits::GRAPH_VISITS_MAX, before)? {
                Way::None => {}
                Way::Back(_) => closing.push((id.clone(), need.clone())),
                Way::TooFar => return Err(rules::graph::too_far()),
            }
        }
    }
    Ok(closing)
}
