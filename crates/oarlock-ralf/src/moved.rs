//! Task files that went, were put off, moved and came back, before files and store are compared as they are.
//!
//! A task whose file is gone is asked for by nobody. It is called off in the store, with the reason in its history, and brought back when its
//! file is there again. One that an agent of the store holds is not touched: that is a conflict, which is reported. What has ended stays so: files
//! that go back to an older state, as a switch of branches makes them, open nothing again, and are not edited for that either.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::TaskId;
use oarlock_model::event::{Event, Fact, RALF_EVENT, TaskCancelled};
use oarlock_model::task::{Task as StoreTask, TaskState};
use oarlock_ops::store::{StoreResult, View};

use crate::actions::{Action, Conflict, Gone, HELD_BACK, Moved};
use crate::displayed_state::DisplayedState;
use crate::external;
use crate::file_view::FileView;
use crate::layout;
use crate::project::Project;
use crate::reconcile::{PROGRAM, Snapshot};
use crate::sync_state::SyncState;
use crate::task_file::Folder;
use crate::types::Task;

/// Tasks that one warning names.
const NAMED_MAX: usize = 5;

/// Whether a task was called off because its file had gone: the last that files reported of it was the reason, then it was cancelled, and nobody has
/// brought it back since. A look that was killed before it could remember this finds it here.
fn was_held_back(told: Option<Event>, cancelled: Option<&Event>, requeued: Option<&Event>) -> bool {
    let reason = told.filter(|event| external::is_event(event, HELD_BACK));
    match (reason, cancelled) {
        (Some(reason), Some(cancelled)) => reason.seq < cancelled.seq && requeued.is_none_or(|back| back.seq < reason.seq),
        _ => false,
    }
}

/// The same, by what the store's log says of the task, or of the whole that it was called off with.
pub(crate) fn is_held_back(view: &dyn View, task: &TaskId) -> StoreResult<bool> {
    let mut task = task.clone();
    // No further up than parts nest in folders: a damaged store may have a task below itself.
    for _ in 0..layout::DEPTH_MAX {
        let last = |kind| view.last_event_of(task.as_str(), kind);
        let (cancelled, requeued) = (last("task_cancelled")?, last("task_requeued")?);
        if was_held_back(last(RALF_EVENT.word)?, cancelled.as_ref(), requeued.as_ref()) {
            return Ok(true);
        }
        match cancelled.map(|event| event.fact) {
            Some(Fact::TaskCancelled(TaskCancelled { with_parent: Some(whole), .. })) => task = whole,
            _ => break,
        }
    }
    Ok(false)
}

/// Looks for what went and came. What this decides about is taken out of `project`, and `store` has it as it will be, so that the comparison
/// makes nothing else of it.
pub(crate) fn settle(project: &mut Project, store: &mut Snapshot, attached: &SyncState) -> Moved {
    called_as_known(project, store);
    let tasks = project.by_id();
    let moved = Moved { head: oarlock_git::checked_out(&project.root), ..Moved::default() };
    let (passed, states) = (BTreeSet::new(), BTreeMap::new());
    let mut search = Search { project, store, attached, tasks: &tasks, moved, passed, states, reopened: BTreeSet::new() };
    search.renamed_and_gone();
    for (id, files) in &tasks {
        search.there(id, files);
    }
    search.moved.places = tasks.iter().map(|(id, files)| ((*id).to_owned(), files.place().to_owned())).collect();
    search.doubles();
    search.went_back();
    let Search { mut moved, mut passed, states, reopened, .. } = search;
    moved.places.retain(|id, _| store.tasks.contains_key(id) || !passed.contains(id));
    // An item has a shorter id where the file has a slug.
    let items: Vec<String> = passed.iter().filter_map(|id| Some(tasks.get(id.as_str())?.queue?.id.clone())).collect();
    passed.extend(items);
    let is_compared = |task: &Task| !passed.contains(&task.id);
    project.tasks.retain(is_compared);
    project.queue.retain(is_compared);
    for task in project.tasks.iter_mut().filter(|task| reopened.contains(&task.id)) {
        task.state = "ready";
        moved.actions.extend(TaskId::parse(&task.id).map(|id| Action::Show(id, DisplayedState::Open)));
    }
    for (id, state) in states {
        if let Some(task) = store.tasks.get_mut(&id) {
            task.state = state;
        }
    }
    // A part whose file was there once, and was taken away, gets no second one.
    for parts in store.parts.values_mut() {
        parts.retain(|part| !attached.places.contains_key(part));
    }
    moved
}

