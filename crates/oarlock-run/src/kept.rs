//! Results that could not be handed in, kept in files until the next worker of the same store starts.
//!
//! A file is for its owner only and has a name of ours: no user's text is in it. It is written whole or not at all, and locked by who reads it,
//! so that of several workers one hands it in.

mod deliver;

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use oarlock_host::file::{self as host_file, WithoutTraps};
use oarlock_model::{AgentName, SessionId, TaskId, Token, limits};
use serde::{Deserialize, Serialize};

pub(crate) use deliver::{deliver_all, note_of};

/// The form of the files; others are left alone.
const FORMAT: u32 = 1;
/// The longest file that is read: a result of control characters is six times as long in JSON.
const FILE_BYTES_MAX: u64 = 6 * limits::BODY_BYTES_MAX as u64 + (64 << 10);
/// Files of one directory that are looked at, of one store; the rest waits for the next start.
const FILES_MAX: usize = 1_000;

/// The result of an attempt that finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    format: u32,
    /// The store, for people.
    pub(crate) store: String,
    pub(crate) task: TaskId,
    pub(crate) title: String,
    /// When the task was made: another task of this id, in a store that was made again, is not meant.
    pub(crate) created_at: String,
    pub(crate) agent: AgentName,
    pub(crate) session: SessionId,
    /// Its fence.
    pub(crate) token: Token,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<String>,
}

/// Where results of one store are kept.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    /// The best place first.
    dirs: Vec<PathBuf>,
    /// The common part of the names of the store's files.
    prefix: String,
}

/// A kept result that nobody else hands in.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) kept: Kept,
    pub(crate) path: PathBuf,
    /// Locked.
    _file: File,
}

impl Kept {
    /// A result to be kept.
    pub(crate) fn new(store: String, held: &crate::attempt::Held, session: &SessionId, result: Option<String>) -> Option<Self> {
        let (task, title, created_at, token) = (held.id.clone(), held.title.clone(), held.created_at.clone(), held.token);
        Some(Self { format: FORMAT, store, task, title, created_at, agent: session.agent()?, session: session.clone(), token, result })
    }
}

impl Shelf {
    /// The places for the results of the store in this file, the best first.
    pub(crate) fn new(store_file: &Path, dirs: Vec<PathBuf>) -> Self {
        // A store that is gone later has no path without links any more: this is asked while it is there.
        let file = host_file::canonical(store_file).unwrap_or_else(|_| store_file.to_owned());
        Self { dirs, prefix: format!("oarlock-result-{:016x}-", fnv1a(file.as_os_str().as_encoded_bytes())) }
    }

    /// Keeps a result in the first place that can be written: where.
    pub(crate) fn keep(&self, kept: &Kept) -> Option<PathBuf> {
        let text = serde_json::to_string(kept).ok()?;
        let name = format!("{}{}.json", self.prefix, kept.token);
        self.dirs.iter().find_map(|dir| {
            let path = dir.join(&name);
            write_private(dir, &path, text.as_bytes()).ok().map(|()| path)
        })
    }

    /// Keeps a result under a name by which no worker hands it in: where.
    pub(crate) fn keep_for_people(&self, kept: &Kept) -> Option<PathBuf> {
        let path = self.keep(kept)?;
        let aside = aside(&path);
        std::fs::rename(&path, &aside).ok().map(|()| aside)
    }

    /// The results that are kept, and not just being handed in by somebody else. Foreign or unreadable files are left alone.
    pub(crate) fn kept(&self) -> Vec<Found> {
        let names = |dir: &PathBuf| {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            let ours = entries.filter(|entry| self.is_ours(&entry.file_name())).take(FILES_MAX);
            ours.map(|entry| entry.path()).collect::<Vec<_>>()
        };
        self.dirs.iter().flat_map(names).filter_map(read).collect()
    }

    fn is_ours(&self, name: &OsStr) -> bool {
        name.to_str().and_then(|name| name.strip_prefix(&self.prefix)?.strip_suffix(".json")?.parse::<u64>().ok()).is_some()
    }
}

impl Found {
    /// It is handed in: nobody needs the file.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// It stays for people, under a name by which no worker finds it: where.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub(crate) fn set_aside(&self) -> io::Result<PathBuf> {
        let path = aside(&self.path);
        std::fs::rename(&self.path, &path).map(|()| path)
    }
}

