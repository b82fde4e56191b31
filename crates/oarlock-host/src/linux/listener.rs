//! The waiting side of the notifiers: one wait for a ring, for the death of processes, and for a time.

use std::collections::{HashMap, HashSet};
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::shared_state::SharedState;
use crate::notifier::{DEATHS_MAX, Notifiers, Woken};
use crate::process::{Liveness, ProcessId};

/// Listens to topics of one directory of notifiers.
///
/// **Make the listener first, then look at the store, then wait.** From its making on it keeps each ring, so one that
/// comes between looking and waiting ends the wait at once. Looking first loses that one.
#[derive(Debug)]
pub struct Listener {
    ears: Option<Ears>,
    /// Kept as long as we listen.
    _shared_state: Option<SharedState>,
    /// The resources kept open across waits, so that a long wait in short pieces costs nothing more.
    processes: HashMap<ProcessId, OwnedFd>,
}

impl Listener {
    /// Listens to these topics of the notifiers, whose directory must exist. A file may be missing: it is heard from when it is
    /// made. The shared state is a handle of the listener's own; those who ring see on it who listens.
    ///
    /// # Errors
    /// A topic is not one of these notifiers, the directory is missing, there is no seat left on the shared state, or the user has no inotify
    /// instances or watches left (`fs.inotify.max_user_instances` is often 128): then [`Listener::deaf`] and a shorter
    /// re-check do.
    pub fn new(notifiers: &Notifiers, topics: &[&str], shared_state: Option<SharedState>) -> io::Result<Self> {
        let bits = topics.iter().try_fold(0, |bits, topic| Ok::<_, io::Error>(bits | notifiers.bit(topic)?))?;
        let ears = Ears::new(&notifiers.dir, topics)?;
        if shared_state.as_ref().is_some_and(|shared_state| !shared_state.listen(bits)) {
            return Err(io::Error::other("too many processes listen"));
        }
        Ok(Self { ears: Some(ears), _shared_state: shared_state, processes: HashMap::new() })
    }

    /// A listener that hears no notifiers, only deaths and the end of the time.
    #[must_use]
    pub fn deaf() -> Self {
        Self { ears: None, _shared_state: None, processes: HashMap::new() }
    }

    /// Whether it hears notifiers.
    #[must_use]
    pub fn hears(&self) -> bool {
        self.ears.as_ref().is_some_and(|ears| !ears.is_gone)
    }

    /// Waits for a notifier, for the death of one of these processes, or until `timeout` is over (none: for ever). Without
    /// processor time until then, and without a re-check of its own: notifiers can fail to ring, so give a timeout.
    ///
    /// Processes of another boot are dead at once. Those in another pid namespace, those that `/proc` hides, and those
    /// beyond [`DEATHS_MAX`] or the limit of open files are not watched.
    ///
    /// # Errors
    /// The kernel refuses to wait (no memory, too many descriptors).
    pub fn wait(&mut self, timeout: Option<Duration>, deaths: &[ProcessId]) -> io::Result<Woken> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        if self.ears.as_ref().is_some_and(|ears| ears.is_gone) {
            return Ok(Woken::Gone);
        }
        if self.watch_processes(deaths) {
            return Ok(Woken::Died);
        }
        loop {
            let ready = match self.poll(until) {
                Err(Errno::INTR) => return Ok(Woken::Interrupted),
                result => result?,
            };
            if ready.died {
                return Ok(Woken::Died);
            }
            if ready.heard
                && let Some(woken) = self.ears.as_mut().map(Ears::hear).transpose()?.flatten()
            {
                return Ok(woken);
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(Woken::TimedOut);
            }
        }
    }

    /// Opens new ones and closes those no longer asked about; true when one is dead already.
    fn watch_processes(&mut self, deaths: &[ProcessId]) -> bool {
        let wanted: HashSet<&ProcessId> = deaths.iter().take(DEATHS_MAX).collect();
        self.processes.retain(|process, _| wanted.contains(process));
        for process in wanted {
            if self.processes.contains_key(process) {
                continue;
            }
            // First the descriptor, then the look: a pid that changes hands in between is known by its start.
            let descriptor = open_process(process.pid);
            match (process.liveness(), descriptor) {
                (Liveness::Dead, _) => return true,
                (Liveness::Alive, Some(descriptor)) => {
                    self.processes.insert(process.clone(), descriptor);
                }
                (Liveness::Alive, None) | (Liveness::Unknown, _) => {}
            }
        }
        false
    }

    fn poll(&self, until: Option<Instant>) -> Result<Ready, Errno> {
        let processes = self.processes.values().map(AsFd::as_fd);
        let ears = self.ears.iter().map(|ears| ears.inotify.as_fd());
        let mut fds: Vec<PollFd<'_>> = processes.chain(ears).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let left = until.map(|until| timespec(until.saturating_duration_since(Instant::now())));
        poll(&mut fds, left.as_ref())?;
        let is_ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let (processes, ears) = fds.split_at(self.processes.len());
        Ok(Ready { died: processes.iter().any(is_ready), heard: ears.iter().any(is_ready) })
    }
}

