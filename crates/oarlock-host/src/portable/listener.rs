//! The waiting side of the notifiers: it looks at their files, at the processes and at the time, every few milliseconds.

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::shared_state::SharedState;
use crate::file;
use crate::notifier::{DEATHS_MAX, Notifiers, Woken};
use crate::process::{Liveness, ProcessId};

/// Between two looks at the notifiers: a few system calls each.
const LOOK: Duration = Duration::from_millis(10);

/// Between two looks at the processes, which cost more.
const LOOK_AT_PROCESSES: Duration = Duration::from_millis(100);

/// The longest wait in one piece: not everywhere does a signal end one, and its handler may have asked for something.
const PIECE: Duration = Duration::from_millis(200);

/// Listens to topics of one directory of notifiers.
///
/// **Make the listener first, then look at the store, then wait.** From its making on it notices each ring, so one that
/// comes between looking and waiting ends the wait at once. Looking first loses that one.
#[derive(Debug)]
pub struct Listener {
    ears: Option<Ears>,
}

impl Listener {
    /// Listens to these topics of the notifiers, whose directory must exist. A file may be missing: it is heard from when it is
    /// made.
    ///
    /// # Errors
    /// A topic is not one of these notifiers, or the directory is missing.
    pub fn new(notifiers: &Notifiers, topics: &[&str], _shared_state: Option<SharedState>) -> io::Result<Self> {
        topics.iter().try_for_each(|topic| notifiers.bit(topic).map(drop))?;
        let identity = file::identity_at(&notifiers.dir)?;
        let seen = |topic: &&str| {
            let path = notifiers.dir.join(topic);
            let rung = rung_at(&path);
            (path, rung)
        };
        let topics = topics.iter().map(seen).collect();
        Ok(Self { ears: Some(Ears { dir: notifiers.dir.clone(), identity, topics, is_gone: false }) })
    }

    /// A listener that hears no notifiers, only deaths and the end of the time.
    #[must_use]
    pub fn deaf() -> Self {
        Self { ears: None }
    }

    /// Whether it hears notifiers.
    #[must_use]
    pub fn hears(&self) -> bool {
        self.ears.as_ref().is_some_and(|ears| !ears.is_gone)
    }

    /// Waits for a notifier, for the death of one of these processes, or until `timeout` is over (none: for ever); ends after a fifth of a
    /// second as if it were interrupted. Bells can fail to ring, so give a timeout.
    ///
    /// Processes of another boot are dead at once. Those that cannot be seen, and those beyond [`DEATHS_MAX`], are not watched.
    ///
    /// # Errors
    /// None here; the signature is that of all systems.
    pub fn wait(&mut self, timeout: Option<Duration>, deaths: &[ProcessId]) -> io::Result<Woken> {
        let start = Instant::now();
        let until = timeout.and_then(|timeout| start.checked_add(timeout));
        let mut looked_at_processes = None::<Instant>;
        loop {
            let now = Instant::now();
            if let Some(woken) = self.ears.as_mut().and_then(Ears::look) {
                return Ok(woken);
            }
            if looked_at_processes.is_none_or(|at| now - at >= LOOK_AT_PROCESSES) {
                looked_at_processes = Some(now);
                if deaths.iter().take(DEATHS_MAX).any(|process| process.liveness() == Liveness::Dead) {
                    return Ok(Woken::Died);
                }
            }
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(now));
            if left.is_zero() {
                return Ok(Woken::TimedOut);
            }
            if now - start >= PIECE {
                return Ok(Woken::Interrupted);
            }
            thread::sleep(left.min(LOOK));
        }
    }
}

#[derive(Debug)]
struct Ears {
    dir: PathBuf,
    /// Of the directory: another one in its place is not ours.
    identity: (u64, u64),
    /// The file of each topic, and when it was last rung as far as we know.
    topics: Vec<(PathBuf, Option<SystemTime>)>,
    is_gone: bool,
}

impl Ears {
    fn look(&mut self) -> Option<Woken> {
        if self.is_gone || file::identity_at(&self.dir).ok() != Some(self.identity) {
            self.is_gone = true;
            return Some(Woken::Gone);
        }
        let mut is_rung = false;
        for (path, known) in &mut self.topics {
            let rung = rung_at(path);
            // A file that was deleted is no ring; the one that is made in its place is.
            if rung.is_some() && rung != *known {
                *known = rung;
                is_rung = true;
            }
        }
        is_rung.then_some(Woken::Rung)
    }
}

fn rung_at(path: &std::path::Path) -> Option<SystemTime> {
    path.symlink_metadata().and_then(|found| found.modified()).ok()
}
