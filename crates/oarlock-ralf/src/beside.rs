//! The files of an attached project as neighbours of its store: claims are written through to them under the old scripts' own lock, and
//! what old scripts took is known to the store before anything is claimed. Only what changed on either side is looked at; `ralf sync`
//! compares everything.
//!
//! The order of locks is: the look of `ralf sync` (`ralf.lock`), the files', the store's. Calls take no more than the last two.

mod behind;
mod compare;
mod cursor;
mod files;
mod index;
mod mark;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use oarlock_host::file;
use oarlock_model::TaskId;
use oarlock_ops::outside::{Held, Outside, Patience};
use oarlock_ops::store::{StoreError, StoreResult};

pub(crate) use crate::beside::files::Ways;

use crate::beside::files::{Files, Queue, store_error};
use crate::beside::index::Index;
use crate::layout::{self, COMMUNICATIONS, is_inside};
use crate::sync_state::SyncState;
use crate::write::{WriteError, Writer};

/// The file of the queue, in a folder of communication files.
const QUEUE: &str = "queue.yaml";

/// The files of the project that is attached to the store in a directory, if one is.
#[derive(Debug)]
pub struct Beside {
    dir: PathBuf,
    patience: Duration,
    is_synced: bool,
    index: Mutex<Index>,
    /// The project's root as it was last read, and the file that said so.
    root: Mutex<Option<(Stamp, PathBuf)>>,
}

/// The identity of one remembered file: its number, its length and when it was changed. Such a file is never changed, only
/// replaced.
type Stamp = ((u64, u64), u64, Option<SystemTime>);

impl Beside {
    /// Beside the store in `dir`. A lock of the files is waited for as long as `patience`, the time for which the store itself is.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, patience: Duration) -> Self {
        Self { dir: dir.into(), patience, is_synced: true, index: Mutex::default(), root: Mutex::default() }
    }

    /// Writes into the files without waiting for the disk: for a store whose commits do not wait either.
    #[must_use]
    pub fn unsynced(self) -> Self {
        Self { is_synced: false, ..self }
    }

    /// The project's root; nothing when none is attached.
    fn root(&self) -> StoreResult<Option<PathBuf>> {
        let file = SyncState::file(&self.dir);
        let told = file.symlink_metadata().ok().and_then(|meta| {
            let identity = file::identity_in(&meta).or_else(|| file::identity_at(&file).ok())?;
            Some((identity, meta.len(), meta.modified().ok()))
        });
        let mut known = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(told), Some((by, root))) = (&told, &*known)
            && told == by
        {
            return Ok(Some(root.clone()));
        }
        *known = None;
        match SyncState::root_beside(&self.dir) {
            Ok(root) => {
                *known = told.zip(root.clone());
                Ok(root)
            }
            Err(error) => {
                let message = format!("{} cannot be read: {error}", SyncState::file(&self.dir).display());
                Err(StoreError::Unavailable { message, hint: "check the file, or detach the project and attach it again".into() })
            }
        }
    }

    /// The files of the project at `root`, whose locks this writer holds.
    pub(crate) fn held_by(&self, root: PathBuf, writer: Writer) -> Files<'_> {
        self.with_queues(queues(&root), root, writer)
    }

    fn with_queues(&self, queues: Vec<PathBuf>, root: PathBuf, writer: Writer) -> Files<'_> {
        Files { queues, beside: self, root, writer, marked: Queue::AsItWas, pressing: None }
    }
}

/// The files whose locks are taken for a claim.
pub(crate) struct ToBeLocked {
    /// The queues, those of the newest layout first.
    queues: Vec<PathBuf>,
    /// The queue in the folder of the project's communication files, whether or not it is there: who takes or moves a task by its file alone has
    /// its lock.
    of_tasks: Option<PathBuf>,
}

impl ToBeLocked {
    /// Those of the project at `root`.
    pub(crate) fn in_project(root: &Path) -> Self {
        Self { queues: queues(root), of_tasks: layout::communications(root).map(|folder| folder.join(QUEUE)) }
    }

    /// This writer with all these locks.
    ///
    /// # Errors
    /// As [`WriteError`]: nothing is held then.
    pub(crate) fn held_by(&self, writer: Writer) -> Result<Writer, WriteError> {
        let alone = self.of_tasks.iter().filter(|file| !self.queues.contains(file));
        writer.holding(self.queues.iter().chain(alone), self.of_tasks.as_deref())
    }
}

/// The queues of a project, those of the newest layout first.
fn queues(root: &Path) -> Vec<PathBuf> {
    let folders = COMMUNICATIONS.iter().map(|folder| root.join(folder)).chain([root.to_owned()]);
    folders.map(|folder| folder.join(QUEUE)).filter(|file| file.is_file() && is_inside(file, root)).collect()
}

impl Outside for Beside {
    fn is_there(&self) -> bool {
        SyncState::file(&self.dir).symlink_metadata().is_ok()
    }

    fn knows(&self, task: &TaskId) -> StoreResult<bool> {
        let Some(root) = self.root()? else { return Ok(false) };
        let files = self.held_by(root.clone(), Writer::new(root, Duration::ZERO));
        let project = files.read([task].into_iter());
        let all = project.by_id();
        let known = all.get(task.as_str());
        Ok(known.is_some() || files.hidden(&project, task, known).is_some())
    }

    fn lock(&self, patience: Patience) -> StoreResult<Option<Box<dyn Held + '_>>> {
        let Some(root) = self.root()? else { return Ok(None) };
        let wait = if patience == Patience::None { Duration::ZERO } else { self.patience };
        let writer = Writer::new(root.clone(), wait);
        let writer = if self.is_synced { writer } else { writer.unsynced() };
        let locked = ToBeLocked::in_project(&root);
        let writer = locked.held_by(writer).map_err(store_error)?;
        // While others held a lock they may have made a queue, or taken one away.
        let queues = if patience == Patience::None { locked.queues } else { queues(&root) };
        Ok(Some(Box::new(self.with_queues(queues, root, writer))))
    }
}
