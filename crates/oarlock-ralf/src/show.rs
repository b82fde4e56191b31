//! How a task of the store is shown in its files: the fields of a queue item, the status line, and the folder.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

use oarlock_model::seeded;
use serde_json::{Value, json};

use crate::digest::digest_of;
use crate::displayed_state::DisplayedState;
use crate::edit;
use crate::fields::EditError;
use crate::part_file::unit;
use crate::project::queued_as;
use crate::task_file::{self, Folder};
use crate::time;
use crate::types::Task;
use crate::write::{Change, WriteError, Writer};

/// The word of the status line.
fn status_of(displayed_state: &DisplayedState) -> &'static str {
    match displayed_state {
        DisplayedState::Open => "pending",
        DisplayedState::Claimed(..) | DisplayedState::Split => "in_progress",
        DisplayedState::Done => "completed",
        DisplayedState::Cancelled => "cancelled",
        DisplayedState::Failed => "failed",
    }
}

/// The fields of the queue item.
fn fields_of(displayed_state: &DisplayedState, now_ms: i64) -> Vec<(&'static str, Value)> {
    let nobody = [("claimed_by", Value::Null), ("claimed_at", Value::Null)];
    match displayed_state {
        DisplayedState::Open | DisplayedState::Split => [("status", json!(status_of(displayed_state)))].into_iter().chain(nobody).collect(),
        // The project's monitor knows `in_progress`, and passes over items with `claimed`, which only some scripts write.
        DisplayedState::Claimed(agent, since_ms) => {
            vec![
                ("status", json!(status_of(displayed_state))),
                ("claimed_by", json!(agent.as_str())),
                ("claimed_at", json!(time::shown(*since_ms))),
            ]
        }
        DisplayedState::Done => vec![("status", json!("completed")), ("completed_at", json!(time::shown(now_ms)))],
        DisplayedState::Cancelled => [("status", json!(status_of(displayed_state)))].into_iter().chain(nobody).collect(),
        // It waits for somebody to decide; the project's programs know no word for a failure.
        DisplayedState::Failed => [("status", json!("blocked"))].into_iter().chain(nobody).collect(),
    }
}

/// How an item of a queue is to be shown.
#[derive(Clone, Debug)]
pub(crate) struct ItemEdit {
    /// Its id in the queue.
    pub(crate) id: String,
    /// How its task is.
    pub(crate) displayed_state: DisplayedState,
    /// Only if nobody has it there.
    pub(crate) if_free: Option<FreeFor>,
}

/// When a task is free to be marked: nobody has it, or the one of the store who has just lost it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FreeFor {
    pub(crate) before: Option<String>,
}

impl FreeFor {
    /// Whether an item or a file that says so is free.
    pub(crate) fn admits(&self, state: &str, claimed_by: Option<&str>) -> bool {
        let is_of_before = |before: &str| state == "claimed" && claimed_by.is_none_or(|claimer| claimer == before);
        state == "ready" || self.before.as_deref().is_some_and(is_of_before)
    }
}

/// The outcome of showing an item.
#[derive(Debug)]
pub(crate) enum ItemShown {
    /// It says so now, and did not before.
    Written,
    /// It said so.
    AsItWas,
    /// Somebody has it, or it is over or gone.
    Taken,
    /// It cannot be edited.
    Uneditable(EditError),
}

/// The texts of a queue before and after it was edited, as digests, and what came of each item.
#[derive(Debug, Default)]
pub(crate) struct QueueShown {
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) items: Vec<ItemShown>,
}

/// Shows how tasks stand in items of one queue, all in one write. An item that cannot be edited keeps no other from being.
pub(crate) fn in_queue(writer: &Writer, file: &Path, edits: &[ItemEdit], now_ms: i64) -> Result<QueueShown, WriteError> {
    let shown = RefCell::new(QueueShown::default());
    writer.edit(file, &|text| {
        let known: Vec<Option<Task>> = edits.iter().map(|edit| queued_as(text, &edit.id)).collect();
        let (mut new, mut items) = (Cow::Borrowed(text), Vec::with_capacity(edits.len()));
        for (edit, known) in edits.iter().zip(&known) {
            items.push(match known {
                None if edit.if_free.is_some() => ItemShown::Taken,
                None => ItemShown::Uneditable(EditError::Missing(edit.id.clone())),
                Some(item) if edit.if_free.as_ref().is_some_and(|free| !free.admits(item.state, item.claimed_by.as_deref())) => {
                    ItemShown::Taken
                }
                Some(item) => match with_displayed_state(&new, item, &edit.displayed_state, now_ms) {
                    Ok(edited) if edited == new => ItemShown::AsItWas,
                    Ok(edited) => {
                        new = Cow::Owned(edited);
                        ItemShown::Written
                    }
                    Err(error) => ItemShown::Uneditable(error),
                },
            });
        }
        *shown.borrow_mut() = QueueShown { before: digest_of(text), after: digest_of(&*new), items };
        Ok(match new {
            Cow::Borrowed(_) => Change::Nothing,
            Cow::Owned(new) => Change::Whole(new),
        })
    })?;
    Ok(shown.into_inner())
}

