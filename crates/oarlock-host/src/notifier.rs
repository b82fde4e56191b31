//! Doorbells: they wake waiters in other processes after a commit, without a daemon and without asking again and
//! again. They carry no news: anyone who is woken reads the store.

use std::io;
use std::path::{Path, PathBuf};

pub use crate::system::listener::Listener;

use crate::file;
use crate::shared_state::SharedState;
use crate::system::notifier::strike;

/// The most topics of one set of notifiers.
pub const TOPICS_MAX: usize = 32;

/// The most processes whose death one wait notices; further ones are left to the caller's re-check.
pub const DEATHS_MAX: usize = 256;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// A notifier rang, perhaps more than once, perhaps without news: look again.
    Rung,
    /// One of the processes is dead. The next wait says so again while it is asked about it.
    Died,
    /// The time is over.
    TimedOut,
    /// A signal came to this thread, and its handler has run; or, where waits do not report signals, one may have come.
    Interrupted,
    /// The directory of the notifiers was deleted, moved or unmounted: nothing will ring any more.
    Gone,
}

/// The ringing side: a directory with an empty file for each topic that was ever rung, and a shared state that shows who listens.
///
/// On Linux a notifier is rung by opening its file for writing and closing it: inotify(7) reports that (`IN_CLOSE_WRITE`), and nothing on
/// the disk becomes dirty, because nothing is written and no time of the file changes. Two system calls, and none when
/// nobody listens. Elsewhere the time of the file changes, and listeners look at it.
#[derive(Clone, Debug)]
pub struct Notifiers {
    pub(crate) dir: PathBuf,
    topics: Vec<String>,
    shared_state: Option<SharedState>,
}

impl Notifiers {
    /// The notifiers of a directory. Without a shared state, each of them is rung whether or not somebody listens.
    ///
    /// # Errors
    /// A topic cannot be a file name, or there are more than [`TOPICS_MAX`].
    pub fn new(dir: &Path, topics: &[&str], shared_state: Option<SharedState>) -> io::Result<Self> {
        if topics.len() > TOPICS_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("more than {TOPICS_MAX} topics")));
        }
        topics.iter().try_for_each(|topic| file::check_name(topic))?;
        Ok(Self { dir: dir.to_owned(), topics: topics.iter().map(|topic| (*topic).to_owned()).collect(), shared_state })
    }

    /// Makes the directory (mode 0700) where it is missing; not the one around it, which may just be going away.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make_dir(&self) -> io::Result<()> {
        match file::private_dir().create(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// Wakes all who listen to the topic. Ring after the commit, never before it: those who are woken look at once. A file
    /// that is missing is made, which the listeners hear as well.
    ///
    /// # Errors
    /// The topic is not one of these notifiers, or the file cannot be opened or made (the directory is gone). The commit is
    /// anyway, and the waiters' slow re-check finds it.
    pub fn ring(&self, topic: &str) -> io::Result<()> {
        let bit = self.bit(topic)?;
        if self.shared_state.as_ref().is_some_and(|shared_state| !shared_state.is_heard(bit)) {
            return Ok(());
        }
        let path = self.dir.join(topic);
        match strike(&path, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                strike(&path, true)?;
                // Should it stay root's, its owner's waiters look for themselves.
                let _ = file::own_like(&path, &self.dir);
                Ok(())
            }
            result => result,
        }
    }

    /// The bit of a topic on the shared state.
    pub(crate) fn bit(&self, topic: &str) -> io::Result<u32> {
        let index = self.topics.iter().position(|own| own == topic);
        index.map(|index| 1 << index).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("no notifier for {topic:?}")))
    }
}

#[cfg(test)]
mod tests;
