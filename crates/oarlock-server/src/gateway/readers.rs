//! The threads that read: a bounded pool, each with a handle of its own.

use oarlock_ops::OpError;
use oarlock_ops::store::{ServedStore, StoreError};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

use super::identity::Identity;
use super::lanes::{Lane, Lanes, Refused};

/// Reads that may wait for a thread; more are asked to come back later.
const QUEUE_MAX: usize = 1_024;

type Read = Box<dyn FnOnce(&mut dyn ServedStore) + Send>;

/// The way to the reading threads.
pub(super) struct Readers {
    queue: Arc<Lanes<Read>>,
    identity: Arc<Identity>,
}

impl Readers {
    /// Starts a thread for each of these handles.
    pub(super) fn start(stores: Vec<Box<dyn ServedStore>>, identity: &Arc<Identity>) -> std::io::Result<Self> {
        let queue = Arc::new(Lanes::new(QUEUE_MAX));
        for store in stores {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name("reader".into()).spawn(move || read_on(store, &queue))?;
        }
        Ok(Self { queue, identity: Arc::clone(identity) })
    }

    /// Has one of them do this, in its turn.
    ///
    /// # Errors
    /// Those of the read; `store_busy` when too many wait.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        lane: &Lane,
        read: impl FnOnce(&mut dyn ServedStore) -> Result<T, OpError> + Send + 'static,
    ) -> Result<T, OpError> {
        let (reply, told) = oneshot::channel();
        let identity = Arc::clone(&self.identity);
        let job: Read = Box::new(move |store| {
            if !reply.is_closed() {
                let outcome = read(store);
                // Before the answer leaves: it says which store it comes from.
                identity.note(store.identity());
                // Anyone who has gone away meanwhile gets no answer, which is no matter.
                let _ = reply.send(outcome);
            }
        });
        match self.queue.push(lane, job) {
            Ok(()) => told.await.unwrap_or_else(|_| Err(OpError::Internal("a reading thread has ended".into()))),
            Err(Refused::Full) => Err(StoreError::Busy(format!("{QUEUE_MAX} reads wait for the gateway")).into()),
            Err(Refused::Closed) => Err(OpError::Internal("the reading threads have ended".into())),
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn read_on(mut store: Box<dyn ServedStore>, queue: &Lanes<Read>) {
    while let Some((lane, read)) = queue.pop() {
        let begun = Instant::now();
        read(&mut *store);
        queue.charge(&lane, begun.elapsed());
    }
}