struct Ready {
    died: bool,
    heard: bool,
}

/// One inotify instance: a watch on each topic's file, so that other topics wake nobody here, and one on the directory,
/// for files that are made again and for its own end.
#[derive(Debug)]
struct Ears {
    inotify: OwnedFd,
    dir: PathBuf,
    dir_watch: i32,
    topics: Vec<String>,
    is_gone: bool,
}

impl Ears {
    fn new(dir: &Path, topics: &[&str]) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        // The directory first: a file that is made after the look at it is reported.
        let of_dir = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        let dir_watch = inotify::add_watch(&inotify, dir, of_dir | WatchFlags::ONLYDIR)?;
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let ears = Self { inotify, dir: dir.to_owned(), dir_watch, topics, is_gone: false };
        ears.watch_topics()?;
        Ok(ears)
    }

    /// Watching a watched process again changes nothing. A missing file is not made here: a directory that is being
    /// deleted shall not be hindered by those who listen.
    fn watch_topics(&self) -> io::Result<()> {
        for topic in &self.topics {
            let flags = WatchFlags::CLOSE_WRITE | WatchFlags::DONT_FOLLOW;
            match inotify::add_watch(&self.inotify, self.dir.join(topic), flags) {
                Ok(_) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Takes all events that are there; what they say, if it concerns us.
    fn hear(&mut self) -> io::Result<Option<Woken>> {
        /// Who rings without end shall not keep us listening without end.
        const EVENTS_MAX: usize = 10_000;
        let (mut is_rung, mut is_remade) = (false, false);
        let mut buffer = [MaybeUninit::uninit(); 4_096];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        for _ in 0..EVENTS_MAX {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let says = |flags: ReadFlags| event.events().intersects(flags);
            if says(ReadFlags::QUEUE_OVERFLOW) {
                // Events are lost: any notifier may have rung, any file may have been made again.
                (is_rung, is_remade) = (true, true);
            } else if event.wd() != self.dir_watch {
                is_rung |= says(ReadFlags::CLOSE_WRITE);
            } else if says(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT | ReadFlags::IGNORED) {
                self.is_gone = true;
            } else {
                is_remade |= event.file_name().is_some_and(|name| is_topic(&self.topics, name));
            }
        }
        if self.is_gone {
            return Ok(Some(Woken::Gone));
        }
        if is_remade {
            self.watch_topics()?;
        }
        Ok((is_rung || is_remade).then_some(Woken::Rung))
    }
}

fn is_topic(topics: &[String], name: &CStr) -> bool {
    topics.iter().any(|topic| topic.as_bytes() == name.to_bytes())
}

fn open_process(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// A longer time than the kernel's type holds is as good as its longest.
fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}
