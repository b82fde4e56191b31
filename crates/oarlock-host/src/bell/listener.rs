//! The waiting side of the bells: one wait for a ring, for the death of processes, and for a time.

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

use super::Bells;
use crate::board::Board;
use crate::process::{Liveness, ProcessId};

/// The most processes whose death one wait notices; further ones are left to the caller's re-check.
pub const DEATHS_MAX: usize = 256;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// A bell rang, perhaps more than once, perhaps without news: look again.
    Rung,
    /// One of the processes is dead. The next wait says so again while it is asked about it.
    Died,
    /// The time is over.
    TimedOut,
    /// A signal came to this thread; its handler has run.
    Interrupted,
    /// The directory of the bells was deleted, moved or unmounted: nothing will ring any more.
    Gone,
}

/// Listens to topics of one directory of bells.
///
/// **Make the listener first, then look at the store, then wait.** From its making on it keeps each ring, so one that
/// comes between looking and waiting ends the wait at once. Looking first loses that one.
#[derive(Debug)]
pub struct Listener {
    ears: Option<Ears>,
    /// Kept as long as we listen.
    _board: Option<Board>,
    /// What is kept open across waits, so that a long wait in short pieces costs nothing more.
    processes: HashMap<ProcessId, OwnedFd>,
}

impl Listener {
    /// Listens to these topics of the bells, whose directory must exist. A file may be missing: it is heard from when it is
    /// made. The board is a handle of the listener's own; those who ring see on it who listens.
    ///
    /// # Errors
    /// A topic is not one of these bells, the directory is missing, there is no seat left on the board, or the user has no inotify
    /// instances or watches left (`fs.inotify.max_user_instances` is often 128): then [`Listener::deaf`] and a shorter
    /// re-check do.
    pub fn new(bells: &Bells, topics: &[&str], board: Option<Board>) -> io::Result<Self> {
        let bits = topics.iter().try_fold(0, |bits, topic| Ok::<_, io::Error>(bits | bells.bit(topic)?))?;
        let ears = Ears::new(&bells.dir, topics)?;
        if board.as_ref().is_some_and(|board| !board.listen(bits)) {
            return Err(io::Error::other("too many processes listen"));
        }
        Ok(Self { ears: Some(ears), _board: board, processes: HashMap::new() })
    }

    /// A listener that hears no bells, only deaths and the end of the time.
    #[must_use]
    pub fn deaf() -> Self {
        Self { ears: None, _board: None, processes: HashMap::new() }
    }

    /// Whether it hears bells.
    #[must_use]
    pub fn hears(&self) -> bool {
        self.ears.as_ref().is_some_and(|ears| !ears.is_gone)
    }

    /// Waits for a bell, for the death of one of these processes, or until `timeout` is over (none: for ever). Without
    /// processor time until then, and without a re-check of its own: bells can fail to ring, so give a timeout.
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

