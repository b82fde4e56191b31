//! The memory of a bridge about an attached project between two passes: how far each side has read the other. It is kept in a file beside the
//! store, written whole or not at all. A pass that was killed before that write finds its own work done when it runs again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oarlock_host::file::{Links, Unreadable, WithoutTraps as _, read_small};
use oarlock_model::identity::StoreId;
use oarlock_model::task::TaskState;
use oarlock_model::{StoreIdentity, TaskId};
use serde::{Deserialize, Serialize};

use crate::actions::Moved;
use crate::beat::Beat;
use crate::digest::digest;
use crate::displayed_state::DisplayedState;
use crate::file_view::FileView;
use crate::lock;
use crate::write;

/// The name of the file, in the directory of the store.
const FILE: &str = "ralf.json";
/// The same of a project that was detached.
const PARTED: &str = "ralf.parted.json";
/// Who holds its lock looks at the project.
const LOCK: &str = "ralf.lock";

/// How far the files of one project and a store have been brought together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    /// The project's root.
    pub root: PathBuf,
    /// The identity of the store that the numbers below are of; none before stores had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<StoreId>,
    /// The number of the store's last event that the events file has.
    pub(crate) log_from: u64,
    /// The number of the store's last event whose message the chat log has.
    #[serde(default)]
    pub(crate) chat_from: u64,
    /// How far the events of each file are in the store.
    #[serde(default)]
    pub(crate) events: BTreeMap<String, Mark>,
    /// How far the messages of each file are.
    #[serde(default)]
    pub(crate) messages: BTreeMap<String, Mark>,
    /// The mark of this store's items in the files.
    #[serde(default)]
    pub(crate) id: String,
    /// When the last look was, in milliseconds since 1970.
    #[serde(default)]
    pub(crate) looked_ms: i64,
    /// The heartbeats of the files as they were then.
    #[serde(default)]
    pub(crate) heard: BTreeMap<String, Beat>,
    /// The blocks that were written for agents of the store, without what every script rewrites.
    #[serde(default)]
    pub(crate) shown: BTreeMap<String, String>,
    /// Tasks that somebody had by the files, and whether their queue said so.
    #[serde(default)]
    pub(crate) taken: BTreeMap<String, bool>,
    /// Claims that were made for the files when that made agents of their holders; each is turned over.
    #[serde(default)]
    pub(crate) claims: BTreeMap<String, Claimed>,
    /// Tasks that the files show as taken because the store says so.
    #[serde(default)]
    pub(crate) displayed: BTreeSet<String>,
    /// How tasks ended that were called off or failed, and are shown so in the files.
    #[serde(default)]
    pub(crate) ended: BTreeMap<String, String>,
    /// Where each task of the store stood in the files at the last look that found it.
    #[serde(default)]
    pub(crate) places: BTreeMap<String, String>,
    /// Tasks that were called off because their files had gone, and why.
    #[serde(default)]
    pub(crate) gone: BTreeMap<String, String>,
    /// Tasks that both sides said were done.
    #[serde(default)]
    pub(crate) finished: BTreeSet<String>,
    /// Of these, those without a file whose items came back open with a commit.
    #[serde(default)]
    pub(crate) went_back: BTreeSet<String>,
    /// The commit that git had checked out at the last pass.
    #[serde(default)]
    pub(crate) head: Option<String>,
    /// The files of agents that were there at the last look that found them, and what git had checked out then.
    #[serde(default)]
    pub(crate) there: BTreeMap<String, String>,
    /// The requests of task files, as digests.
    #[serde(default)]
    pub(crate) tasks: BTreeMap<String, String>,
    /// The last state of an agent on which both sides agreed.
    #[serde(default)]
    pub(crate) states: BTreeMap<String, Agreed>,
    /// Whether nothing has been compared yet: what the files' logs hold then is their history, and stays there.
    #[serde(default)]
    pub(crate) is_new: bool,
}

/// A claim that was made for somebody who knows only the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claimed {
    /// The grant.
    pub(crate) token: u64,
}

/// How far a list that grows at its end has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    count: usize,
    /// The last items, the last one first, as digests.
    tail: Vec<String>,
}

