//! Marking tasks as taken in the files, as somebody is about to be granted them, and seeing that others have them there.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use oarlock_model::{TaskId, seeded};
use oarlock_ops::OpError;
use oarlock_ops::outside::{Intent, Marked};
use serde_json::json;

use super::files::{Files, Queue, Shown, store_error};
use super::index::near;
use crate::displayed_state::DisplayedState;
use crate::fault::Fault;
use crate::file_view::FileView;
use crate::layout::Layout;
use crate::project::{Project, shown_path};
use crate::show::{FreeFor, ItemEdit, ItemShown, QueueShown, in_queue, with_word};
use crate::sync_state::SyncState;
use crate::task_file;
use crate::types::Task;
use crate::write::{Change, WriteError};

/// The share of the patience for locks for which a file in pieces is read again: the lock is held meanwhile, and one that stays so is to be reported.
const PATIENCE_SHARE: u32 = 20;
/// The pause between two looks at it.
const PAUSE: Duration = Duration::from_millis(2);

impl Files<'_> {
    /// Marks these tasks as taken, each of them only if nobody else has it there.
    pub(super) fn mark_all(&mut self, intents: &[Intent]) -> Result<Vec<Marked>, OpError> {
        let project = self.read_whole(intents);
        let all = project.by_id();
        let mut marking: Vec<Marking> =
            intents.iter().map(|intent| Marking::of(all.get(intent.task.as_str()), &free_for(intent))).collect();
        for (marking, intent) in marking.iter_mut().zip(intents) {
            if let Some(why) = self.hidden(&project, &intent.task, all.get(intent.task.as_str())) {
                marking.mark = Marked::Unwritable(why);
            }
        }
        let mut is_written = false;
        for queue in self.queues.clone() {
            match self.mark_items(&queue, intents, &mut marking) {
                Ok(done) => {
                    let is_changed = done.before != done.after;
                    is_written |= is_changed;
                    if is_changed {
                        let is_only = self.queues.len() == 1;
                        self.marked = if is_only { Queue::Written(done.before, done.after) } else { Queue::OneOfMany };
                    }
                }
                Err(error) if !is_written => return Err(store_error(error).into()),
                Err(error) => {
                    let why = OpError::from(store_error(error));
                    let of_queue = marking
                        .iter_mut()
                        .filter(|marking| marking.item.as_ref().is_some_and(|item| self.root.join(&item.source.file) == queue));
                    of_queue.for_each(|marking| marking.mark = Marked::Unwritable(why.clone()));
                }
            }
        }
        for (Marking { item, file, mark }, intent) in marking.iter_mut().zip(intents) {
            let Some(file) = file.as_ref().filter(|_| *mark == Marked::Shown) else { continue };
            match self.mark_file(file, &free_for(intent), item.is_none()) {
                Ok(true) => {}
                Ok(false) => *mark = Marked::Taken,
                Err(error) => *mark = Marked::Unwritable(store_error(error).into()),
            }
        }
        Ok(marking.into_iter().map(|marking| marking.mark).collect())
    }

    /// The view of these tasks in the files, and not while somebody without a lock is in the middle of writing what would hide one of them.
    fn read_whole(&self, intents: &[Intent]) -> Project {
        let start = Instant::now();
        loop {
            let project = self.read(intents.iter().map(|intent| &intent.task));
            let all = project.by_id();
            // Who writes a file again empties it first.
            let is_empty = self.queues.iter().any(|queue| queue.metadata().is_ok_and(|meta| meta.len() == 0));
            let is_hidden = |intent: &Intent| {
                let files = all.get(intent.task.as_str());
                files.is_none() && is_empty || self.hidden(&project, &intent.task, files).is_some()
            };
            if start.elapsed() >= self.beside.patience / PATIENCE_SHARE || !intents.iter().any(is_hidden) {
                return project;
            }
            thread::sleep(PAUSE);
        }
    }

    /// Those of them that somebody else has by their own files. No folder is listed for that: a store's transaction may be open meanwhile. Tasks
    /// missed here are found when they are marked, and so are finished ones.
    pub(super) fn taken_by_file(&self, intents: &[Intent]) -> Vec<TaskId> {
        let is_over = |state: &str| matches!(state, "done" | "cancelled");
        let is_taken = |intent: &&Intent| {
            self.state_by_file(&intent.task).is_some_and(|state| !is_over(state) && !free_for(intent).admits(state, None))
        };
        intents.iter().filter(is_taken).map(|intent| intent.task.clone()).collect()
    }

    /// Those of them whose own files do not say that they are open.
    pub(super) fn not_open_by_file(&self, tasks: &[TaskId]) -> Vec<TaskId> {
        tasks.iter().filter(|task| self.state_by_file(task).is_some_and(|state| state != "ready")).cloned().collect()
    }

    /// The text of a task's own file, where it lies directly among the others.
    fn state_by_file(&self, task: &TaskId) -> Option<&'static str> {
        let tasks = near(&self.root, task.as_str()).into_iter().collect();
        let project = Project::of(&Layout { root: self.root.clone(), tasks, ..Layout::default() }, 0);
        project.tasks.first().map(|file| file.state)
    }

    /// Why a task cannot be marked, if something that cannot be read may say that somebody has it: its own file, or the queue that it stood in.
    pub(super) fn hidden(&self, project: &Project, task: &TaskId, files: Option<&FileView<'_>>) -> Option<OpError> {
        if project.faults.is_empty() || seeded::is(seeded::HIDDEN_ITEMS_GRANTED) {
            return None;
        }
        let at = |file: &Path| shown_path(file, &self.root);
        let is_queue = |fault: &&Fault| self.queues.iter().any(|queue| at(queue) == fault.file);
        let (file, item) = (files.and_then(|files| files.file), files.and_then(|files| files.queue));
        let own_file = if file.is_none() { near(&self.root, task.as_str()).map(|(file, _)| at(&file)) } else { None };
        let own = project.faults.iter().find(|fault| own_file.as_ref() == Some(&fault.file));
        // A file is marked as well; of a task in a queue alone, a piece that is lost may be all that there is.
        let hides = |fault: &&Fault| is_queue(fault) && (fault.line == 0 || file.is_none() && fault.lost > 0);
        let queue = project.faults.iter().filter(|_| item.is_none()).find(hides);
        let stood_there = || match SyncState::read(&self.beside.dir) {
            Ok(Some(attached)) => attached.places.contains_key(task.as_str()),
            Ok(None) => false,
            Err(_) => true,
        };
        let fault = own.or_else(|| queue.filter(|_| file.is_some() || stood_there()))?;
        let line = if fault.line == 0 { String::new() } else { format!(", line {}", fault.line) };
        Some(OpError::Damaged {
            message: format!("{task} cannot be marked as taken: {}{line}, which may contain it, is damaged: {}", fault.file, fault.cause),
            hint: HINT.into(),
            details: json!({"file": self.root.join(&fault.file), "line": fault.line, "task": task}),
        })
    }

    /// Marks the items of one queue; the others keep what they have.
    fn mark_items(&self, queue: &Path, intents: &[Intent], marking: &mut [Marking]) -> Result<QueueShown, WriteError> {
        let shown = |marking: &Marking, intent: &Intent| marking.shown(intent).filter(|shown| shown.is_in(&self.root, queue));
        let edits: Vec<(usize, ItemEdit)> = marking
            .iter()
            .zip(intents)
            .enumerate()
            .filter(|(_, (marking, _))| marking.mark == Marked::Shown)
            .filter_map(|(at, (marking, intent))| Some((at, shown(marking, intent)?.edit(Some(free_for(intent)))?)))
            .collect();
        if edits.is_empty() {
            return Ok(QueueShown::default());
        }
        let items: Vec<ItemEdit> = edits.iter().map(|(_, edit)| edit.clone()).collect();
        let now_ms = intents.first().map_or(0, |intent| intent.since.0);
        let done = in_queue(&self.writer, queue, &items, now_ms)?;
        for ((at, _), item) in edits.iter().zip(&done.items) {
            marking[*at].mark = match item {
                ItemShown::Written | ItemShown::AsItWas => Marked::Shown,
                ItemShown::Taken => Marked::Taken,
                ItemShown::Uneditable(error) => {
                    let line = marking[*at].item.as_ref().map_or(0, |item| item.source.line);
                    Marked::Unwritable(unwritable(&intents[*at].task, queue, line, error))
                }
            };
        }
        Ok(done)
    }

    /// Marks a task's own file, unless that says by now that somebody has it.
    fn mark_file(&self, file: &Task, free: &FreeFor, is_alone: bool) -> Result<bool, WriteError> {
        let is_taken = std::cell::Cell::new(false);
        let path = self.root.join(&file.source.file);
        if !path.is_file() {
            // It has moved.
            return Ok(false);
        }
        self.writer.edit(&path, &|text| {
            let said = task_file::read(text).status;
            is_taken.set(!free.admits(task_file::state(file.folder, said.as_deref()), None));
            if is_taken.get() { Ok(Change::Nothing) } else { with_word(text, "in_progress", is_alone) }
        })?;
        Ok(!is_taken.get())
    }
}

