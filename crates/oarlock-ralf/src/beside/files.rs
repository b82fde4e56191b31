//! The files of an attached project while their lock is held: what changed on either side is brought over, and tasks are marked.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

use oarlock_host::file;
use oarlock_model::task::Task as StoreTask;
use oarlock_model::{Label, TaskId, limits, seeded};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::outside::{Held, Intent, Marked};
use oarlock_ops::request::Mutation;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreError, StoreResult, View};
use oarlock_ops::task::{FinishOutside, SettleIntents, TakeOutside};

use super::Beside;
use super::behind::{all_tasks, events_since};
use super::compare::{Todo, todo};
use super::cursor::{Cursor, Past};
use super::index::Place;
use crate::digest::digest_of;
use crate::displayed_state::DisplayedState;
use crate::file_view::{FileView, resolve};
use crate::layout::Layout;
use crate::moved;
use crate::project::{Project, queue_of};
use crate::short_id::goes_on_with_slug;
use crate::show::{FreeFor, ItemEdit, ItemShown, in_file, in_queue};
use crate::sync_state::SyncState;
use crate::types::Task;
use crate::wanted::Wanted;
use crate::write::{WriteError, Writer};

/// The system that reports for those who know only the files.
const SOURCE: &str = "ralf";
/// Tasks whose own files are looked at once one of them turns out to be taken.
const NEXT_MAX: usize = 1_000;
/// Tasks whose folder does not say yet what their item says that are looked at again with every call; `ralf sync` looks at all.
const AGAIN_MAX: usize = 64;

/// The directions of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ways {
    /// The files into the store, and the other way round.
    Both,
    /// The store into the files: everything else is about to be compared.
    IntoFiles,
}

/// The files, under their lock.
pub(crate) struct Files<'a> {
    pub(super) beside: &'a Beside,
    pub(super) root: PathBuf,
    pub(super) queues: Vec<PathBuf>,
    pub(super) writer: Writer,
    /// The effect of marking on the queue.
    pub(super) marked: Queue,
    /// The thread that presses the names of marked files to the disk.
    pub(super) pressing: Option<JoinHandle<()>>,
}

/// The effect of marking on the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// It wrote nothing.
    AsItWas,
    /// It wrote the only one: its text before and after, as digests.
    Written(String, String),
    /// It wrote one of several.
    OneOfMany,
}