/// The longest memory file that is read, in bytes: a line for each agent, task and list.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Items of the end of a list that are remembered: one that is completed or ticked off later is still known by its neighbours.
const TAIL: usize = 8;

/// The state of an agent as both sides last had it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agreed {
    /// The block of the file, as a digest; empty when it had none.
    pub(crate) file: String,
    /// The version of the store's entry; 0 when it had none.
    pub(crate) version: u64,
}

impl SyncState {
    /// A project that is being attached; `last_event` is the number of the store's last event.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, last_event: u64) -> Self {
        let root = root.into();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
        let id = digest(&(&root, now.to_string(), std::process::id()))[..8].to_owned();
        Self { root, id, log_from: last_event, chat_from: last_event, is_new: true, ..Self::default() }
    }

    /// The store has this identity now. Where it was restored or made again since the last look, what has been read of the one before says
    /// nothing of the numbers that came since.
    pub(crate) fn meet(&mut self, store: &StoreIdentity) {
        if self.store.is_some_and(|known| known != store.id()) {
            self.log_from = self.log_from.min(store.base());
            self.chat_from = self.chat_from.min(store.base());
        }
        self.store = Some(store.id());
    }

    /// The files show now how a task is because the store says so.
    pub(crate) fn note_shown(&mut self, task: &TaskId, displayed_state: &DisplayedState) {
        let id = task.to_string();
        self.displayed.remove(&id);
        self.ended.remove(&id);
        match displayed_state {
            DisplayedState::Claimed(..) | DisplayedState::Split => drop(self.displayed.insert(id)),
            DisplayedState::Cancelled => drop(self.ended.insert(id, "cancelled".to_owned())),
            DisplayedState::Failed => drop(self.ended.insert(id, "failed".to_owned())),
            DisplayedState::Done => drop(self.finished.insert(id)),
            DisplayedState::Open => {}
        }
    }

    /// Whether an item that says that a task is done said so before somebody was seen with the task by its file alone: then it says nothing about
    /// that one, and the folder decides.
    pub(crate) fn is_older_end(&self, task: &str, files: &FileView<'_>) -> bool {
        files.state() != "done" && self.taken.get(task) == Some(&false)
    }

    /// Calls have shown how a task is that is in this state now: its former state is shown no more.
    pub(crate) fn note_caught_up(&mut self, id: &str, state: Option<TaskState>) {
        if !matches!(state, Some(TaskState::Claimed | TaskState::Waiting | TaskState::Review)) {
            self.displayed.remove(id);
        }
        if !state.is_some_and(TaskState::is_dead_end) {
            self.ended.remove(id);
        }
    }

    /// The findings of a pass about files that moved. `state` is that of a task of the store after it.
    pub(crate) fn remember(&mut self, moved: Moved, state: impl Fn(&str) -> Option<TaskState>) {
        // A task that is back, or was brought back by hand while it was away, is away no more.
        self.gone.retain(|id, _| state(id) == Some(TaskState::Cancelled) || !moved.places.contains_key(id));
        self.places.extend(moved.places);
        self.places.retain(|id, _| state(id).is_some());
        self.finished.extend(moved.finished);
        self.ended.extend(moved.ended);
        (self.went_back, self.head) = (moved.went_back, moved.head);
        self.finished.retain(|id| state(id) == Some(TaskState::Done));
    }

    /// The project of the store in `dir` is detached: its memory is kept until it is attached again, and none is attached any more.
    ///
    /// # Errors
    /// The file cannot be moved.
    pub fn part(dir: &Path) -> io::Result<()> {
        fs::rename(Self::file(dir), dir.join(PARTED))
    }

    /// With the memory from the time when the same project was detached from the same store: which files were there, so that those that went meanwhile
    /// are missed, and what they asked for. What cannot be read is not known.
    #[must_use]
    pub fn again(self, dir: &Path, store: StoreId) -> Self {
        let read = read_small(&dir.join(PARTED), FILE_BYTES_MAX, Links::Refused).ok().flatten();
        let parted = read.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        match parted.filter(|parted| parted.root == self.root && parted.store == Some(store)) {
            Some(Self { places, gone, finished, went_back, head, there, tasks, .. }) => {
                Self { places, gone, finished, went_back, head, there, tasks, ..self }
            }
            None => self,
        }
    }

    /// The file in the directory `dir` of a store.
    #[must_use]
    pub fn file(dir: &Path) -> PathBuf {
        dir.join(FILE)
    }

    /// One look at a time: others wait until what comes back is dropped, but no longer than `patience`; then there is nothing.
    ///
    /// # Errors
    /// The lock file beside the store in `dir` cannot be made.
    pub fn lock(dir: &Path, patience: Duration) -> io::Result<Option<File>> {
        // A repository could have brought a link or a pipe of that name.
        let file = OpenOptions::new().create(true).read(true).append(true).made_with(0o600).without_traps().open(dir.join(LOCK))?;
        lock::locked(file, patience)
    }

    /// The memory beside the store in `dir`; none when no project is attached.
    ///
    /// # Errors
    /// The file cannot be read, or is not of this form.
    pub fn read(dir: &Path) -> io::Result<Option<Self>> {
        Ok(Self::bytes(dir)?.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
    }

    fn bytes(dir: &Path) -> io::Result<Option<Vec<u8>>> {
        let wrong = |what: String| io::Error::new(ErrorKind::InvalidData, what);
        match read_small(&Self::file(dir), FILE_BYTES_MAX, Links::Refused) {
            Ok(found) => Ok(found),
            Err(Unreadable::Link) => Err(wrong("it is a link, which a repository can bring".into())),
            Err(Unreadable::NoFile) => Err(wrong("it is not a regular file".into())),
            Err(Unreadable::TooLarge(bytes)) => Err(wrong(format!("it has {bytes} bytes, at most {FILE_BYTES_MAX} are read"))),
            Err(Unreadable::Io(error)) => Err(error),
        }
    }

    /// The root of the project that is attached to the store in `dir`; nothing when none is.
    ///
    /// # Errors
    /// As of [`SyncState::read`].
    pub(crate) fn root_beside(dir: &Path) -> io::Result<Option<PathBuf>> {
        /// The rest grows with the project.
        #[derive(Deserialize)]
        struct Root {
            root: PathBuf,
        }
        Ok(Self::bytes(dir)?.map(|bytes| serde_json::from_slice::<Root>(&bytes)).transpose()?.map(|Root { root }| root))
    }

    /// Keeps it, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        write::whole(&Self::file(dir), serde_json::to_string(self)?.as_bytes())
    }
}

