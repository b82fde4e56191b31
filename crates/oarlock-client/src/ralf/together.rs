//! Attaching a RALF project to a store, synchronising the two, and detaching it again.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use oarlock_host::file::canonical;
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_ops::outside::Beneath;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use oarlock_ralf::{Bridge, Left, SyncState, Synced, hide_from_git};
use oarlock_sqlite::{Options, STORE_FILE, StorePaths};

use super::which::{attached_beside, check_project, unreadable};
use crate::making::make;
use crate::opening::{self, OpenStore, create};
use crate::project::{Project, TASK_PREFIX};
use crate::trust;
use crate::whereabouts::{IfMissing, StoreTarget};

/// The pause between two passes of [`Together::watch`].
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// How long to wait while another process compares the files.
const LOOK_WITHIN: Duration = Duration::from_secs(30);

/// The action on a project and its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Import the project's tasks and agents, and keep both sides in step from now on. Makes the store if there is none; safe to repeat.
    Attach,
    /// Bring each side up to date with the other.
    Sync,
    /// Write the store's state into the files a last time, then part the two.
    Detach {
        /// Detach even if some files cannot be written now.
        is_forced: bool,
    },
}

/// A RALF project and the store that it is attached to, or is about to be.
#[derive(Debug)]
pub struct Together {
    root: PathBuf,
    target: StoreTarget,
    settings: Settings,
    options: Options,
    aim: Aim,
    is_tried: bool,
}

impl Together {
    /// The project at `path` with the store `named`, or with the store of the repository around it. With `is_tried`, a dry run, nothing changes:
    /// [`Together::look`] reports what it would do.
    ///
    /// # Errors
    /// `already_exists` when the store has another project, `not_found` when this one is not attached or there are no files, those of
    /// finding a store.
    pub fn of(
        path: &Path,
        named: Option<&OsStr>,
        busy: Option<oarlock_model::duration::Duration>,
        aim: Aim,
        is_tried: bool,
    ) -> Result<Self, OpError> {
        let root = canonical(path).map_err(|error| unreadable(path, &error))?;
        let target = place_of(&root, named)?;
        let settings = target.settings()?;
        let options = opening::options(&settings, busy.map(oarlock_model::duration::Duration::as_std));
        let together = Self { root, target, settings, options, aim, is_tried };
        together.check()?;
        Ok(together)
    }