/// A file that came to an item which the store knows under its short id is that task.
fn called_as_known(project: &mut Project, store: &Snapshot) {
    let known_as = |(id, files): (&&str, &FileView<'_>)| {
        let item = files.queue.filter(|item| files.file.is_some() && item.id != **id && !store.tasks.contains_key(*id))?;
        let known = store.tasks.get(&item.id).filter(|known| !known.state.is_finished() || is_ended(files))?;
        Some(((*id).to_owned(), known.id.to_string()))
    };
    let names: BTreeMap<String, String> = project.by_id().iter().filter_map(known_as).collect();
    for task in &mut project.tasks {
        if let Some(name) = names.get(&task.id) {
            task.id.clone_from(name);
        }
    }
}

/// A search under way.
struct Search<'a> {
    project: &'a Project,
    store: &'a Snapshot,
    attached: &'a SyncState,
    tasks: &'a BTreeMap<&'a str, FileView<'a>>,
    moved: Moved,
    /// Tasks that are not compared any more.
    passed: BTreeSet<String>,
    /// States in which tasks of the store are compared.
    states: BTreeMap<String, TaskState>,
    /// Files that say that they are taken, because that was written for a task that is called otherwise now.
    reopened: BTreeSet<String>,
}

impl<'a> Search<'a> {
    /// Tasks that stood in the files at the last look, and do not now.
    fn renamed_and_gone(&mut self) {
        let mut emptied: BTreeMap<&str, usize> = BTreeMap::new();
        for (id, place) in &self.attached.places {
            let Some(known) = self.store.tasks.get(id).filter(|task| !self.tasks.contains_key(id.as_str()) && !task.state.is_finished())
            else {
                continue;
            };
            // Anyone who called it back meanwhile wants it without its file.
            if self.attached.gone.contains_key(id) || !self.is_read(place) {
                continue;
            }
            let is_item = !place.ends_with(".md");
            // An item with a short id that was a task of its own, as long as no file had that id with a slug.
            let longer = self.tasks.iter().find(|(_, files)| files.queue.is_some_and(|item| item.id == *id));
            if let Some((longer, _)) = longer {
                let why = format!("its item is that of {longer} now");
                self.hold_back(id, known, Gone { file: place.clone(), why });
                continue;
            }
            if is_item && !self.project.queue.iter().any(|item| item.source.file == *place) {
                *emptied.entry(place).or_insert(0) += 1;
                continue;
            }
            let new = self.new_name(id);
            let why = match (new, is_item) {
                (Some(new), _) => format!("its file {place} is gone: it is {} now", new.source.file),
                (None, true) => format!("its item in {place} is gone"),
                (None, false) => format!("its file {place} is gone"),
            };
            if let (Some(holder), Some(new)) = (self.holder(known), new) {
                // Both would be worked on.
                self.moved.warnings.push(format!("{} waits until {holder} has ended {id}, which it was called before", new.id));
                self.passed.insert(new.id.clone());
            } else if let Some(new) = new.filter(|_| self.attached.displayed.contains(id)) {
                // Its status line was written for the old name.
                self.reopened.insert(new.id.clone());
            }
            self.hold_back(id, known, Gone { file: place.clone(), why });
        }
        for (place, count) in emptied {
            let tasks = if count == 1 {
                "the task that stood only there stays".to_owned()
            } else {
                format!("{count} tasks that stood only there stay")
            };
            self.moved
                .warnings
                .push(format!("{place} has no items any more: {tasks} in the store; cancel the tasks there that need not be done"));
        }
    }

    /// Whether it is known what a file says, or that it is not there.
    fn is_read(&self, place: &str) -> bool {
        // A fault without a name is about all of them; one with a folder's, about what lies below.
        self.project.faults.iter().all(|fault| {
            let is_above = place.strip_prefix(fault.file.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            !fault.file.is_empty() && !is_above
        })
    }

    /// The file that a task has now: one that the store does not know, and that says the same.
    fn new_name(&self, id: &str) -> Option<&'a Task> {
        let digest = self.attached.tasks.get(id).filter(|digest| !digest.is_empty())?;
        let is_it = |file: &&Task| !self.store.tasks.contains_key(&file.id) && file.digest == *digest;
        self.tasks.values().filter_map(|files| files.file).find(is_it)
    }