impl Mark {
    /// Behind the last of `items`.
    pub(crate) fn behind<T>(items: &[T], digest: impl Fn(&T) -> String) -> Self {
        Self { count: items.len(), tail: items.iter().rev().take(TAIL).map(digest).collect() }
    }

    /// The items behind the mark. Where the file was cut or written again, those behind the last ones that are known, else all.
    pub(crate) fn unseen<'a, T>(&self, items: &'a [T], digest: impl Fn(&T) -> String) -> &'a [T] {
        if self.count == 0 {
            return items;
        }
        // Each of the last ones where it was, or the nearest to the end where it is now.
        let is_there = |(behind, known): (usize, &String)| {
            self.count.checked_sub(1 + behind).and_then(|at| items.get(at)).is_some_and(|item| digest(item) == *known)
        };
        if self.tail.iter().enumerate().any(is_there) {
            return &items[self.count.min(items.len())..];
        }
        for (behind, known) in self.tail.iter().enumerate() {
            if let Some(at) = items.iter().rposition(|item| digest(item) == *known) {
                // This many known ones stood behind it, and may have been changed.
                return &items[(at + 1 + behind).min(items.len())..];
            }
        }
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(items: &[u32]) -> Mark {
        Mark::behind(items, |n| n.to_string())
    }

    fn unseen<'a>(mark: &Mark, items: &'a [u32]) -> &'a [u32] {
        mark.unseen(items, |n| n.to_string())
    }

    #[test]
    fn what_was_seen_is_not_seen_again() {
        assert_eq!(unseen(&Mark::default(), &[1, 2]), [1, 2]);
        assert_eq!(unseen(&mark(&[1, 2]), &[1, 2, 3, 4]), [3, 4]);
        assert_eq!(unseen(&mark(&[1, 2]), &[1, 2]), [0; 0]);
        assert_eq!(unseen(&mark(&[1, 2, 2]), &[1, 2, 2, 2]), [2], "twice the same is two");
    }

    #[test]
    fn a_file_that_was_written_anew_is_read_from_where_it_is_known() {
        assert_eq!(unseen(&mark(&[1, 2, 3]), &[3, 4]), [4], "its beginning was cut off");
        assert_eq!(unseen(&mark(&[1, 2, 3]), &[7, 8]), [7, 8], "it was lost");
        assert_eq!(unseen(&mark(&[1, 2, 3]), &[1, 2, 9, 5]), [5], "the last one was changed");
        assert_eq!(unseen(&mark(&[1, 2, 3, 4]), &[3, 9, 5]), [5], "it was cut, and the one behind the last known was changed");
        assert_eq!(unseen(&mark(&[1, 2, 3]), &[7, 8, 9, 10]), [7, 8, 9, 10], "another list");
        assert_eq!(unseen(&mark(&[1, 2]), &[9, 1, 2]), [0; 0], "what was put in front is no news");
        assert_eq!(unseen(&mark(&[1, 2, 3]), &[]), [0; 0]);
    }

    #[test]
    fn a_store_that_was_made_anew_is_read_from_its_beginning() {
        let store = |id, base| StoreIdentity::new(StoreId(id), base, 0);
        let mut attached = SyncState::new("/r", 70);
        attached.meet(&store(1, 50));
        assert_eq!((attached.log_from, attached.chat_from), (70, 70), "it was attached to this one");
        attached.meet(&store(2, 60));
        assert_eq!((attached.log_from, attached.chat_from), (60, 60), "in the same hour, with lower numbers");
        attached.log_from = 65;
        attached.meet(&store(3, 1_000));
        assert_eq!(attached.log_from, 65, "a restored one: what stood in it before was told");
    }

    #[test]
    fn it_is_kept_beside_the_store() {
        let dir = tempfile::tempdir().expect("temporary");
        assert_eq!(SyncState::read(dir.path()).expect("nothing"), None);
        let attached = SyncState { events: BTreeMap::from([("e".to_owned(), mark(&[1]))]), ..SyncState::new("/r", 7) };
        attached.write(dir.path()).expect("writes");
        assert_eq!(SyncState::read(dir.path()).expect("reads"), Some(attached));
        std::fs::write(SyncState::file(dir.path()), "{").expect("writes");
        assert!(SyncState::read(dir.path()).is_err());
    }

    #[test]
    fn what_was_known_at_parting_is_known_again_by_the_same_project_and_store() {
        let dir = tempfile::tempdir().expect("temporary");
        let place = BTreeMap::from([("TASK-1".to_owned(), "tasks/active/TASK-1/task.md".to_owned())]);
        let displayed = BTreeSet::from(["TASK-2".to_owned()]);
        let attached = SyncState { places: place.clone(), displayed, store: Some(StoreId(1)), ..SyncState::new("/r", 7) };
        attached.write(dir.path()).expect("writes");
        SyncState::part(dir.path()).expect("parts");
        assert_eq!(SyncState::read(dir.path()).expect("nothing"), None, "none is attached");
        let again = |root: &str, store| SyncState::new(root, 9).again(dir.path(), StoreId(store));
        let back = again("/r", 1);
        assert_eq!(
            (back.places, back.displayed.len(), back.log_from, back.is_new),
            (place, 0, 9, true),
            "who has what is for the files to say"
        );
        assert_eq!([again("/r", 2), again("/s", 1)].map(|other| other.places.len()), [0, 0]);
    }

    #[test]
    #[cfg(unix)]
    fn what_a_repository_could_have_put_there_is_neither_read_nor_followed() {
        let dir = tempfile::tempdir().expect("temporary");
        let made = dir.path().join("made");
        std::os::unix::fs::symlink("/dev/zero", SyncState::file(dir.path())).expect("linked");
        assert!(SyncState::read(dir.path()).expect_err("a device").to_string().contains("is a link"));
        std::os::unix::fs::symlink(&made, dir.path().join(LOCK)).expect("linked");
        assert!(SyncState::lock(dir.path(), Duration::ZERO).is_err() && !made.exists());
    }
}
