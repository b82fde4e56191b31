//! Whether a task can still be done, and if not, why.

use oarlock_model::event::{DeathReason, Fact};
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId, seeded};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::store::{StoreResult, View};

/// Dead ends that the details of a refusal name for one task.
const DEAD_ENDS_SHOWN: usize = 20;
/// Tasks that are asked one by one whether they are stuck; for more, all stuck tasks are listed once.
const ASKED_SINGLY_MAX: usize = 8;

/// Whether some tasks can still be done.
pub(crate) struct Outlook {
    /// The tasks with their states, as asked for.
    pub(crate) states: Vec<(TaskId, TaskState)>,
    /// How many are done.
    pub(crate) done: usize,
    /// Those that can no longer be done: dead, cancelled, or stuck behind such a task.
    pub(crate) hopeless: Vec<(TaskId, TaskState)>,
}

/// The possible outcomes of these tasks.
///
/// # Errors
/// `not_found`, store errors.
pub(crate) fn of(view: &dyn View, ids: &[TaskId]) -> Result<Outlook, crate::OpError> {
    let mut outlook = Outlook { states: Vec::new(), done: 0, hopeless: Vec::new() };
    for id in ids {
        let state = view.task_state(id)?.ok_or_else(|| Rejection::not_found("task", id))?;
        outlook.states.push((id.clone(), state));
        outlook.done += usize::from(state == TaskState::Done);
    }
    let may_be_stuck = |state: TaskState| matches!(state, TaskState::Blocked | TaskState::Waiting);
    let asked = outlook.states.iter().filter(|(_, state)| may_be_stuck(*state)).count();
    let all_stuck = if asked > ASKED_SINGLY_MAX { Some(view.stuck_tasks(usize::MAX)?) } else { None };
    for (id, state) in &outlook.states {
        let is_stuck = may_be_stuck(*state)
            && match &all_stuck {
                Some(stuck) => stuck.contains(id),
                None => view.is_stuck(id)?,
            };
        if (state.is_dead_end() || is_stuck) && !seeded::is(seeded::WAITS_FOR_THE_DEAD) {
            outlook.hopeless.push((id.clone(), *state));
        }
    }
    Ok(outlook)
}

impl Outlook {
    /// The refusal that says which tasks can no longer be done, and why.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn refusal(&self, view: &dyn View) -> StoreResult<Rejection> {
        let hopeless: BTreeSet<&TaskId> = self.hopeless.iter().map(|(id, _)| id).collect();
        let mut rows = Vec::new();
        let mut first_cause = String::new();
        for (id, state) in &self.states {
            let mut row = json!({ "id": id, "state": state });
            if hopeless.contains(id) {
                let cause = cause(view, id, *state, &mut row)?;
                if first_cause.is_empty() {
                    let word = if state.is_dead_end() { state.as_str() } else { "stuck" };
                    first_cause = format!("{id} is {word} ({})", in_short(&cause));
                }
                row["cause"] = json!(cause);
            }
            rows.push(row);
        }
        let count = match (self.hopeless.len(), self.states.len()) {
            (1, 1) => String::new(),
            (hopeless, all) => format!("{hopeless} of {all} tasks can no longer be done: "),
        };
        Ok(Rejection::Conflict {
            message: format!("{count}{first_cause}"),
            hint: "`oarlock requeue ID` brings a dead or cancelled task back; `oarlock depend ID --on ID --remove` goes on without it"
                .into(),
            details: json!({ "tasks": rows }),
        })
    }
}

/// Why a task can no longer be done.
fn cause(view: &dyn View, id: &TaskId, state: TaskState, row: &mut Value) -> StoreResult<String> {
    let last = |kind: &str| Ok::<_, crate::store::StoreError>(view.last_event_of(id.as_str(), kind)?.map(|event| event.fact));
    Ok(match state {
        TaskState::Dead => match last("task_died")? {
            Some(Fact::TaskDied(died)) if died.reason == DeathReason::Losses => format!("its lease was lost {}", times(died.losses)),
            Some(Fact::TaskDied(died)) => {
                let failed = format!("it failed {}", times(died.failures));
                match last("task_failed")? {
                    Some(Fact::TaskFailed(last)) => format!("{failed}: {}", last.reason),
                    _ => failed,
                }
            }
            _ => "its attempts are used up".into(),
        },
        TaskState::Cancelled => match last("task_cancelled")? {
            Some(Fact::TaskCancelled(fact)) => match fact.with_parent {
                Some(parent) => format!("with its parent {parent}"),
                None => "by itself".into(),
            },
            _ => "by itself".into(),
        },
        _ => {
            let mut ends = Vec::new();
            for end in view.dead_ends(id, DEAD_ENDS_SHOWN)? {
                if let Some(state) = view.task_state(&end)? {
                    ends.push((end, state));
                }
            }
            row["stuck"] = json!(true);
            row["dead_ends"] = ends.iter().map(|(id, state)| json!({ "id": id, "state": state })).collect();
            let words: Vec<String> = ends.iter().map(|(id, state)| format!("{id}, which is {state}")).collect();
            format!("it waits for {}", words.join(" and for "))
        }
    })
}

fn times(n: u32) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

/// The beginning of a cause, for a message of one line.
fn in_short(cause: &str) -> String {
    const CHARS_MAX: usize = 200;
    let line = cause.lines().next().unwrap_or_default();
    if line.chars().count() > CHARS_MAX { line.chars().take(CHARS_MAX).chain("…".chars()).collect() } else { line.to_owned() }
}
