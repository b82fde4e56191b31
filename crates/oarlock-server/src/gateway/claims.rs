//! A store with files beside it. Calls that may grant tasks which these have wait for their lock, so a thread of its own makes them, while the
//! writer goes on with everybody else's; and another one brings over what the writer's calls have changed.

use oarlock_client::{OpenStore, Options, StorePaths, files_of};
use oarlock_ops::OpError;
use oarlock_ops::outside::{self, Outside};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreResult;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::identity::Identity;
use super::metrics::Metrics;
use super::writer::Writer;

/// The pause before the files are tried again whose lock others have, at first and at most.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Where calls go that may grant tasks.
pub(super) struct Claims {
    stores: Stores,
    settings: Settings,
    notes: (Arc<Metrics>, Arc<Identity>),
    /// Begun by the first call that needs it: most stores have no files beside them.
    writer: OnceLock<Writer>,
}

/// Opens the store with its neighbours.
#[derive(Clone)]
pub(super) struct Stores {
    place: StorePaths,
    options: Options,
    files: Arc<dyn Outside>,
}

impl Stores {
    pub(super) fn new(place: &StorePaths, options: Options) -> Self {
        Self { place: place.clone(), files: files_of(place, &options), options }
    }

    fn open(&self) -> StoreResult<OpenStore> {
        oarlock_client::open(&self.place, self.options.clone())
    }
}

impl Claims {
    pub(super) fn new(stores: Stores, settings: Settings, notes: (Arc<Metrics>, Arc<Identity>)) -> Self {
        Self { stores, settings, notes, writer: OnceLock::new() }
    }

    /// The thread for such calls, if the store has files beside it now.
    ///
    /// # Errors
    /// The store cannot be opened, or no thread started.
    pub(super) fn writer(&self) -> Result<Option<&Writer>, OpError> {
        if !self.stores.files.is_there() {
            return Ok(None);
        }
        if self.writer.get().is_none() {
            let started = Writer::start_alone(self.stores.open()?, self.settings.clone(), self.notes.clone());
            let writer = started.map_err(|error| OpError::Internal(format!("no thread can be started: {error}")))?;
            // Of two that are begun at once, the other ends with its queue, which is empty.
            let _ = self.writer.set(writer);
        }
        Ok(self.writer.get())
    }
}

/// The thread that brings over to the files what the writer's calls have changed, without keeping the writer from anything.
pub(super) struct CatchUp {
    files: Arc<dyn Outside>,
    wanted: SyncSender<()>,
}

impl CatchUp {
    pub(super) fn start(stores: Stores, settings: Settings) -> std::io::Result<Self> {
        let (wanted, asked) = sync_channel(1);
        let files = Arc::clone(&stores.files);
        std::thread::Builder::new().name("files".into()).spawn(move || catch_up(&stores, &settings, &asked))?;
        Ok(Self { files, wanted })
    }

    /// Something was committed.
    pub(super) fn note(&self) {
        if self.files.is_there() {
            // One that is still at it will have this to do next.
            let _ = self.wanted.try_send(());
        }
    }
}

/// Until the files have everything, it is tried again and again, whether or not somebody calls: who has the lock may give it back at any time.
fn catch_up(stores: &Stores, settings: &Settings, asked: &Receiver<()>) {
    let (mut store, mut pause) = (None, None);
    loop {
        match pause {
            None if asked.recv().is_err() => return,
            Some(pause) if asked.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) => return,
            None | Some(_) => {}
        }
        if store.is_none() {
            store = stores.open().ok();
        }
        let is_done = store.as_mut().is_some_and(|store| outside::catch_up(&mut **store, settings));
        pause = if is_done { None } else { Some(pause.map_or(PAUSE_FIRST, |pause: Duration| (pause * 2).min(PAUSE_MAX))) };
    }
}
