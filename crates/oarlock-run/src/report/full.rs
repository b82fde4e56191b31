//! The report of a task and its parts from the log alone, at any time: `oarlock report`.

use std::collections::BTreeMap;

use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, StoreTime, TaskId, limits};
use oarlock_ops::OpError;
use oarlock_ops::store::{Store, StoreResult, TaskFilter, View};
use serde::Serialize;

use super::story::{AttemptReport, LandingReport, RefusalReport, Story};
use super::{AgentReport, PartReport, RunReport, UsageReport};
use crate::history::each_event_of;
use crate::tree;

/// Tasks that are read of a page when one with parts is looked for.
const PAGE: usize = 500;

/// All that is known of the work on a task and its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FullReport {
    /// The task.
    pub task: TaskId,
    /// Its title.
    pub title: String,
    /// Its state.
    pub state: TaskState,
    /// The agents that worked on it.
    pub agents: Vec<AgentReport>,
    /// The parts, in the order of their creation; the task itself last, if an agent worked on it.
    pub parts: Vec<FullPart>,
    /// All attempts, by part, oldest first.
    pub attempts: Vec<AttemptReport>,
    /// Submissions that were refused, with how that was resolved.
    pub refusals: Vec<RefusalReport>,
    /// From the first grant to the last event of the work, or to now while it is unfinished, in milliseconds.
    pub wall_ms: i64,
    /// The time of all successful attempts together, in milliseconds: one agent alone.
    pub serial_ms: i64,
    /// The time of the longest chain of parts that wait for one another, in milliseconds: the critical path.
    pub bound_ms: i64,
    /// The least time for this number of agents, in milliseconds: the critical path, or the work divided by the agents, if that is longer.
    pub best_ms: i64,
    /// Tokens and money of all attempts, where clients reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageReport>,
    /// The result of the task, or those of its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// A part in a [`FullReport`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FullPart {
    /// The part as a run reports it.
    #[serde(flatten)]
    pub part: PartReport,
    /// How long it could be claimed and was not, in milliseconds.
    pub waited_ms: i64,
    /// Its way to the target branch, if it was submitted for landing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landing: Option<LandingReport>,
}

/// Reports on a task with its parts; without one, on the newest task that has parts and no parent.
///
/// # Errors
/// `not_found`: there is no such task; store errors.
pub fn full_report(store: &mut dyn Store, task: Option<&TaskId>) -> Result<FullReport, OpError> {
    let view = store.snapshot()?;
    let root = match task {
        Some(task) => task.clone(),
        None => newest_parent(&*view)?.ok_or_else(|| Rejection::Missing {
            message: "no task has parts".to_owned(),
            hint: "name the task: oarlock report ID".to_owned(),
        })?,
    };
    let Some(task) = view.task(&root)? else { return Err(Rejection::not_found("task", &root).into()) };
    let mut stories = BTreeMap::new();
    let (mut begun, mut ended): (Option<StoreTime>, Option<StoreTime>) = (None, None);
    for id in tree::tasks_of(&*view, &root)? {
        let mut story = Story::default();
        each_event_of(&*view, &id, &mut |event| story.follow(&id, event))?;
        begun = [begun, story.begun].into_iter().flatten().min();
        ended = [ended, story.ended].into_iter().flatten().max();
        stories.insert(id, story);
    }
    let until = if task.state.is_finished() { ended } else { Some(view.now().store) };
    let wall_ms = begun.zip(until).map_or(0, |(begun, until)| until.since_ms(begun));
    let run = super::report(&*view, &root, &[], wall_ms)?;
    Ok(joined(run, task.spec.title, stories))
}

fn joined(run: RunReport, title: String, mut stories: BTreeMap<TaskId, Story>) -> FullReport {
    let RunReport { task, state, agents, parts, wall_ms, serial_ms, bound_ms, result, usage, .. } = run;
    let (mut attempts, mut refusals, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        let mut story = stories.remove(&part.id).unwrap_or_default();
        attempts.append(&mut story.attempts);
        refusals.append(&mut story.refusals);
        whole.push(FullPart { part, waited_ms: story.waited_ms, landing: story.landing });
    }
    let shared_ms = serial_ms / i64::try_from(agents.len().max(1)).unwrap_or(i64::MAX);
    FullReport {
        task,
        title,
        state,
        agents,
        parts: whole,
        attempts,
        refusals,
        wall_ms,
        serial_ms,
        bound_ms,
        best_ms: bound_ms.max(shared_ms),
        usage,
        result,
    }
}

/// The newest task that has parts and no parent.
fn newest_parent(view: &dyn View) -> StoreResult<Option<TaskId>> {
    let mut filter = TaskFilter { limit: PAGE, bytes_max: limits::PAGE_BYTES_MAX, ..TaskFilter::default() };
    let mut newest = None;
    loop {
        let tasks = view.tasks(&filter)?;
        let Some(last) = tasks.last() else { return Ok(newest) };
        filter.after_seq = last.seq;
        for task in tasks {
            if task.spec.parent.is_none() && !view.children(&task.id)?.is_empty() {
                newest = Some(task.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stores as _;
    use crate::testing::{TestStores, task_id};
    use oarlock_ops::task::Add;

    #[test]
    fn the_newest_task_with_parts_is_reported_where_none_is_named() {
        let stores = TestStores::new();
        let report = |id: Option<&str>| full_report(&mut *stores.open().expect("it opens"), id.map(task_id).as_ref());
        let add = |id: &str, parent: Option<&str>| {
            let mut add = Add { title: format!("title of {id}"), id: Some(task_id(id)), ..Add::default() };
            add.parent = parent.map(task_id);
            stores.order(&add);
        };
        add("A", None);
        assert_eq!(report(None).expect_err("no parts").to_string(), "no task has parts");
        add("A1", Some("A"));
        add("A2", Some("A1"));
        add("B", None);
        let found = report(None).expect("there is one");
        let parts: Vec<&str> = found.parts.iter().map(|part| part.part.id.as_str()).collect();
        assert_eq!((found.task.as_str(), found.title.as_str(), parts), ("A", "title of A", vec!["A1", "A2"]));
        assert_eq!((found.wall_ms, found.best_ms, found.attempts.len()), (0, 0, 0), "nobody has begun");
        assert_eq!(report(Some("B")).expect("it is there").parts.len(), 1);
        assert_eq!(report(Some("none")).expect_err("missing").code(), oarlock_model::ErrorCode::NotFound);
    }
}