impl Files<'_> {
    /// The view of these tasks in the files: their items in all queues, and their own files.
    pub(crate) fn read<'t>(&self, tasks: impl Iterator<Item = &'t TaskId>) -> Project {
        let mut index = self.beside.index.lock().unwrap_or_else(PoisonError::into_inner);
        let ids: BTreeSet<&str> = tasks.map(TaskId::as_str).collect();
        let places: Vec<Place> = ids.iter().flat_map(|id| index.find(&self.root, id)).collect();
        let of = |tasks: Vec<Place>| {
            // Which task a short id means depends on the items of all queues; each queue is read by itself.
            let wanted = (self.queues.len() == 1).then(|| Wanted::of(ids.iter().map(|id| (*id).to_owned())));
            Project::of(&Layout { root: self.root.clone(), yaml: self.queues.clone(), tasks, wanted, ..Layout::default() }, 0)
        };
        let project = of(places.clone());
        // And on all files that it may mean, also on those of other tasks.
        let may_mean = |item: &Task| !ids.contains(item.id.as_str()) && ids.iter().any(|id| goes_on_with_slug(&item.id, id));
        let short: Vec<&str> = project.queue.iter().filter(|item| may_mean(item)).map(|item| item.id.as_str()).collect();
        if short.is_empty() {
            return project;
        }
        let is_other = |id: &str| !ids.contains(id) && short.iter().any(|short| *short == id || goes_on_with_slug(short, id));
        let others = index.all(&self.root).iter().filter(|(id, _)| is_other(id)).map(|(_, place)| place.clone());
        let all: Vec<Place> = places.iter().cloned().chain(others).collect();
        if all.len() == places.len() { project } else { of(all) }
    }

    /// The text of the queues, as a digest.
    fn digest(&self) -> String {
        let texts: Vec<String> = self.queues.iter().map(|queue| fs::read(queue).map_or_else(|_| String::new(), digest_of)).collect();
        if let [one] = texts.as_slice() { one.clone() } else { digest_of(texts.concat()) }
    }

    /// Tasks that the queue says are taken or done, and that the store takes for open or for held outside.
    fn news_of_queue(&self, view: &dyn View, behind: &mut BTreeMap<TaskId, Past>) -> StoreResult<()> {
        use oarlock_model::task::TaskState::{Blocked, Claimed, Ready, Scheduled};
        for queue in &self.queues {
            let text = fs::read_to_string(queue).unwrap_or_default();
            for item in queue_of(&text).into_iter().filter(|item| matches!(item.state, "claimed" | "done")) {
                let Ok(mut id) = TaskId::parse(&item.id) else { continue };
                let mut state = view.task_state(&id)?;
                if state.is_none() && item.state == "claimed" {
                    // The queue may have a shorter id than the file.
                    let mut index = self.beside.index.lock().unwrap_or_else(PoisonError::into_inner);
                    let all = index.all(&self.root).keys().map(|id| (id.as_str(), ())).collect();
                    let Some(Ok(longer)) = resolve(&item.id, &all).map(TaskId::parse) else { continue };
                    state = view.task_state(&longer)?;
                    id = longer;
                }
                let is_news = match state {
                    Some(Ready | Blocked | Scheduled) => true,
                    Some(Claimed) => item.state == "done",
                    _ => false,
                };
                if is_news {
                    behind.entry(id).or_default();
                }
            }
        }
        Ok(())
    }

    /// Open tasks that somebody has taken or finished by their own files alone, among those that are claimed next. Where one was, others may be.
    fn news_of_files(&self, view: &dyn View, behind: &mut BTreeMap<TaskId, Past>) -> StoreResult<()> {
        let next: Vec<TaskId> = view.ready_offers(None, NEXT_MAX)?.into_iter().map(|offer| offer.id).collect();
        for id in self.not_open_by_file(&next) {
            behind.entry(id).or_default();
        }
        Ok(())
    }

    /// Reports to the store what the files say of these tasks. Returns what they are to show, and which are to be looked at again.
    fn compare(
        &self,
        store: &mut dyn Store,
        settings: &Settings,
        tasks: &BTreeMap<TaskId, Past>,
        ways: Ways,
    ) -> Result<(Vec<Shown>, Vec<TaskId>), OpError> {
        let project = self.read(tasks.keys());
        let all = project.by_id();
        let mut stored = self.settle(store, settings, tasks, &all)?;
        let read = OnceCell::new();
        let attached = || read.get_or_init(|| SyncState::read(&self.beside.dir).ok().flatten().unwrap_or_default());
        let (mut shown, mut again, mut has_told) = (Vec::new(), Vec::new(), false);
        for (id, past) in tasks {
            // A report about one task may have changed others.
            let known = if has_told { store.snapshot()?.task(id)? } else { stored.remove(id) };
            let (Some(files), Some(known)) = (all.get(id.as_str()), known) else { continue };
            let holder = || files.claimer().map(|name| cut(name).to_owned());
            match todo(&known, files, past) {
                Todo::Nothing => {}
                Todo::Again => again.push(id.clone()),
                Todo::Take | Todo::Finish if ways == Ways::IntoFiles => {}
                // Its file shows who has it, beside an item of earlier.
                Todo::Finish if known.outside_holder().is_some() && attached().is_older_end(id.as_str(), files) => {}
                Todo::Take => {
                    has_told = true;
                    let take = TakeOutside { id: id.clone(), holder: holder(), since_ms_ago: 0, seen_ms_ago: 0, source: source() };
                    tell(store, settings, &take)?;
                }
                Todo::Finish => {
                    has_told = true;
                    tell(store, settings, &FinishOutside { id: id.clone(), holder: holder(), source: source() })?;
                }
                // The full comparison brings it back with its file.
                Todo::Show(DisplayedState::Cancelled) if moved::is_held_back(&*store.snapshot()?, id)? => {}
                Todo::Show(displayed_state) => shown.push(Shown {
                    id: id.clone(),
                    item: files.queue.filter(|item| !(displayed_state == DisplayedState::Done && item.state == "done")).cloned(),
                    file: files.file.cloned(),
                    displayed_state,
                }),
            }
        }
        again.truncate(AGAIN_MAX);
        Ok((shown, again))
    }

    /// Settles intents that killed calls have left. Returns those of the tasks that the store has, as they stand in it after that.
    fn settle(
        &self,
        store: &mut dyn Store,
        settings: &Settings,
        tasks: &BTreeMap<TaskId, Past>,
        all: &BTreeMap<&str, FileView<'_>>,
    ) -> Result<BTreeMap<TaskId, StoreTask>, OpError> {
        let mut settle = SettleIntents::default();
        let view = store.snapshot()?;
        for id in tasks.keys() {
            let Some(intent) = view.running_grant(id)?.filter(oarlock_model::task::Grant::is_intent) else { continue };
            match all.get(id.as_str()).is_some_and(|files| files.shows(intent.agent.as_str())) {
                true => settle.marked.push(id.clone()),
                false => settle.unmarked.push(id.clone()),
            }
        }
        // Where there is nothing to settle, the same look at the store shows the state of the tasks.
        let view = if settle == SettleIntents::default() {
            view
        } else {
            drop(view);
            call::mutate(store, &Caller::default(), settings, &settle)?;
            store.snapshot()?
        };
        let mut stored = BTreeMap::new();
        for id in tasks.keys().filter(|id| all.contains_key(id.as_str())) {
            stored.extend(view.task(id)?.map(|task| (id.clone(), task)));
        }
        Ok(stored)
    }

    /// Writes how tasks stand: each queue in one write. Returns those that could not be written.
    fn show(&self, tasks: &[Shown], now_ms: i64) -> Vec<TaskId> {
        let mut left = Vec::new();
        for queue in &self.queues {
            let of_queue: Vec<&Shown> = tasks.iter().filter(|shown| shown.is_in(&self.root, queue)).collect();
            let edits: Vec<ItemEdit> = of_queue.iter().filter_map(|shown| shown.edit(None)).collect();
            if edits.is_empty() {
                continue;
            }
            match in_queue(&self.writer, queue, &edits, now_ms) {
                Ok(done) => {
                    let failed = of_queue.iter().zip(done.items).filter(|(_, item)| matches!(item, ItemShown::Uneditable(_)));
                    left.extend(failed.map(|(shown, _)| shown.id.clone()));
                }
                Err(_) => left.extend(of_queue.iter().map(|shown| shown.id.clone())),
            }
        }
        for Shown { id, item, file, displayed_state } in tasks {
            if let Some(file) = file
                && in_file(&self.writer, &self.root, file, displayed_state, item.is_none()).is_err()
            {
                left.push(id.clone());
            }
        }
        left
    }

    fn cursor(&self, view: &dyn View) -> Option<Cursor> {
        Cursor::read(&self.beside.dir, view.identity().id())
    }
}

