//! One agent's worktree: where it is, who uses it, and how far its last attempt got.
//!
//! Beside the worktree `NAME` is the file `.lock-NAME`, locked by the process that uses it and by every git that this starts, and
//! `.state-NAME`, written before each step, so that after a kill at any point the next one knows what the worktree holds. Names of agents
//! begin with a letter or digit, so none of them is one of these files.

use std::cell::OnceCell;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::file::{Links, WithoutTraps as _, canonical, read_small};

use super::leave::{End, settle};
use super::names::check_dir;
use super::refusal::Refusal;
use super::repo::Worktrees;
use super::top::DOT_GIT;
use crate::program::{Git, GitFailed};
use crate::repository::{Repository, git_dir_of};

/// How long a worktree that somebody else uses is waited for: an attempt that lost its task is about to end.
pub(crate) const IN_USE_MAX: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 10_000 });
/// How often it is looked at meanwhile.
pub(crate) const LOOK: Duration = Duration::from_millis(50);
/// How long a lock file of git may stay before it counts as left by a git that was killed: whatever could hold it has ended.
const GIT_LOCK_MAX: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 2_000 });
/// How old a lock that all worktrees share may be: the longest that git has it is while it packs the references of a large repository.
const SHARED_LOCK_MAX: Duration = Duration::from_secs(10 * 60);
/// The lock for making and removing worktrees. No agent has this name: it would end with a dot.
const TURN: &str = "making.";
/// How long another process may take to make one: a large repository takes many seconds, and its hooks run, too.
const TURN_MAX: Duration = Duration::from_secs(60);
/// The longest such file that is read, in bytes.
const STATE_BYTES_MAX: u64 = 64 << 10;

/// How far the last attempt in a worktree got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is being made, and holds nothing of anybody.
    Making,
    /// It was clean and is being moved to this commit.
    Switching(String),
    /// A task is worked on in it.
    Working(Working),
}

/// A task that is worked on in a worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Working {
    /// Its id.
    pub(crate) task: String,
    /// Its branch.
    pub(crate) branch: String,
    /// The commit that the attempt began at.
    pub(crate) start: String,
    /// Its title, for the subjects of commits.
    pub(crate) title: String,
}

/// One agent's worktree, which nobody else uses while this lives.
#[derive(Debug)]
pub struct Place {
    pub(crate) name: String,
    /// Its top.
    pub(crate) dir: PathBuf,
    pub(crate) common: PathBuf,
    state: PathBuf,
    lock: Arc<File>,
    /// The committer's name and mail for git, where its configuration has none.
    identity: OnceCell<Vec<(&'static str, String)>>,
}

impl Worktrees {
    /// Takes an agent's worktree, which need not be there. It is waited for if another process is about to leave it.
    ///
    /// # Errors
    /// The name cannot be that of a directory, the directory cannot be written, or another process goes on using it.
    pub fn take(&self, agent: &str) -> Result<Place, Refusal> {
        self.make_home()?;
        let place = self.try_take(agent, IN_USE_MAX)?.ok_or_else(|| {
            Refusal::of_worktree(
                format!("the worktree {} is in use by another process", self.home.join(agent).display()),
                "end that process, or take another name with --as",
            )
        })?;
        // A dead attempt lets go of its branch now: another agent may get that task before this one gets any. What fails here fails again when
        // an attempt begins, and is said then.
        if let (true, Ok(Some(State::Working(work)))) = (place.is_made(), place.state()) {
            let _ = settle(&place, &work, End::Unfinished, true, None);
        }
        Ok(place)
    }

    /// The same, without waiting longer than `patience`; none when it is in use.
    pub(crate) fn try_take(&self, agent: &str, patience: Duration) -> Result<Option<Place>, Refusal> {
        check_dir(agent)?;
        take_in(&self.home, &self.common, agent, patience)
    }