    /// The project's root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn check(&self) -> Result<(), OpError> {
        let attached = if self.aim == Aim::Attach {
            check_project(&self.root)?;
            attached_beside(self.target.place().dir())?
        } else {
            self.known()?
        };
        // A project whose folder is gone cannot be detached, so it does not count.
        let is_other = |attached: &SyncState| attached.root != self.root && attached.root.is_dir();
        match (self.aim, attached) {
            (Aim::Attach, Some(other)) if is_other(&other) => Err(Rejection::AlreadyExists {
                noun: "attached project",
                id: other.root.display().to_string(),
                detail: Some("one store serves one project".into()),
                hint: "detach that one first, or name another store with --store sqlite:PATH",
            }
            .into()),
            (Aim::Sync | Aim::Detach { .. }, None) => {
                let message = format!("{} is not attached", self.root.display());
                Err(Rejection::Missing { message, hint: "attach it first: oarlock ralf attach [PATH]".into() }.into())
            }
            _ => Ok(()),
        }
    }

    /// The remembered state of earlier passes over this project; nothing while it is not attached.
    fn known(&self) -> Result<Option<SyncState>, OpError> {
        Ok(attached_beside(self.target.place().dir())?.filter(|attached| attached.root == self.root))
    }

    /// Compares files and store once and does what the [`Aim`] asks for. Returns nothing if the project was detached meanwhile. `note` receives
    /// problems that do not stop the work.
    ///
    /// # Errors
    /// The files or the store fail, or files cannot be written before a detach that is not forced.
    pub fn look(&self, note: &mut dyn FnMut(&str)) -> Result<Option<Synced>, OpError> {
        if self.is_tried && !self.target.place().file().exists() {
            return self.would_attach().map(Some);
        }
        if self.aim == Aim::Attach && !self.is_tried {
            make(&self.target, None, false, self.options.clone())?;
            if let Err(error) = hide_from_git(&self.root) {
                note(&format!("note: cannot make git ignore the lock files: {error}"));
            }
        }
        let mut store = self.target.open(self.options.clone())?;
        let mut store = Beneath(&mut *store);
        let mut bridge = Bridge::new(&self.root, &mut store, &self.settings).beside(self.target.place().dir());
        self.look_with(&mut bridge)
    }

    /// Synchronises every second and passes each result to `report`, until that returns `false` or the project is detached. A temporary failure,
    /// such as a busy store, is passed to `report` too and does not stop the loop.
    ///
    /// # Errors
    /// A lasting failure of the files or the store; any error of `report`.
    pub fn watch(&self, report: &mut dyn FnMut(Result<Synced, OpError>) -> Result<bool, OpError>) -> Result<(), OpError> {
        let mut store: OpenStore = self.target.open(self.options.clone())?;
        let mut store = Beneath(&mut *store);
        let mut bridge = Bridge::new(&self.root, &mut store, &self.settings).beside(self.target.place().dir());
        loop {
            let goes_on = match self.look_with(&mut bridge) {
                Ok(None) => false,
                Ok(Some(synced)) => report(Ok(synced))?,
                Err(error) if error.is_retryable() => report(Err(error))?,
                Err(error) => return Err(error),
            };
            if !goes_on {
                return Ok(());
            }
            thread::sleep(WATCH_EVERY);
        }
    }

    fn look_with(&self, bridge: &mut Bridge<'_>) -> Result<Option<Synced>, OpError> {
        let dir = self.target.place().dir();
        let marker = SyncState::file(dir);
        let _lock = one_at_a_time(dir)?;
        let mut attached = match self.known()? {
            Some(attached) => attached,
            // Somebody has detached it meanwhile.
            None if self.aim != Aim::Attach => return Ok(None),
            None => bridge.attached(dir)?,
        };
        let synced = bridge.sync(&mut attached, self.is_tried)?;
        if !self.is_tried {
            attached.write(dir).map_err(|error| unreadable(&marker, &error))?;
        }
        if let Aim::Detach { is_forced } = self.aim {
            check_left(&synced.left, is_forced)?;
            bridge.leave()?;
            SyncState::part(dir).map_err(|error| unreadable(&marker, &error))?;
        }
        Ok(Some(synced))
    }

    /// A dry run of attaching where there is no store yet: it runs on a temporary one.
    fn would_attach(&self) -> Result<Synced, OpError> {
        let dir = tempfile::tempdir().map_err(|error| unreadable(&std::env::temp_dir(), &error))?;
        let place = StorePaths::of_file(dir.path().join(STORE_FILE));
        let (mut store, _) = create(&place, TASK_PREFIX, Options::default())?;
        Bridge::new(&self.root, &mut Beneath(&mut *store), &self.settings).sync(&mut SyncState::new(&self.root, 0), true)
    }
}

/// Refuses to detach while a later try may still write missing changes. Changes that can never be written are in [`Synced::left`] and do not block.
fn check_left(left: &[Left], is_forced: bool) -> Result<(), OpError> {
    if is_forced || left.iter().all(|left| left.is_lasting) {
        return Ok(());
    }
    let reasons: Vec<String> = left.iter().map(|left| format!("{}: {}", left.file, left.reason)).collect();
    let message = format!("the files lack something that the store has: {}", reasons.join("; "));
    Err(StoreError::Unavailable { message, hint: "detach again when they can be written, or leave it: oarlock ralf detach --force".into() }
        .into())
}

/// The named store, or else the store of the repository around `root`.
fn place_of(root: &Path, named: Option<&OsStr>) -> Result<StoreTarget, OpError> {
    if named.is_some() {
        return StoreTarget::find(named, IfMissing::Made);
    }
    let target = StoreTarget::of(Project::around_or_at(root));
    trust::check_owner(target.place())?;
    Ok(target)
}

/// Takes the lock that allows one comparison at a time for the store in `dir`.
fn one_at_a_time(dir: &Path) -> Result<fs::File, OpError> {
    let lock = SyncState::lock(dir, LOOK_WITHIN).map_err(|error| unreadable(dir, &error))?;
    lock.ok_or_else(|| StoreError::Busy(format!("another look at the files has gone on for {} s", LOOK_WITHIN.as_secs())).into())
}