/// The name of a file that stays for people.
fn aside(path: &Path) -> PathBuf {
    path.with_extension("noted.json")
}

fn read(path: PathBuf) -> Option<Found> {
    let file = OpenOptions::new().read(true).write(true).without_traps().open(&path).ok()?;
    let found = file.metadata().ok()?;
    if !found.is_file() || !host_file::is_for_owner_only(&found) || found.len() > FILE_BYTES_MAX {
        return None;
    }
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return None,
    }
    // Who had the lock before may have handed it in.
    if host_file::links(&file).ok()? == 0 {
        return None;
    }
    let mut text = String::new();
    Read::take(&file, FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    let kept: Kept = serde_json::from_str(&text).ok()?;
    (kept.format == FORMAT).then_some(Found { kept, path, _file: file })
}

/// Writes a file for its owner only, in one step and through a loss of power.
fn write_private(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).made_with(0o600).without_traps().open(&partial).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()?;
        std::fs::rename(&partial, path)?;
        // The name is there; where directories cannot be synced, the journal of the file system has to do.
        let _ = host_file::sync_dir(dir);
        Ok(())
    });
    if written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        let _ = std::fs::remove_file(&partial);
    }
    written
}

/// A number for a path (the hash FNV-1a, 64 bits). Two stores with one number would only look at each other's files, and find tasks and
/// tokens in them that are not theirs.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::task_id;
    use std::fs;

    fn kept(token: u64) -> Kept {
        Kept {
            format: FORMAT,
            store: "sqlite:/x".into(),
            task: task_id("T-1"),
            title: "t".into(),
            created_at: "2026-01-01T00:00:00.000Z".into(),
            agent: "ada".parse().expect("a name"),
            session: "ada.2".parse().expect("a session"),
            token: Token(token),
            result: Some("a\u{1}b".into()),
        }
    }

    #[test]
    fn a_result_is_kept_in_the_first_place_that_can_be_written_and_found_again() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (file, there) = (dir.path().join("oarlock.db"), dir.path().join("there"));
        fs::create_dir(&there).expect("a new directory");
        let shelf = Shelf::new(&file, vec![dir.path().join("missing"), file.join("no-directory"), there.clone()]);
        let path = shelf.keep(&kept(5)).expect("the third can be written");
        assert_eq!(path.parent(), Some(there.as_path()));
        assert!(host_file::is_for_owner_only(&path.metadata().expect("it is there")));
        assert!(path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("-5.json")), "{path:?}");
        assert_eq!(fs::read_dir(&there).expect("ours").count(), 1, "nothing else is left");
        let mut found = shelf.kept();
        assert_eq!((found.len(), &found[0].kept), (1, &kept(5)));
        assert!(shelf.kept().is_empty(), "who has it locks it");
        found.remove(0).remove().expect("ours");
        assert!(shelf.kept().is_empty());
    }

    #[test]
    fn what_is_not_a_result_of_this_store_is_left_alone() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let shelf = Shelf::new(&dir.path().join("oarlock.db"), vec![dir.path().to_owned()]);
        let other = Shelf::new(&dir.path().join("other.db"), vec![dir.path().to_owned()]);
        other.keep(&kept(1)).expect("it can be written");
        let aside = shelf.keep(&kept(2)).expect("it can be written");
        shelf.kept().remove(0).set_aside().expect("ours");
        let open = shelf.keep(&kept(3)).expect("it can be written");
        host_file::set_mode(&File::open(&open).expect("it is there"), 0o644).expect("ours");
        fs::write(dir.path().join(format!("{}4.json", shelf.prefix)), "{").expect("ours");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&open, dir.path().join(format!("{}6.json", shelf.prefix))).expect("ours");
        if cfg!(unix) {
            assert!(shelf.kept().is_empty(), "{:?}", shelf.kept());
        }
        assert!(!aside.exists());
    }

    #[test]
    fn nothing_can_be_kept_where_nothing_can_be_written() {
        assert_eq!(Shelf::new(Path::new("/x"), vec!["/no/such/directory".into()]).keep(&kept(1)), None);
    }
}
