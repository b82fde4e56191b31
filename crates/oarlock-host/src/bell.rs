//! Doorbells: they wake waiters in other processes after a commit, without a daemon and without asking again and
//! again. They carry no news: whoever is woken reads the store.

mod listener;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub use listener::{DEATHS_MAX, Listener, Woken};

use crate::small_file;

/// The most topics of one set of bells.
pub const TOPICS_MAX: usize = 64;

/// The ringing side: a directory with one empty file for each topic.
///
/// A bell is rung by opening its file for writing and closing it: inotify(7) reports that (`IN_CLOSE_WRITE`), and nothing on
/// the disk becomes dirty, because nothing is written and no time of the file changes. Two system calls.
#[derive(Clone, Debug)]
pub struct Bells {
    dir: PathBuf,
    topics: Vec<String>,
}

impl Bells {
    /// The bells of a directory, which is made (mode 0700) with its files where they are missing.
    ///
    /// # Errors
    /// A topic cannot be a file name, there are more than [`TOPICS_MAX`], or a file cannot be made.
    pub fn open(dir: &Path, topics: &[&str]) -> io::Result<Self> {
        check_topics(topics)?;
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let bells = Self { dir: dir.to_owned(), topics: topics.iter().map(|topic| (*topic).to_owned()).collect() };
        for topic in topics {
            open_to_ring(&bells.dir.join(topic), true)?;
        }
        Ok(bells)
    }

    /// Wakes all who listen to the topic. Ring after the commit, never before it: those who are woken look at once. A file
    /// that was deleted is made again, which the listeners hear as well.
    ///
    /// # Errors
    /// The topic is not one of these bells, or the file cannot be opened or made (the directory is gone). The commit stands
    /// all the same, and the waiters' slow re-check finds it.
    pub fn ring(&self, topic: &str) -> io::Result<()> {
        if !self.topics.iter().any(|own| own == topic) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no bell {topic:?}")));
        }
        let path = self.dir.join(topic);
        match open_to_ring(&path, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => open_to_ring(&path, true),
            result => result,
        }
        .map(drop)
    }
}

/// Never through a symlink, and never waiting should somebody have put a pipe there.
fn open_to_ring(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(create).mode(0o666).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path)
}

fn check_topics(topics: &[&str]) -> io::Result<()> {
    if topics.len() > TOPICS_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("more than {TOPICS_MAX} topics")));
    }
    topics.iter().try_for_each(|topic| small_file::check_name(topic))
}