    /// The agent of the store that holds a task now.
    fn holder(&self, known: &StoreTask) -> Option<String> {
        let grant = known.holder().filter(|grant| self.store.holds(grant))?;
        let agent = self.store.agents.get(grant.agent.as_str());
        agent.is_none_or(|agent| agent.program.as_deref() != Some(PROGRAM)).then(|| grant.agent.to_string())
    }

    /// A task is asked for no more.
    fn hold_back(&mut self, id: &str, known: &StoreTask, gone: Gone) {
        self.passed.insert(id.to_owned());
        if let Some(holder) = self.holder(known) {
            self.moved.conflicts.push(Conflict::kept_by_store(id.to_owned(), &gone.why, &format!("claimed by {holder}")));
            return;
        }
        let is_asked_for = |part: &&String| self.tasks.get(part.as_str()).is_some_and(|files| !is_ended(files));
        if let Some(part) = self.store.parts.get(id).into_iter().flatten().find(is_asked_for) {
            self.moved.warnings.push(format!("{id} stays, because its part {part} is still there: {}", gone.why));
            return;
        }
        let Ok(task) = TaskId::parse(id) else { return };
        self.states.insert(id.to_owned(), TaskState::Cancelled);
        self.moved.actions.push(Action::HoldBack(task, gone));
    }

    /// A task that is in the files: put off, back again, or as it was.
    fn there(&mut self, id: &str, files: &FileView<'a>) {
        let Some(known) = self.store.tasks.get(id) else { return };
        let was_gone = self.attached.gone.contains_key(id);
        let ended = self.attached.ended.get(id).map(String::as_str);
        if !known.state.is_finished() && files.state() == "done" && !files.is_done_everywhere() && self.holder(known).is_none() {
            self.leave_item(id);
        }
        match known.state {
            TaskState::Cancelled if was_gone => match files.state() {
                "cancelled" => self.pass(id),
                _ if files.is_put_off() => self.pass(id),
                _ => self.bring_back(id),
            },
            TaskState::Done if files.is_done_everywhere() => {
                // Shown in part only: the look that did so did not get as far as the folder.
                if !self.attached.finished.contains(id) && files.file.is_some_and(|file| file.state != "done") {
                    self.moved.actions.extend(TaskId::parse(id).map(|task| Action::Show(task, DisplayedState::Done)));
                } else {
                    self.moved.finished.insert(id.to_owned());
                }
            }
            // By its folder it is done: an item that says otherwise came so, and is left.
            TaskState::Done if files.state() == "done" && self.is_item_left(id) => {
                self.pass(id);
                self.leave_item(id);
                self.moved.finished.insert(id.to_owned());
            }
            // Others that are done come first: it is looked at again.
            TaskState::Blocked if files.state() == "done" && self.waits_for_what_is_done(known) => {
                self.pass(id);
                self.moved.goes_on = true;
            }
            // Its files went back: what has ended stays so, and they stay what they are.
            TaskState::Done if self.attached.finished.contains(id) && files.file.is_some_and(|file| file.state != "done") => {
                self.pass(id);
            }
            // An item that somebody has written open again is repaired by the comparison; one that came so with another commit is left.
            TaskState::Done if self.attached.finished.contains(id) && files.file.is_none() && self.came_with_commit(id) => {
                self.pass(id);
                self.leave_item(id);
            }
            // No matter who has shown it, both sides say so now.
            TaskState::Cancelled if files.state() == "cancelled" => {
                self.moved.ended.insert(id.to_owned(), "cancelled".to_owned());
            }
            TaskState::Dead if files.says("failed") => {
                self.moved.ended.insert(id.to_owned(), "failed".to_owned());
            }
            TaskState::Cancelled if ended == Some("cancelled") && files.file.is_some_and(|file| file.state != "cancelled") => self.pass(id),
            TaskState::Dead if ended == Some("failed") && files.file.is_some() && files.state() == "ready" => self.pass(id),
            // Open tasks that are put off. What the store itself has shown as failed, and is open again, is shown so by the comparison.
            state if !state.is_finished() && ended.is_none() && self.is_to_wait(files, state) => {
                let file = files.place().to_owned();
                let why = match files.file.and_then(|file| file.folder) {
                    Some(Folder::Blocked) => format!("its file was moved to blocked/ ({file})"),
                    Some(Folder::Improvements) => format!("its file was moved to improvements/ ({file})"),
                    _ => format!("{file} says that it is to wait"),
                };
                self.hold_back(id, known, Gone { file, why });
            }
            _ => {}
        }
    }