impl Held for Files<'_> {
    fn catch_up(&mut self, store: &mut dyn Store, settings: &Settings, also: &[TaskId]) -> Result<(), OpError> {
        self.look(store, settings, also, Ways::Both).map(drop)
    }

    fn taken(&self, intents: &[Intent]) -> StoreResult<Vec<TaskId>> {
        Ok(if seeded::is(seeded::TASK_FILES_UNREAD) { Vec::new() } else { self.taken_by_file(intents) })
    }

    fn mark(&mut self, intents: &[Intent]) -> Result<Vec<Marked>, OpError> {
        self.writer.put_off_folders();
        let marked = self.mark_all(intents);
        let folders = self.writer.folders_put_off();
        self.press(folders);
        marked
    }

    fn granted(&mut self, store: &mut dyn Store, intents: &[Intent]) -> bool {
        if let Some(pressing) = self.pressing.take() {
            let _ = pressing.join();
        }
        // Should it fail, more is looked at than has changed.
        self.note_granted(store, intents).unwrap_or(true)
    }
}

impl Files<'_> {
    /// Brings over what has changed on either side, and these tasks. Returns those that the files should show otherwise, and cannot,
    /// and those that are to be looked at again.
    pub(crate) fn look(
        &self,
        store: &mut dyn Store,
        settings: &Settings,
        also: &[TaskId],
        ways: Ways,
    ) -> Result<BTreeMap<TaskId, Past>, OpError> {
        let view = store.snapshot()?;
        let (last, id, now_ms) = (view.last_seq()?, view.identity().id(), view.now().wall.0);
        let cursor = self.cursor(&*view);
        let digest = self.digest();
        let mut behind: BTreeMap<TaskId, Past> = match &cursor {
            Some(cursor) => cursor.left.clone(),
            // How far is not known: everything is looked at.
            None => all_tasks(&*view)?,
        };
        if let Some(cursor) = &cursor {
            events_since(&*view, cursor.seq, &mut behind)?;
        }
        if ways == Ways::Both && cursor.as_ref().is_none_or(|cursor| cursor.queue != digest) {
            self.news_of_queue(&*view, &mut behind)?;
        }
        if !also.is_empty() {
            self.news_of_files(&*view, &mut behind)?;
        }
        drop(view);
        for task in also {
            behind.entry(task.clone()).or_default();
        }
        let (shown, again) = if behind.is_empty() { Default::default() } else { self.compare(store, settings, &behind, ways)? };
        let left = self.show(&shown, now_ms).into_iter().chain(again);
        let left: BTreeMap<TaskId, Past> = left.filter_map(|id| behind.remove_entry(&id)).collect();
        let queue = match &cursor {
            // What others wrote into it is not known yet.
            Some(cursor) if ways == Ways::IntoFiles => cursor.queue.clone(),
            _ if shown.is_empty() => digest,
            _ => self.digest(),
        };
        let now = Cursor { store: id, seq: last, queue, left: left.clone() };
        if cursor.as_ref() != Some(&now) {
            // What cannot be kept is found again.
            let _ = now.write(&self.beside.dir);
        }
        Ok(left)
    }

    /// Keeps that the files have these grants, as long as nothing else has happened since they were caught up with. The queue is known as it was
    /// marked, if it was known before: what somebody without a lock wrote meanwhile is still to be looked at. Returns whether there is more to
    /// be brought over.
    fn note_granted(&self, store: &mut dyn Store, intents: &[Intent]) -> StoreResult<bool> {
        let view = store.snapshot()?;
        let Some(mut cursor) = self.cursor(&*view) else { return Ok(true) };
        let mut since = BTreeMap::new();
        events_since(&*view, cursor.seq, &mut since)?;
        let is_all = since.keys().all(|task| intents.iter().any(|intent| intent.task == *task));
        if is_all {
            cursor.seq = view.last_seq()?;
        }
        let is_known = match &self.marked {
            Queue::AsItWas => true,
            Queue::Written(before, after) if *before == cursor.queue => {
                cursor.queue.clone_from(after);
                true
            }
            Queue::Written(..) | Queue::OneOfMany => false,
        };
        let is_kept = cursor.write(&self.beside.dir).is_ok();
        Ok(!(is_all && is_known && is_kept && cursor.left.is_empty()))
    }

    /// Presses names to the disk while the grant is: anyone who is informed of it waits for both. Texts are on the disk before they get their names. If
    /// the power goes meanwhile, or the disk fails, files may show again what they showed before, and the next full comparison marks them once
    /// more.
    fn press(&mut self, folders: BTreeSet<PathBuf>) {
        if folders.is_empty() {
            return;
        }
        // One mark after another while the files are held: both are waited for.
        if let Some(before) = self.pressing.take() {
            let _ = before.join();
        }
        let folders = Arc::new(folders);
        let beside = Arc::clone(&folders);
        let press = |folders: &BTreeSet<PathBuf>| folders.iter().for_each(|folder| drop(file::sync_dir(folder)));
        match thread::Builder::new().name("press".to_owned()).spawn(move || press(&beside)) {
            Ok(pressing) => self.pressing = Some(pressing),
            Err(_) => press(&folders),
        }
    }

    /// From here on calls bring over what changes.
    pub(crate) fn begin(&self, view: &dyn View) -> StoreResult<()> {
        let cursor = Cursor { store: view.identity().id(), seq: view.last_seq()?, queue: String::new(), left: BTreeMap::new() };
        let _ = cursor.write(&self.beside.dir);
        Ok(())
    }
}