/// The text of a queue in which the item says how its task is.
fn with_displayed_state(text: &str, item: &Task, displayed_state: &DisplayedState, now_ms: i64) -> Result<String, EditError> {
    let mut fields = fields_of(displayed_state, now_ms);
    // Who has nothing needs no field that says so, unless it is there.
    fields.retain(|(name, value)| !value.is_null() || (*name == "claimed_by" && item.claimed_by.is_some()) || *name == "claimed_at");
    edit::set_item(text, &item.id, &fields)
}

/// How the text of a task's own file says that status. Where nothing else of the files reports the task, `is_alone`, a text without a status line
/// gets one: scripts find open tasks by it.
pub(crate) fn with_word(text: &str, status: &str, is_alone: bool) -> Result<Change, EditError> {
    if task_file::read(text).status.is_some_and(|said| said.eq_ignore_ascii_case(status)) {
        return Ok(Change::Nothing);
    }
    match task_file::with_status(text, status) {
        Some(new) => Ok(Change::Whole(new)),
        None if !is_alone || seeded::is(seeded::FILE_LEFT_UNMARKED) => Ok(Change::Nothing),
        None => task_file::with_new_status(text, status)
            .map(Change::Whole)
            .ok_or(EditError::Form { line: 1, form: "a task without a place for its status" }),
    }
}

/// Shows how a task is in its own file, which moves when the task has ended; `is_alone` when it has no item in a queue. Returns whether
/// anything changed.
pub(crate) fn in_file(
    writer: &Writer,
    root: &Path,
    file: &Task,
    displayed_state: &DisplayedState,
    is_alone: bool,
) -> Result<bool, WriteError> {
    let status = status_of(displayed_state);
    // An ended task shows it by its folder, and an open one shows nothing where there is nothing to say it in.
    let is_needed = is_alone && matches!(displayed_state, DisplayedState::Claimed(..) | DisplayedState::Split | DisplayedState::Failed);
    let edit = |text: &str| with_word(text, status, is_needed);
    // What lies among the finished is done whatever its line says, and stays as it was committed.
    let is_over = *displayed_state == DisplayedState::Done && file.folder == Some(Folder::Completed);
    let is_changed = !is_over && writer.edit(&root.join(&file.source.file), &edit)?;
    let folder = match displayed_state {
        DisplayedState::Done => Some((Folder::Completed, "completed")),
        DisplayedState::Cancelled => Some((Folder::Cancelled, "cancelled")),
        DisplayedState::Open if matches!(file.folder, Some(Folder::Working | Folder::Cancelled)) => Some((Folder::Active, "active")),
        _ => None,
    };
    let Some((folder, name)) = folder else { return Ok(is_changed) };
    Ok(move_to(writer, root, file, folder, name)? || is_changed)
}

/// Moves a task where tasks lie that ended so, as who ends one does. Existing files stay.
fn move_to(writer: &Writer, root: &Path, task: &Task, folder: Folder, name: &str) -> Result<bool, WriteError> {
    let from = unit(&root.join(&task.source.file));
    let target = task.folder.filter(|known| *known != folder).and_then(|_| place_among(&from, name));
    // A part of another task stays beside its sisters.
    let Some(target) = target else { return Ok(false) };
    writer.move_to(&from, &target)?;
    Ok(true)
}

/// Where what lies in a folder of tasks belongs among those called `name`: below the same folders in it. Nothing for a part, which lies in the
/// folder of its task.
fn place_among(from: &Path, name: &str) -> Option<PathBuf> {
    let is_kind = |folder: &&Path| folder.file_name().is_some_and(|name| Folder::of(&name.to_string_lossy()).is_some());
    let kind = from.ancestors().skip(1).find(is_kind)?;
    let groups = from.ancestors().skip(1).take_while(|above| *above != kind);
    let is_task = |group: &Path| ["task.md", "TASK.md"].iter().any(|file| group.join(file).is_file());
    if groups.into_iter().any(is_task) {
        return None;
    }
    Some(kind.with_file_name(name).join(from.strip_prefix(kind).ok()?))
}
