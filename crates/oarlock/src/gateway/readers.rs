//! The threads that read: a bounded pool, each with a handle of its own.

use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use oarlock_sqlite::SqliteStore;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

use super::engine::Identity;

/// Reads that may wait for a thread; more are asked to come back later.
const QUEUE_MAX: usize = 1_024;

type Read = Box<dyn FnOnce(&mut SqliteStore) + Send>;

/// The way to the reading threads.
pub(super) struct Readers {
    queue: SyncSender<Read>,
    identity: Arc<Identity>,
}

impl Readers {
    /// Starts a thread for each of these handles.
    pub(super) fn start(stores: Vec<SqliteStore>, identity: &Arc<Identity>) -> std::io::Result<Self> {
        let (queue, reads) = sync_channel(QUEUE_MAX);
        let reads = Arc::new(Mutex::new(reads));
        for store in stores {
            let reads = Arc::clone(&reads);
            std::thread::Builder::new().name("reader".into()).spawn(move || read_on(store, &reads))?;
        }
        Ok(Self { queue, identity: Arc::clone(identity) })
    }

    /// Has one of them do this.
    ///
    /// # Errors
    /// Those of the read; `store_busy` when too many wait.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut SqliteStore) -> Result<T, OpError> + Send + 'static,
    ) -> Result<T, OpError> {
        let (reply, told) = oneshot::channel();
        let identity = Arc::clone(&self.identity);
        let job: Read = Box::new(move |store| {
            if !reply.is_closed() {
                let outcome = read(store);
                // Before the answer leaves: it says which store it comes from.
                identity.note(store.identity());
                // Whoever has gone away meanwhile gets no answer, which is no matter.
                let _ = reply.send(outcome);
            }
        });
        match self.queue.try_send(job) {
            Ok(()) => told.await.unwrap_or_else(|_| Err(OpError::Internal("a reading thread has ended".into()))),
            Err(TrySendError::Full(_)) => Err(StoreError::Busy(format!("{QUEUE_MAX} reads wait for the gateway")).into()),
            Err(TrySendError::Disconnected(_)) => Err(OpError::Internal("the reading threads have ended".into())),
        }
    }
}

fn read_on(mut store: SqliteStore, reads: &Mutex<Receiver<Read>>) {
    loop {
        // One waits with the lock, the others for it.
        let next = reads.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(read) => read(&mut store),
            Err(_) => return,
        }
    }
}
