//! Tasks of the store in their files, as a look shows them; and the files of parts.

use std::collections::BTreeMap;

use oarlock_model::pattern::Pattern;
use oarlock_model::task::Task as StoreTask;
use oarlock_model::{AgentName, Label, TaskId};

use super::{Bridge, Trouble};
use crate::displayed_state::DisplayedState;
use crate::file_view::FileView;
use crate::part_file::{self, PartFile};
use crate::project::shown_path;
use crate::show::{ItemEdit, ItemShown, in_file, in_queue};
use crate::sync_state::SyncState;
use crate::types::Task;
use crate::write::WriteError;

/// The names of priorities in task files, the most urgent first.
const PRIORITIES: [&str; 5] = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "LOW"];

impl Bridge<'_> {
    /// Shows how a task is in its queue item and in its file. Returns whether anything changed.
    pub(super) fn show(
        &self,
        task: &TaskId,
        tasks: &BTreeMap<&str, FileView<'_>>,
        displayed_state: &DisplayedState,
        now_ms: i64,
    ) -> Result<bool, Trouble> {
        let Some(files) = tasks.get(task.as_str()) else { return Ok(false) };
        // An item that cannot be edited keeps no file from being.
        let mut queue_edit = Ok(false);
        if let Some(item) = files.queue.filter(|item| !(*displayed_state == DisplayedState::Done && item.state == "done")) {
            let file = self.root.join(&item.source.file);
            let edit = ItemEdit { id: item.id.clone(), displayed_state: displayed_state.clone(), if_free: None };
            queue_edit = match in_queue(&self.writer, &file, &[edit], now_ms)?.items.pop() {
                Some(ItemShown::Uneditable(error)) => Err(WriteError::Edit { file: file.display().to_string(), error }),
                shown => Ok(matches!(shown, Some(ItemShown::Written))),
            };
        }
        let is_changed =
            files.file.map_or(Ok(false), |file| in_file(&self.writer, &self.root, file, displayed_state, files.queue.is_none()))?;
        Ok(queue_edit? || is_changed)
    }

    /// Makes the file of a part of the task in `parent`, and remembers where it is: another branch may be checked out before the next look.
    pub(super) fn make_part(&self, part: &StoreTask, parent: &Task, attached: &mut SyncState) -> Result<bool, Trouble> {
        let spec = &part.spec;
        let file = PartFile {
            id: part.id.as_str(),
            title: &spec.title,
            priority: Some(PRIORITIES[usize::from(part.priority).min(PRIORITIES.len() - 1)]),
            kind: spec.kind.as_ref().map(Label::as_str),
            parent: spec.parent.as_ref().map_or("", TaskId::as_str),
            needs: part.needs.iter().map(TaskId::as_str).collect(),
            writes: spec.writes.iter().map(Pattern::as_str).collect(),
            assigned: spec.assigned.as_ref().map(AgentName::as_str),
            estimate_minutes: spec.estimate_minutes.map(u64::from),
            created_ms: part.created_at.0,
            document: &spec.body,
        };
        let parent_file = self.root.join(&parent.source.file);
        let place = shown_path(&file.place(&self.root, &parent_file), &self.root);
        let is_made = part_file::make(&[file], &self.writer, &self.root, &parent_file)? > 0;
        if is_made {
            attached.places.insert(part.id.to_string(), place);
        }
        Ok(is_made)
    }
}
