//! Waiting for other processes' commits by their bells and for their deaths.

use oarlock_host::bell::{Listener, Woken};
use oarlock_host::process::ProcessId;
use oarlock_ops::store::{Listening, StoreResult};
use oarlock_ops::topic::Topics;
use std::path::Path;
use std::time::Duration;

use crate::error::{io_error, unavailable};

/// How often a waiter looks that can hear nothing, because the user has no inotify instance left.
const DEAF_RECHECK: Duration = Duration::from_millis(200);

/// A listener to some topics of one store.
pub(crate) struct SqliteListening {
    listener: Listener,
}

impl SqliteListening {
    pub(crate) fn new(bells: &Path, topics: Topics) -> Self {
        let names: Vec<&str> = Topics::NAMED.into_iter().filter(|(topic, _)| topic.meets(topics)).map(|(_, name)| name).collect();
        Self { listener: Listener::new(bells, &names).unwrap_or_else(|_| Listener::deaf()) }
    }
}

impl Listening for SqliteListening {
    fn wait(&mut self, for_ms: i64, owners: &[String]) -> StoreResult<()> {
        let processes: Vec<ProcessId> = owners.iter().filter_map(|owner| ProcessId::parse(owner).ok()).collect();
        let mut timeout = Duration::from_millis(for_ms.unsigned_abs());
        if !self.listener.hears() {
            timeout = timeout.min(DEAF_RECHECK);
        }
        match self.listener.wait(Some(timeout), &processes) {
            Ok(Woken::Gone) => Err(unavailable(
                "the store was deleted while waiting".into(),
                "make a new one with `oarlock init`; was it deleted, by `git clean` perhaps?",
            )),
            Ok(Woken::Rung | Woken::Died | Woken::Interrupted | Woken::TimedOut) => Ok(()),
            Err(error) => Err(io_error("wait in", Path::new("the store's bells"), &error)),
        }
    }
}
