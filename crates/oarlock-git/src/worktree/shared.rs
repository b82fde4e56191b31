//! The files that agents' worktrees share with the caller's: files that git does not have, such as `.env` or installed dependencies.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use oarlock_host::file::{Links, WithoutTraps as _, canonical, make_link, read_small};

use super::refusal::Refusal;
use super::top::{DOT_GIT, slashed};

/// The longest list of ignored paths that is read, in bytes.
const EXCLUDE_BYTES_MAX: u64 = 1 << 20;
/// Files and directories that are copied for one worktree at most.
const COPIES_MAX: usize = 100_000;
/// How deep copied directories may be.
const DEPTH_MAX: usize = 64;

/// Paths that worktrees share, from the top of the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// Linked: a change in one worktree is seen in all.
    pub link: Vec<String>,
    /// Copied when they are missing: each worktree has its own.
    pub copy: Vec<String>,
}

impl Shared {
    /// Whether this is a path inside a repository that worktrees may share, as far as its text reports.
    #[must_use]
    pub fn is_path(path: &str) -> bool {
        relative(path).is_some()
    }

    /// All of them.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.link.iter().chain(&self.copy).map(String::as_str)
    }

    /// Puts into the worktree `to` what of these paths is in `from` and missing in `to`; tracked files are there already and stay.
    ///
    /// # Errors
    /// A path leads out of the repository, or cannot be linked or copied.
    pub(crate) fn put(&self, from: &Path, to: &Path) -> Result<(), Refusal> {
        let fix = "correct `[worktree]` in .oarlock/config.toml";
        for (path, is_link) in self.link.iter().map(|path| (path, true)).chain(self.copy.iter().map(|path| (path, false))) {
            let wrong = |why: &str| Refusal::of_worktree(format!("the shared path {path:?} {why}"), fix);
            let inside = relative(path).ok_or_else(|| wrong("is not a path inside the repository"))?;
            let (source, place) = (from.join(&inside), to.join(&inside));
            if source.symlink_metadata().is_err() || place.symlink_metadata().is_ok() {
                continue;
            }
            let real = canonical(&source).map_err(|error| wrong(&format!("cannot be reached: {error}")))?;
            let is_inside = real.strip_prefix(from).is_ok_and(|inside| !is_reserved(inside));
            if !is_inside {
                return Err(wrong(&format!("leads to {}, outside of the repository", real.display())));
            }
            let dir = place.parent().unwrap_or(to);
            let made = fs::create_dir_all(dir).and_then(|()| canonical(dir)).and_then(|dir| match dir.starts_with(to) {
                true if is_link => make_link(&real, &place),
                true => copy(&real, &place, DEPTH_MAX, &mut 0),
                false => {
                    Err(io::Error::new(io::ErrorKind::InvalidInput, "its place in the worktree is behind a link that leads out of it"))
                }
            });
            made.map_err(|error| wrong(&format!("cannot be put into {}: {error}", to.display())))?;
        }
        Ok(())
    }

    /// Has git ignore the linked paths in every worktree: a pattern such as `node_modules/` ignores directories, and no links to them.
    ///
    /// # Errors
    /// The list cannot be read or written.
    pub(crate) fn hide(&self, common: &Path) -> Result<(), Refusal> {
        let lines: Vec<String> =
            self.paths().filter_map(relative).filter_map(|path| slashed(&path)).map(|path| format!("/{}", escaped(&path))).collect();
        let exclude = common.join("info").join("exclude");
        let failed = |error: &dyn std::fmt::Display| {
            Refusal::of_worktree(
                format!("{} cannot be changed: {error}", exclude.display()),
                "it hides shared paths from git: make it writable",
            )
        };
        let known = match read_small(&exclude, EXCLUDE_BYTES_MAX, Links::Refused) {
            Ok(bytes) => String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned(),
            Err(_) => return Err(failed(&"it is not a small regular file")),
        };
        let missing: Vec<&String> = lines.iter().filter(|line| !known.lines().any(|known| known == *line)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut text = if known.is_empty() || known.ends_with('\n') { String::new() } else { "\n".to_owned() };
        missing.iter().for_each(|line| text.push_str(&format!("{line}\n")));
        let write = || {
            fs::create_dir_all(common.join("info"))?;
            OpenOptions::new().create(true).append(true).made_with(0o644).without_traps().open(&exclude)?.write_all(text.as_bytes())
        };
        write().map_err(|error| failed(&error))
    }
}

/// A path inside the repository and not of git's or our own directory, as it is given; none for anything else.
fn relative(path: &str) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => clean.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!clean.as_os_str().is_empty() && !is_reserved(&clean) && !path.contains(['\n', '\r', '\0'])).then_some(clean)
}

/// Whether git's own directory or that of projects is meant, or all of the worktree.
fn is_reserved(inside: &Path) -> bool {
    inside.components().next().is_none_or(|first| [DOT_GIT, ".oarlock"].iter().any(|name| first.as_os_str().eq_ignore_ascii_case(name)))
}

/// Copies a file or directory. Links are copied as they are, and not what they lead to.
fn copy(from: &Path, to: &Path, depth: usize, copied: &mut usize) -> io::Result<()> {
    *copied += 1;
    if *copied > COPIES_MAX || depth == 0 {
        return Err(io::Error::other(format!("it has more than {COPIES_MAX} files, or is deeper than {DEPTH_MAX} directories: link it")));
    }
    let found = from.symlink_metadata()?;
    if found.is_symlink() {
        make_link(&fs::read_link(from)?, to)
    } else if found.is_dir() {
        fs::create_dir(to)?;
        fs::read_dir(from)?
            .try_for_each(|entry| entry.and_then(|entry| copy(&entry.path(), &to.join(entry.file_name()), depth - 1, copied)))
    } else if found.is_file() {
        fs::copy(from, to).map(drop)
    } else {
        Ok(())
    }
}

/// A path in which nothing is a pattern of git's.
fn escaped(path: &str) -> String {
    path.chars().flat_map(|c| ["\\*?[ ".contains(c).then_some('\\'), Some(c)]).flatten().collect()
}
