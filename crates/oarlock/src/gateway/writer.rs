//! The one thread that writes: whatever has come in while the last commit was on its way to the disk goes into the next
//! one, and no reply leaves before its commit.

use oarlock_ops::OpError;
use oarlock_ops::call::Caller;
use oarlock_ops::registry::Call;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Durability, Store, StoreError};
use oarlock_sqlite::SqliteStore;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

use super::metrics::Metrics;

/// Calls that may wait for the writer; more are asked to come back later.
pub(super) const QUEUE_MAX: usize = 1_024;

/// Calls of one commit, at most: the first of them waits for the last.
const GROUP_MAX: usize = 128;

/// One call for the writer.
struct Write {
    call: Arc<dyn Call>,
    caller: Caller,
    reply: oneshot::Sender<Result<String, OpError>>,
}

/// The way to the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    queue: SyncSender<Write>,
}

impl Writer {
    /// Starts the thread on a handle of its own.
    pub(super) fn start(store: SqliteStore, settings: Settings, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let (queue, calls) = sync_channel(QUEUE_MAX);
        std::thread::Builder::new().name("writer".into()).spawn(move || write_on(store, &settings, &calls, &metrics))?;
        Ok(Self { queue })
    }

    /// Makes one call, in one commit with others that are there.
    ///
    /// # Errors
    /// Those of the call; `store_busy` when too many wait.
    pub(super) async fn call(&self, call: Arc<dyn Call>, caller: Caller) -> Result<String, OpError> {
        let (reply, told) = oneshot::channel();
        match self.queue.try_send(Write { call, caller, reply }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(StoreError::Busy(format!("{QUEUE_MAX} calls wait for the gateway")).into()),
            Err(TrySendError::Disconnected(_)) => return Err(gone()),
        }
        told.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// The thread has ended: the process is about to.
pub(super) fn gone() -> OpError {
    StoreError::Unavailable { message: "the gateway is going down".into(), hint: "try again; with a key, nothing is done twice".into() }
        .into()
}

fn write_on(mut store: SqliteStore, settings: &Settings, calls: &Receiver<Write>, metrics: &Metrics) {
    while let Ok(first) = calls.recv() {
        let mut group = vec![first];
        group.extend(calls.try_iter().take(GROUP_MAX - 1));
        // Who has gone away need not have it done any more.
        group.retain(|write| !write.reply.is_closed());
        if group.is_empty() {
            continue;
        }
        metrics.group(group.len());
        commit(&mut store, settings, group);
    }
}

fn commit(store: &mut SqliteStore, settings: &Settings, group: Vec<Write>) {
    if let [_] = group.as_slice() {
        return one_by_one(store, settings, group);
    }
    let durability = match group.iter().all(|write| write.call.durability() == Some(Durability::Presence)) {
        true => Durability::Presence,
        false => Durability::Full,
    };
    let mut outcomes = Vec::with_capacity(group.len());
    let committed = store.group(durability, &mut |store: &mut dyn Store| {
        outcomes.extend(group.iter().map(|write| write.call.attempt(store, &write.caller, settings)));
        Ok(())
    });
    match committed {
        Ok(true) => {
            for (write, outcome) in group.into_iter().zip(outcomes) {
                let _ = write.reply.send(outcome);
            }
        }
        // What made one fail is nobody else's business: nothing was done, so each is asked for itself.
        Ok(false) => one_by_one(store, settings, group),
        Err(error) => {
            for write in group {
                let _ = write.reply.send(Err(error.clone().into()));
            }
        }
    }
}

fn one_by_one(store: &mut SqliteStore, settings: &Settings, group: Vec<Write>) {
    for write in group {
        // Whoever has gone away gets no answer, which is no matter.
        let _ = write.reply.send(write.call.attempt(store, &write.caller, settings));
    }
}