    #[cfg(test)]
    pub(crate) fn try_take_now(&self, agent: &str) -> Option<Place> {
        self.try_take(agent, Duration::ZERO).ok().flatten()
    }
}

/// The turn to make or remove a worktree: one at a time, because git's own locks fail at once when somebody else has them, and its files are
/// read while they are written.
pub(crate) fn turn(home: &Path, common: &Path) -> Result<Place, Refusal> {
    take_in(home, common, TURN, TURN_MAX)?.ok_or_else(|| {
        Refusal::of_worktree(
            format!("another process has been making or removing a worktree in {} for a minute", home.display()),
            "check whether git or one of its hooks hangs",
        )
    })
}

/// Takes the worktree of this name in `home`.
pub(crate) fn take_in(home: &Path, common: &Path, name: &str, patience: Duration) -> Result<Option<Place>, Refusal> {
    let path = home.join(format!(".lock-{name}"));
    let failed = |error: io::Error| {
        Refusal::of_worktree(format!("{} cannot be locked: {error}", path.display()), "make the directory writable for this user")
    };
    let file = OpenOptions::new().create(true).read(true).append(true).made_with(0o600).without_traps().open(&path).map_err(failed)?;
    let until = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return Ok(None),
            Err(TryLockError::WouldBlock) => thread::sleep(LOOK),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    let (dir, state) = (home.join(name), home.join(format!(".state-{name}")));
    Ok(Some(Place { name: name.to_owned(), dir, common: common.to_owned(), state, lock: Arc::new(file), identity: OnceCell::new() }))
}

impl Place {
    /// Git in this worktree.
    pub(crate) fn git(&self) -> Git {
        self.git_at(&self.dir)
    }

    /// Git elsewhere, with our lock.
    pub(crate) fn git_at(&self, dir: &Path) -> Git {
        Git::at(dir).holding(&self.lock)
    }

    /// The same, which can commit: where the configuration names nobody, the agent does.
    ///
    /// # Errors
    /// Git fails.
    pub(crate) fn author(&self, git: Git) -> Result<Git, GitFailed> {
        if self.identity.get().is_none() {
            let known = identity_in(&git)?;
            let address = format!("{}@oarlock.invalid", self.name);
            let of = |role: &str| {
                !known.iter().any(|key| *key == format!("{role}.name") || key == "user.name")
                    || !known.iter().any(|key| *key == format!("{role}.email") || key == "user.email")
            };
            let mut variables = Vec::new();
            if of("author") && !is_in_environment("AUTHOR") {
                variables.extend([("GIT_AUTHOR_NAME", self.name.clone()), ("GIT_AUTHOR_EMAIL", address.clone())]);
            }
            if of("committer") && !is_in_environment("COMMITTER") {
                variables.extend([("GIT_COMMITTER_NAME", self.name.clone()), ("GIT_COMMITTER_EMAIL", address)]);
            }
            // Only this thread sets it.
            let _ = self.identity.set(variables);
        }
        let variables = self.identity.get().into_iter().flatten();
        Ok(variables.fold(git, |git, (name, value)| git.with(*name, value)))
    }

    /// How far the last attempt got; none when it was left in order.
    ///
    /// # Errors
    /// The file cannot be read, or is none of ours.
    pub(crate) fn state(&self) -> Result<Option<State>, Refusal> {
        let wrong = || {
            Refusal::of_worktree(
                format!("{} cannot be read", self.state.display()),
                format!("save what {} holds, then remove that file", self.dir.display()),
            )
        };
        let Some(bytes) = read_small(&self.state, STATE_BYTES_MAX, Links::Refused).map_err(|_| wrong())? else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        let mut lines = text.lines();
        let mut next = || lines.next().map(str::to_owned);
        let state = match next().as_deref() {
            Some("making") => Some(State::Making),
            Some("switching") => next().map(State::Switching),
            Some("working") => match (next(), next(), next(), next()) {
                (Some(task), Some(branch), Some(start), Some(title)) => Some(State::Working(Working { task, branch, start, title })),
                _ => None,
            },
            _ => None,
        };
        state.map(Some).ok_or_else(wrong)
    }

