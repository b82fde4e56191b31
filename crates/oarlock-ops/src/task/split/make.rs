//! The result of a split: the parent task of a file, and the parts. Slow work is done before the write lock is taken.

use oarlock_model::event::TaskSplit;
use oarlock_model::pattern::Pattern;
use oarlock_model::task::{Task, TaskSpec, TaskState};
use oarlock_model::text::visible_line;
use oarlock_model::{AgentName, Label, Rejection, TaskId, limits};
use oarlock_plan::{Plan, Subtask};
use std::collections::{BTreeMap, BTreeSet};

use super::order::by_dependency;
use super::planned::Making;
use crate::OpError;
use crate::context::Deciding;
use crate::reap;
use crate::shapes::TaskShape;
use crate::shapes::related::Related;
use crate::task::add;

impl Making {
    /// Makes the parent task of a file; gives it, and the texts of the parts.
    pub(super) fn add_parent(
        self,
        cx: &mut Deciding<'_>,
        id: &TaskId,
        file: Option<String>,
        plan: &Plan,
    ) -> Result<(Task, Vec<String>), OpError> {
        let title = self.title.unwrap_or_else(|| id.to_string());
        let spec = TaskSpec {
            body: self.body,
            estimate_minutes: u32::try_from(plan.serial_minutes).ok().filter(|m| *m > 0),
            max_attempts: cx.settings().max_attempts,
            file,
            ..TaskSpec::new(one_line(&title))
        };
        Ok((add::add_task(cx, Some(id.clone()), spec, BTreeSet::new())?, self.documents))
    }
}

/// Makes the parts, with these texts.
pub(super) fn parts(
    cx: &mut Deciding<'_>,
    parent: &Task,
    documents: Vec<String>,
    plan: &Plan,
    auto_finish: bool,
) -> Result<Vec<TaskShape>, OpError> {
    add::check_depth(cx, parent)?;
    let above = add::Above::of(cx, &parent.id)?;
    let mut children = Vec::new();
    let mut document_of: BTreeMap<&str, String> = plan.subtasks.iter().map(|s| s.id.as_str()).zip(documents).collect();
    let mut made: BTreeMap<&str, Task> = BTreeMap::new();
    for subtask in by_dependency(&plan.subtasks) {
        let id = TaskId::parse(&subtask.id)?;
        if cx.view().task_state(&id)?.is_some() {
            return Err(Rejection::AlreadyExists {
                noun: "task",
                id: subtask.id.clone(),
                detail: None,
                hint: "split a task once; `oarlock tasks --parent ID` lists its parts",
            }
            .into());
        }
        let spec = part_spec(parent, subtask, document_of.remove(subtask.id.as_str()).unwrap_or_default())?;
        let needs: BTreeSet<TaskId> = subtask.depends_on.iter().map(|need| TaskId::parse(need)).collect::<Result<_, _>>()?;
        let waits = !needs.is_empty();
        made.insert(&subtask.id, cx.add(above.added(id.clone(), spec, needs, waits, cx.now()))?);
        children.push(id);
    }
    cx.emit(TaskSplit { id: parent.id.clone(), children, auto_finish, waits: true })?;
    reap::end_reservations_of_task(cx, &parent.id)?;
    // Parts that were made just now can only be stuck by what the tasks above them need.
    let is_stuck = above.waits() && cx.view().is_stuck(&parent.id)?;
    // The reply keeps the order of the plan.
    let made: Vec<Task> = plan.subtasks.iter().filter_map(|subtask| made.remove(subtask.id.as_str())).collect();
    let stuck = made.iter().filter(|task| is_stuck && task.state == TaskState::Blocked).map(|task| task.id.clone()).collect();
    let cx = cx.reading();
    let mut related = Related::to_listed(cx.view, cx.now, &made, stuck)?;
    made.into_iter().map(|task| Ok(TaskShape::listed(&cx, task, &mut related)?)).collect()
}

fn part_spec(parent: &Task, subtask: &Subtask, body: String) -> Result<TaskSpec, OpError> {
    if body.len() > limits::DOCUMENT_BYTES_MAX {
        return Err(Rejection::limit(format!("bytes of part {}", subtask.id), limits::DOCUMENT_BYTES_MAX, body.len()).into());
    }
    let labels: Result<BTreeSet<Label>, Rejection> = subtask.capabilities.iter().map(|c| Label::parse(c)).collect();
    let mut capabilities = labels?;
    capabilities.extend(parent.spec.capabilities.iter().cloned());
    let writes: Result<Vec<Pattern>, Rejection> = subtask.writes.iter().map(|w| Pattern::parse(w).map_err(Rejection::from)).collect();
    Ok(TaskSpec {
        body,
        capabilities,
        writes: writes?,
        kind: parent.spec.kind.clone(),
        priority: None,
        parent: Some(parent.id.clone()),
        estimate_minutes: subtask.estimate_minutes.and_then(|m| u32::try_from(m).ok()),
        assigned: subtask.assigned.as_deref().map(AgentName::parse).transpose()?,
        max_attempts: parent.spec.max_attempts,
        not_before: parent.spec.not_before,
        ..TaskSpec::new(one_line(&subtask.title))
    })
}

/// A title made from a document: one line without control characters, within the limit.
fn one_line(text: &str) -> String {
    let line = visible_line(text, limits::TITLE_CHARS_MAX);
    if line.trim().is_empty() { "untitled".into() } else { line }
}