    /// Whether the item of a task that is done by its folder says otherwise because it was written so, and not because nobody has shown there yet that
    /// the store has finished it.
    fn is_item_left(&self, id: &str) -> bool {
        self.attached.is_new || self.attached.finished.contains(id) && self.came_with_commit(id)
    }

    /// Remembers that an item is left as it is.
    fn leave_item(&mut self, id: &str) {
        self.moved.went_back.insert(id.to_owned());
    }

    /// Whether another commit was checked out since the files and the store agreed about a task.
    fn came_with_commit(&self, id: &str) -> bool {
        let is_other = self.attached.head.is_some() && self.attached.head != self.moved.head;
        is_other || self.attached.went_back.contains(id)
    }

    /// Whether the files say of all that a task still needs that it is done.
    fn waits_for_what_is_done(&self, known: &StoreTask) -> bool {
        let is_done = |need: &TaskId| {
            let in_store = self.store.tasks.get(need.as_str()).is_some_and(|need| need.state == TaskState::Done);
            in_store || self.tasks.get(need.as_str()).is_some_and(|files| files.state() == "done")
        };
        known.needs.iter().all(is_done)
    }

    /// Whether the files say that nobody is to take a task. Of one that is taken only its folder says so.
    fn is_to_wait(&self, files: &FileView<'_>, state: TaskState) -> bool {
        let is_moved = files.file.is_some_and(|file| matches!(file.folder, Some(Folder::Blocked | Folder::Improvements)));
        let is_open = matches!(state, TaskState::Ready | TaskState::Blocked | TaskState::Scheduled);
        is_moved || is_open && files.is_put_off()
    }

    fn pass(&mut self, id: &str) {
        self.passed.insert(id.to_owned());
    }

    fn bring_back(&mut self, id: &str) {
        let Ok(task) = TaskId::parse(id) else { return };
        self.moved.actions.push(Action::BringBack(task));
        // Its parts come back with it.
        let has_parts = self.store.parts.get(id).is_some_and(|parts| parts.iter().any(|part| self.attached.gone.contains_key(part)));
        self.states.insert(id.to_owned(), if has_parts { TaskState::Waiting } else { TaskState::Ready });
    }

    /// One id in two folders: the one that is open counts.
    fn doubles(&mut self) {
        for (id, files) in self.tasks {
            let Some(file) = files.file.filter(|file| !matches!(file.state, "done" | "cancelled")) else { continue };
            let is_ended = |other: &&Task| other.id == *id && matches!(other.state, "done" | "cancelled");
            if let Some(ended) = self.project.tasks.iter().find(is_ended) {
                self.moved
                    .warnings
                    .push(format!("{id} has two files, {} and {}: the open one counts", file.source.file, ended.source.file));
            }
        }
    }

    /// One warning for all that the files show as open again.
    fn went_back(&mut self) {
        let is_open = |id: &&String| {
            let known = self.store.tasks.get(*id).is_some_and(|task| task.state.is_finished());
            let files = self.tasks.get(id.as_str());
            let is_open = |files: &FileView<'_>| files.is_open() && !files.file.is_some_and(Task::says_done);
            known && !self.attached.gone.contains_key(*id) && files.is_some_and(is_open)
        };
        let open: Vec<&String> = self.passed.iter().filter(is_open).collect();
        if !open.is_empty() {
            let named: Vec<&str> = open.iter().take(NAMED_MAX).map(|id| id.as_str()).collect();
            let more = if open.len() > NAMED_MAX { " and others" } else { "" };
            self.moved.warnings.push(format!(
                "{}{more}: ended in the store, and open in the files as they are now, for example after a switch of branches; it stays ended",
                named.join(", ")
            ));
        }
    }
}

/// Whether the files say so.
fn is_ended(files: &FileView<'_>) -> bool {
    matches!(files.state(), "done" | "cancelled")
}