    /// Notes the next step, before it is made.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn note(&self, state: &State) -> Result<(), Refusal> {
        let line = |text: &str| text.replace(['\n', '\r'], " ");
        let text = match state {
            State::Making => "making\n".to_owned(),
            State::Switching(commit) => format!("switching\n{commit}\n"),
            State::Working(work) => format!("working\n{}\n{}\n{}\n{}\n", work.task, work.branch, work.start, line(&work.title)),
        };
        let temporary = self.state.with_file_name(format!(".new-state-{}", self.name));
        let write = || {
            // A file that a killed process left under this name.
            let _ = fs::remove_file(&temporary);
            OpenOptions::new()
                .create_new(true)
                .write(true)
                .made_with(0o600)
                .without_traps()
                .open(&temporary)?
                .write_all(text.as_bytes())?;
            fs::rename(&temporary, &self.state)
        };
        write().map_err(|error| {
            Refusal::of_worktree(
                format!("{} cannot be written: {error}", self.state.display()),
                "make room, and make the directory writable",
            )
        })
    }

    /// The worktree is in order.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(crate) fn note_free(&self) -> Result<(), Refusal> {
        match fs::remove_file(&self.state) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Refusal::of_worktree(
                format!("{} cannot be removed: {error}", self.state.display()),
                "make the directory writable for this user",
            )),
            _ => Ok(()),
        }
    }

    /// Whether the directory is a worktree of this repository, as git would find it from there. A directory without a `.git` of its own
    /// is not: git would find the repository around it, and work on the caller's files.
    pub(crate) fn is_made(&self) -> bool {
        let is_file = self.dir.join(DOT_GIT).symlink_metadata().is_ok_and(|found| found.is_file());
        let is_dir = self.dir.symlink_metadata().is_ok_and(|found| found.is_dir());
        is_dir && is_file && Repository::at(&self.dir).is_some_and(|found| found.common() == self.common) && self.is_known()
    }

    /// Whether the repository knows the worktree by this directory, and not by that of which it is a copy.
    fn is_known(&self) -> bool {
        let Some(admin) = git_dir_of(&self.dir) else { return false };
        let named = read_small(&admin.join("gitdir"), STATE_BYTES_MAX, Links::Refused)
            .ok()
            .flatten()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let real = |path: &Path| path.parent().and_then(|dir| canonical(dir).ok());
        named.is_some_and(|named| real(&admin.join(named.trim_end_matches(['\n', '\r']))) == canonical(&self.dir).ok())
    }

    /// Removes locks of git that were left by a git which was killed. Nothing else works here: the agent's lock is ours.
    pub(crate) fn free_git_locks(&self, branch: Option<&str>) {
        free_old_lock(&self.common.join("packed-refs.lock"));
        let Some(admin) = git_dir_of(&self.dir) else { return };
        // Those of the index, of HEAD, and of what merges keep beside them (`AUTO_MERGE`, `ORIG_HEAD`): all are of this worktree alone.
        let is_lock = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "lock");
        let mut locks: Vec<PathBuf> =
            fs::read_dir(&admin).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_lock).collect();
        locks.extend(branch.map(|branch| self.common.join("refs").join("heads").join(format!("{branch}.lock"))));
        let until = Instant::now() + GIT_LOCK_MAX;
        for lock in locks {
            while lock.symlink_metadata().is_ok() {
                if Instant::now() >= until {
                    // What cannot be removed git complains about, with its name.
                    let _ = fs::remove_file(&lock);
                    break;
                }
                thread::sleep(LOOK);
            }
        }
    }
}

/// Removes a lock that all worktrees share, if it is older than any git that could have it: one that was killed in a merge leaves it, and then no git
/// deletes a reference any more.
fn free_old_lock(lock: &Path) {
    let age = lock.symlink_metadata().and_then(|found| found.modified()).ok().and_then(|at| at.elapsed().ok());
    if age.is_some_and(|age| age > SHARED_LOCK_MAX) {
        // If it stays, git says so.
        let _ = fs::remove_file(lock);
    }
}

/// The keys by which the configuration names who commits.
fn identity_in(git: &Git) -> Result<Vec<String>, GitFailed> {
    let answer = git.run(&["config", "--name-only", "--get-regexp", r"^(user|author|committer)\.(name|email)$"])?;
    match answer.code {
        Some(0 | 1) => Ok(answer.printed.lines().map(str::to_ascii_lowercase).collect()),
        _ => Err(answer.failed()),
    }
}

fn is_in_environment(role: &str) -> bool {
    ["NAME", "EMAIL"].iter().all(|part| std::env::var_os(format!("GIT_{role}_{part}")).is_some_and(|value| !value.is_empty()))
}