    /// Opens what is new and closes what is no longer asked about; true when one is dead already.
    fn watch_processes(&mut self, deaths: &[ProcessId]) -> bool {
        let wanted: HashSet<&ProcessId> = deaths.iter().take(DEATHS_MAX).collect();
        self.processes.retain(|process, _| wanted.contains(process));
        for process in wanted {
            if self.processes.contains_key(process) {
                continue;
            }
            // First the descriptor, then the look: a pid that changes hands in between is told by its start.
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

    /// Watching what is watched already changes nothing. A missing file is not made here: a directory that is being
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
                // Events are lost: any bell may have rung, any file may have been made again.
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

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::testing::Helper;

    const AT_ONCE: Option<Duration> = Some(Duration::ZERO);
    const LONG: Option<Duration> = Some(Duration::from_secs(60));
    const TOPICS: [&str; 2] = ["mail", "work"];

    fn bells() -> (tempfile::TempDir, PathBuf, Bells) {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let dir = temporary.path().join("bells");
        std::fs::create_dir(&dir).expect("it is ours");
        let bells = Bells::new(&dir, &TOPICS, board(&dir)).expect("they are names");
        TOPICS.iter().for_each(|topic| drop(super::super::open_to_ring(&dir.join(topic), true).expect("makes")));
        (temporary, dir, bells)
    }

    fn board(bells: &Path) -> Option<Board> {
        Board::open(&bells.with_extension("board"), true).expect("opens")
    }

    fn listener(bells: &Bells, topics: &[&str]) -> Listener {
        Listener::new(bells, topics, board(&bells.dir)).expect("listens")
    }

    #[track_caller]
    fn check(listener: &mut Listener, timeout: Option<Duration>, woken: Woken) {
        assert_eq!(listener.wait(timeout, &[]).expect("waits"), woken);
    }

    #[test]
    fn a_ring_before_the_wait_is_kept_and_all_rings_are_one() {
        let (_temporary, _dir, bells) = bells();
        let mut listener = listener(&bells, &["work"]);
        check(&mut listener, AT_ONCE, Woken::TimedOut);
        (0..100).for_each(|_| bells.ring("work").expect("rings"));
        check(&mut listener, LONG, Woken::Rung);
        check(&mut listener, AT_ONCE, Woken::TimedOut);
    }

    #[test]
    fn other_topics_do_not_wake() {
        let (_temporary, dir, bells) = bells();
        let (mut mail, mut both) = (listener(&bells, &["mail"]), listener(&bells, &TOPICS));
        bells.ring("work").expect("rings");
        check(&mut mail, AT_ONCE, Woken::TimedOut);
        check(&mut both, AT_ONCE, Woken::Rung);
        std::fs::write(dir.join("other"), "").expect("writes");
        check(&mut both, Some(Duration::from_millis(5)), Woken::TimedOut);
        assert!(bells.ring("other").is_err(), "not a bell");
    }

    #[test]
    fn ringing_writes_nothing() {
        let (_temporary, dir, bells) = bells();
        let before = std::fs::metadata(dir.join("work")).expect("it is there");
        bells.ring("work").expect("rings");
        let after = std::fs::metadata(dir.join("work")).expect("it is there");
        assert_eq!((before.modified().ok(), before.len()), (after.modified().ok(), after.len()));
    }

    #[test]
    fn another_process_is_woken_each_time() {
        let (_temporary, dir, bells) = bells();
        let mut helper = Helper::start("bell", &dir);
        for _ in 0..50 {
            bells.ring("work").expect("rings");
            assert_eq!(helper.line(), "Rung");
        }
    }

    #[test]
    fn where_nobody_listens_no_bell_is_touched() {
        let (_temporary, dir, bells) = bells();
        std::fs::remove_file(dir.join("work")).expect("it is there");
        let mail = listener(&bells, &["mail"]);
        bells.ring("work").expect("rings");
        assert!(!dir.join("work").exists());
        drop(mail);
        let _work = listener(&bells, &["work"]);
        bells.ring("work").expect("rings");
        assert!(dir.join("work").exists());
    }

    #[test]
    fn deleted_files_are_made_again_and_heard() {
        let (_temporary, dir, bells) = bells();
        let mut early = listener(&bells, &["work"]);
        std::fs::remove_file(dir.join("work")).expect("it is there");
        let mut late = listener(&bells, &["work"]);
        check(&mut late, AT_ONCE, Woken::TimedOut);
        for _ in 0..2 {
            bells.ring("work").expect("rings");
            check(&mut early, LONG, Woken::Rung);
            check(&mut late, LONG, Woken::Rung);
        }
    }

    #[test]
    fn the_end_of_the_directory_is_noticed_and_stays() {
        for end in [|dir: &Path| std::fs::remove_dir_all(dir), |dir: &Path| std::fs::rename(dir, dir.with_extension("x"))] {
            let (_temporary, dir, bells) = bells();
            let mut listener = listener(&bells, &TOPICS);
            end(&dir).expect("it is ours");
            check(&mut listener, LONG, Woken::Gone);
            check(&mut listener, LONG, Woken::Gone);
            assert!(bells.ring("work").is_err());
            assert!(Listener::new(&bells, &TOPICS, None).is_err());
        }
    }

    #[test]
    fn deaths_wake_also_those_who_hear_no_bells() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat starts");
        let process = ProcessId::of(child.id()).expect("proc is ours").expect("it lives");
        let stranger = ProcessId { pid_namespace: "7".to_owned(), ..process.clone() };
        let (_temporary, _dir, bells) = bells();
        let (mut hears, mut deaf) = (listener(&bells, &TOPICS), Listener::deaf());
        let deaths = [stranger, process.clone()];
        assert_eq!(hears.wait(AT_ONCE, &deaths).expect("waits"), Woken::TimedOut);
        assert_eq!(deaf.wait(AT_ONCE, &deaths).expect("waits"), Woken::TimedOut);
        child.kill().expect("it is ours");
        assert_eq!(hears.wait(LONG, &deaths).expect("waits"), Woken::Died);
        child.wait().expect("it is ours");
        assert_eq!(deaf.wait(LONG, &deaths).expect("waits"), Woken::Died, "as long as it is asked about");
        assert_eq!(Listener::deaf().wait(LONG, &deaths).expect("waits"), Woken::Died, "dead before");
        assert_eq!(hears.wait(AT_ONCE, &deaths[..1]).expect("waits"), Woken::TimedOut);
        let of_old = ProcessId { boot_id: "old".to_owned(), ..process };
        assert_eq!(Listener::deaf().wait(None, &[of_old]).expect("waits"), Woken::Died);
    }

    #[test]
    fn many_processes_are_watched_up_to_the_limit() {
        let own = ProcessId::current().expect("Linux has /proc");
        let many: Vec<ProcessId> = (0..u64::try_from(DEATHS_MAX).expect("small") * 2)
            .map(|number| ProcessId { pid_namespace: number.to_string(), ..own.clone() })
            .collect();
        assert_eq!(Listener::deaf().wait(AT_ONCE, &many).expect("waits"), Woken::TimedOut);
    }
}