/// A task that is being marked.
struct Marking {
    item: Option<Task>,
    file: Option<Task>,
    mark: Marked,
}

impl Marking {
    fn of(files: Option<&FileView<'_>>, free: &FreeFor) -> Self {
        let Some(files) = files else { return Self { item: None, file: None, mark: Marked::Shown } };
        let is_free = files.file.is_none_or(|file| free.admits(file.state, None));
        let mark = if is_free { Marked::Shown } else { Marked::Taken };
        Self { item: files.queue.cloned(), file: files.file.cloned(), mark }
    }

    fn shown(&self, intent: &Intent) -> Option<Shown> {
        let displayed_state = DisplayedState::Claimed(intent.agent.clone(), intent.since.0);
        Some(Shown { id: intent.task.clone(), item: Some(self.item.clone()?), file: None, displayed_state })
    }
}

fn free_for(intent: &Intent) -> FreeFor {
    FreeFor { before: intent.before.clone() }
}

/// The next step for a task that cannot be marked.
const HINT: &str = "repair the file, or claim another task; `oarlock ralf doctor` lists its faults";

fn unwritable(task: &TaskId, file: &Path, line: usize, error: &crate::fields::EditError) -> OpError {
    OpError::Damaged {
        message: format!("{task} cannot be marked as taken in {}, line {line}: {error}", file.display()),
        hint: HINT.into(),
        details: json!({"file": file, "line": line, "task": task}),
    }
}
