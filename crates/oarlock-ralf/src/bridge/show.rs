//! Tasks of the store in their files: the fields of a queue item, the status line, the folder, and the files of parts.

use std::collections::BTreeMap;
use std::fs;

use oarlock_model::task::Task as StoreTask;
use oarlock_model::{AgentName, Label, TaskId};
use serde_json::{Value, json};

use super::{Bridge, Trouble};
use crate::edit;
use crate::part_file::{self, PartFile, unit};
use crate::project::Task;
use crate::reconcile::InFiles;
use crate::task_file::{self, Folder};
use crate::time;
use crate::write::Change;

/// Lists of tasks that a queue file has.
const QUEUES: [&str; 2] = ["queue", "tasks"];
/// What priorities are called in task files, the most urgent first.
const PRIORITIES: [&str; 5] = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "LOW"];

/// How a task stands, in the words of the files.
pub(super) enum Shown<'a> {
    /// Nobody has it.
    Open,
    /// An agent has it since then.
    Claimed(&'a str, i64),
    /// Its parts are worked on.
    Split,
    /// Done at that time.
    Done(i64),
}

impl Shown<'_> {
    /// The word of the status line.
    fn status(&self) -> &'static str {
        match self {
            Self::Open => "pending",
            Self::Claimed(..) | Self::Split => "in_progress",
            Self::Done(_) => "completed",
        }
    }

    /// The fields of the queue item.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Open => vec![("status", json!("pending")), ("claimed_by", Value::Null), ("claimed_at", Value::Null)],
            Self::Claimed(agent, since_ms) => {
                vec![("status", json!("claimed")), ("claimed_by", json!(agent)), ("claimed_at", json!(time::shown(*since_ms)))]
            }
            Self::Split => vec![("status", json!("in_progress"))],
            Self::Done(at_ms) => vec![("status", json!("completed")), ("completed_at", json!(time::shown(*at_ms)))],
        }
    }
}

impl Bridge<'_> {
    /// Shows how a task stands in its queue item and in its file, which moves when the task is done.
    pub(super) fn show(&self, task: &TaskId, tasks: &BTreeMap<&str, InFiles<'_>>, shown: &Shown<'_>) -> Result<(), Trouble> {
        let Some(files) = tasks.get(task.as_str()) else { return Ok(()) };
        if let Some(item) = files.queue {
            let file = self.root.join(&item.source.file);
            let fields = shown.fields();
            self.writer.edit(&file, &|text| Ok(Change::Whole(edit::set_item(text, &QUEUES, &item.id, &fields)?)))?;
        }
        if let Some(file) = files.file {
            self.writer.edit(&self.root.join(&file.source.file), &|text| Ok(with_status(text, shown.status())))?;
            if matches!(shown, Shown::Done(_)) {
                self.move_to_completed(file)?;
            }
        }
        Ok(())
    }

    /// Moves a finished task where finished tasks lie, as who finishes one does. What is there already is left alone.
    fn move_to_completed(&self, task: &Task) -> Result<(), Trouble> {
        let file = self.root.join(&task.source.file);
        let is_open = task.folder.is_some_and(|folder| folder != Folder::Completed);
        let from = unit(&file);
        let active =
            from.parent().filter(|active| is_open && active.file_name().is_some_and(|name| Folder::of(&name.to_string_lossy()).is_some()));
        let (Some(active), Some(name)) = (active, from.file_name()) else {
            // A part of another task stays beside its sisters.
            return Ok(());
        };
        let completed = active.with_file_name("completed");
        let to = completed.join(name);
        if to.exists() {
            return Err(Trouble::Warning(format!("{} is there already, so {} stays where it is", to.display(), from.display())));
        }
        let io = |error: std::io::Error| Trouble::Warning(format!("{} cannot be moved: {error}", from.display()));
        fs::create_dir_all(&completed).map_err(io)?;
        fs::rename(&from, &to).map_err(io)
    }

    /// Makes the file of a part of the task in `parent`.
    pub(super) fn make_part(&self, part: &StoreTask, parent: &Task) -> Result<(), Trouble> {
        let spec = &part.spec;
        let file = PartFile {
            id: part.id.as_str(),
            title: &spec.title,
            priority: Some(PRIORITIES[usize::from(spec.priority).min(PRIORITIES.len() - 1)]),
            kind: spec.kind.as_ref().map(Label::as_str),
            parent: spec.parent.as_ref().map_or("", TaskId::as_str),
            needs: part.needs.iter().map(TaskId::as_str).collect(),
            assigned: spec.assigned.as_ref().map(AgentName::as_str),
            estimate_minutes: spec.estimate_minutes.map(u64::from),
            created_ms: part.created_at.0,
            document: &spec.body,
        };
        part_file::make(&[file], &self.writer, &self.root, &self.root.join(&parent.source.file))?;
        Ok(())
    }
}

/// The text with another status; untouched when it has no status line.
fn with_status(text: &str, status: &str) -> Change {
    let Some(line) = task_file::read(text).status_line else { return Change::Nothing };
    let mut at = 0;
    for (n, whole) in text.split_inclusive('\n').enumerate() {
        if n + 1 == line {
            let body = whole.trim_end_matches(['\n', '\r']);
            let Some(value) = status_value(body) else { return Change::Nothing };
            if value.eq_ignore_ascii_case(status) {
                return Change::Nothing;
            }
            let start = at + (value.as_ptr() as usize - body.as_ptr() as usize);
            return Change::Whole(format!("{}{status}{}", &text[..start], &text[start + value.len()..]));
        }
        at += whole.len();
    }
    Change::Nothing
}

/// The value of a status line, in bold type or in front matter.
fn status_value(line: &str) -> Option<&str> {
    match task_file::bold_field(line) {
        Some((_, value)) => Some(value),
        None => line.split_once(':').map(|(_, value)| value.trim()),
    }
}
