//! Waiting for other processes' commits by their notifiers and for their deaths.

use oarlock_host::notifier::{Listener, Notifiers, Woken};
use oarlock_host::process::ProcessId;
use oarlock_host::shared_state::{IS_SHARED, SharedState};
use oarlock_ops::store::{Listening, StoreResult};
use oarlock_ops::topic::Topics;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::error::{gone, io_error};

/// How often a waiter looks that can hear nothing, because the user has no inotify instance left.
const DEAF_RECHECK: Duration = Duration::from_millis(200);

/// A listener to some topics; deaf when the user has no inotify instance left, too many listen, or those who ring might have a
/// shared state and this one has none. Where nobody has a shared state, every notifier is rung.
pub(crate) fn listener(notifiers: &Notifiers, topics: Topics, shared_state: Option<SharedState>) -> Listener {
    if shared_state.is_none() && IS_SHARED {
        return Listener::deaf();
    }
    let names: Vec<&str> = Topics::NAMED.into_iter().filter(|(topic, _)| topic.meets(topics)).map(|(_, name)| name).collect();
    notifiers.make_dir().and_then(|()| Listener::new(notifiers, &names, shared_state)).unwrap_or_else(|_| Listener::deaf())
}

/// One wait, by the listener that the store's handle keeps.
pub(crate) struct SqliteListening {
    listener: Arc<Mutex<Listener>>,
}

impl SqliteListening {
    pub(crate) fn new(listener: Arc<Mutex<Listener>>) -> Self {
        Self { listener }
    }
}

impl Listening for SqliteListening {
    fn wait(&mut self, for_ms: i64, owners: &[String]) -> StoreResult<()> {
        let processes: Vec<ProcessId> = owners.iter().filter_map(|owner| ProcessId::parse(owner).ok()).collect();
        let mut timeout = Duration::from_millis(for_ms.unsigned_abs());
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if !listener.hears() {
            timeout = timeout.min(DEAF_RECHECK);
        }
        match listener.wait(Some(timeout), &processes) {
            Ok(Woken::Gone) => Err(gone(
                "the store was deleted while waiting".into(),
                "make a new one with `oarlock init`; was it deleted, by `git clean` perhaps?",
            )),
            Ok(Woken::Rung | Woken::Died | Woken::Interrupted | Woken::TimedOut) => Ok(()),
            Err(error) => Err(io_error("wait in", Path::new("the store's bells"), &error)),
        }
    }
}