/// A task whose files are to show how it is.
pub(super) struct Shown {
    pub(super) id: TaskId,
    pub(super) item: Option<Task>,
    pub(super) file: Option<Task>,
    pub(super) displayed_state: DisplayedState,
}

impl Shown {
    pub(super) fn is_in(&self, root: &Path, queue: &Path) -> bool {
        self.item.as_ref().is_some_and(|item| root.join(&item.source.file) == queue)
    }

    pub(super) fn edit(&self, if_free: Option<FreeFor>) -> Option<ItemEdit> {
        self.item.as_ref().map(|item| ItemEdit { id: item.id.clone(), displayed_state: self.displayed_state.clone(), if_free })
    }
}

/// Reports to the store what the files say. What it lawfully refuses is for the full comparison to report.
fn tell<M: Mutation>(store: &mut dyn Store, settings: &Settings, request: &M) -> Result<(), OpError> {
    match call::mutate(store, &Caller::default(), settings, request) {
        Err(OpError::Rejected(_)) => Ok(()),
        told => told.map(drop),
    }
}

fn source() -> Label {
    Label::parse(SOURCE).expect("a word")
}

/// A name of the files, as long as the store keeps one.
fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(limits::OUTSIDE_NAME_BYTES_MAX.min(name.len()))]
}

/// The same for the store's callers: what others hold or change all the time may be free later.
pub(super) fn store_error(error: WriteError) -> StoreError {
    match error {
        WriteError::Locked { .. } | WriteError::Contended { .. } => StoreError::Busy(error.to_string()),
        WriteError::Edit { .. } | WriteError::Refused { .. } | WriteError::Io { .. } => StoreError::Unavailable {
            message: error.to_string(),
            hint: "claims are written into the files of the attached project; make them writable, or detach it: oarlock ralf detach".into(),
        },
    }
}
