//! The facts of a repository in git's own files: its common directory and its main worktree.
//!
//! They are read directly, as gitrepository-layout(5), git-worktree(1) and git-config(1) describe them: starting git would cost a
//! one-shot command more than all the rest.

use oarlock_host::file::canonical;
use std::fs;
use std::path::{Path, PathBuf};

use crate::worktree::top::DOT_GIT;

/// The longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A repository, as far as the places of what belongs to it depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The directory that was looked at: the top of a worktree, or the repository itself.
    top: PathBuf,
    /// The directory that all its worktrees share.
    common: PathBuf,
    /// Whether `top/.git` is that directory itself, and no link.
    is_plain: bool,
}

impl Repository {
    /// The repository that `dir` is the top of a worktree of, or that it is itself.
    #[must_use]
    pub fn at(dir: &Path) -> Option<Self> {
        let (dot_git, git_dir) = (dir.join(DOT_GIT), git_dir_of(dir));
        if git_dir.is_none() && dot_git.is_file() {
            return None;
        }
        let of = |git_dir: &Path| common_of(git_dir).filter(|common| is_git_dir(common));
        if let Some(common) = git_dir.as_deref().and_then(of) {
            let is_link = fs::symlink_metadata(&dot_git).is_ok_and(|found| found.is_symlink());
            let is_plain = dot_git.is_dir() && !is_link && !dot_git.join("commondir").exists();
            return Some(Self { top: dir.to_owned(), common, is_plain });
        }
        // Inside a repository's own directory.
        let common = common_of(dir).filter(|common| dir.join("HEAD").exists() && is_git_dir(common))?;
        Some(Self { top: dir.to_owned(), common, is_plain: false })
    }

    /// The directory that all its worktrees share, links resolved.
    pub(crate) fn common(&self) -> &Path {
        &self.common
    }

    /// The directory that a store of this repository lies in `.oarlock` of, from whichever worktree one looks.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        if self.is_plain {
            return self.top.clone();
        }
        match self.common.parent() {
            Some(beside) if self.common.file_name().is_some_and(|name| name == DOT_GIT) => beside.to_owned(),
            _ => self.main_worktree().unwrap_or_else(|| self.common.clone()),
        }
    }

    /// Other directories in which a store of this repository may have been made before, or may be taken for one.
    #[must_use]
    pub fn other_roots(&self) -> Vec<PathBuf> {
        let root = self.root();
        let mut others = vec![self.top.clone(), self.common.clone()];
        others.extend(self.main_worktree());
        if self.common.file_name().is_some_and(|name| name == DOT_GIT) {
            others.extend(self.common.parent().map(Path::to_owned));
        }
        let real = |path: &PathBuf| canonical(path).unwrap_or_else(|_| path.clone());
        others.retain(|other| real(other) != real(&root));
        others.sort();
        others.dedup();
        others
    }

    /// The worktree that `core.worktree` names, when it is there. Git moves the setting from `config` to `config.worktree` of the
    /// main worktree when each worktree is to have settings of its own.
    fn main_worktree(&self) -> Option<PathBuf> {
        let files = ["config.worktree", "config"].map(|name| self.common.join(name));
        let named = files.iter().find_map(|file| setting(&read(file)?, "core", "worktree"))?;
        canonical(&self.common.join(as_path(&named)?)).ok().filter(|worktree| worktree.is_dir())
    }
}

/// The top of the worktree that `dir` is in, and the file in which its repository lists what git is to ignore without any tracked file that says so.
#[must_use]
pub fn exclude_of(dir: &Path) -> Option<(PathBuf, PathBuf)> {
    let repository = dir.ancestors().find_map(Repository::at)?;
    Some((repository.top, repository.common.join("info").join("exclude")))
}

/// Where git keeps the index of the worktree with this top.
pub(crate) fn index_of(top: &Path) -> Option<PathBuf> {
    Some(git_dir_of(top)?.join("index"))
}

/// Git's own directory for the worktree with this top: its `.git`, or the directory that a file of this name names.
pub(crate) fn git_dir_of(top: &Path) -> Option<PathBuf> {
    let dot_git = top.join(DOT_GIT);
    let found = fs::metadata(&dot_git).ok()?;
    if found.is_dir() { Some(dot_git) } else { Some(top.join(path_in(&read(&dot_git)?, b"gitdir:")?)) }
}

/// The directory that all worktrees of a repository share, links resolved, by that of one of them.
fn common_of(git_dir: &Path) -> Option<PathBuf> {
    let common = match read(&git_dir.join("commondir")) {
        Some(text) => git_dir.join(path_in(&text, b"")?),
        None => git_dir.to_owned(),
    };
    canonical(&common).ok()
}

/// The directory that all worktrees of the repository share whose worktree has this top.
pub(crate) fn common_dir_around(top: &Path) -> Option<PathBuf> {
    common_of(&git_dir_of(top)?)
}

fn is_git_dir(dir: &Path) -> bool {
    dir.join("HEAD").exists() && dir.join("objects").is_dir()
}

fn read(file: &Path) -> Option<Vec<u8>> {
    let is_fine = fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() <= FILE_BYTES_MAX);
    is_fine.then(|| fs::read(file).ok())?
}

/// The path in a file of one line; the file may end its line as it likes, and a path may end with blanks.
fn path_in(text: &[u8], before: &[u8]) -> Option<PathBuf> {
    let path = text.strip_prefix(before)?;
    let start = path.iter().position(|b| *b != b' ').unwrap_or(path.len());
    let end = path.iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |last| last + 1);
    path.get(start..end).filter(|path| !path.is_empty()).and_then(as_path)
}

/// A path is bytes, in no certain encoding.
#[cfg(unix)]
fn as_path(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn as_path(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

/// A setting of a configuration file, the last one that is given (git-config(1), "Syntax"). Files that it includes are not read: git
/// itself takes `core.worktree` from the repository's own files.
fn setting(text: &[u8], section: &str, name: &str) -> Option<Vec<u8>> {
    let mut found = None;
    let mut is_in = false;
    let mut rest = text;
    while !rest.is_empty() {
        rest = skip_blanks(rest);
        match rest.first() {
            Some(b'[') => {
                let end = rest.iter().position(|b| matches!(b, b']' | b'\n')).unwrap_or(rest.len());
                // A section with a name of its own, in quotes, is another one.
                is_in = rest[1..end].eq_ignore_ascii_case(section.as_bytes());
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            Some(b) if b.is_ascii_alphabetic() => {
                let end = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'-')).unwrap_or(rest.len());
                let (key, behind) = rest.split_at(end);
                let (value, behind) = value_of(behind);
                if is_in && key.eq_ignore_ascii_case(name.as_bytes()) {
                    found = value.or(found);
                }
                rest = behind;
            }
            _ => rest = behind_line(rest),
        }
    }
    found
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(text.len());
    &text[start..]
}

fn behind_line(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|b| *b == b'\n').map_or(text.len(), |end| end + 1);
    &text[end..]
}

/// The value behind a name, without quotes, escapes and comments, and what follows its line. None for a name alone.
fn value_of(text: &[u8]) -> (Option<Vec<u8>>, &[u8]) {
    let start = text.iter().position(|b| !matches!(b, b' ' | b'\t')).unwrap_or(text.len());
    let Some(text) = text[start..].strip_prefix(b"=") else { return (None, behind_line(text)) };
    let (mut value, mut kept, mut quoted) = (Vec::new(), 0, false);
    let mut bytes = text.iter().copied().enumerate();
    let mut end = text.len();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\n' => {
                end = at + 1;
                break;
            }
            b'"' => quoted = !quoted,
            b'\\' => match bytes.next().map(|(_, escaped)| escaped) {
                // The value goes on in the next line.
                Some(b'\n') => continue,
                Some(b'n') => value.push(b'\n'),
                Some(b't') => value.push(b'\t'),
                Some(b'b') => value.push(8),
                Some(other) => value.push(other),
                None => {}
            },
            b'#' | b';' if !quoted => {
                end = at + (text.len() - at - behind_line(&text[at..]).len());
                break;
            }
            blank if blank.is_ascii_whitespace() && !quoted => {
                // Blanks count between words, and not at the ends.
                if !value.is_empty() {
                    value.push(blank);
                }
                continue;
            }
            other => value.push(other),
        }
        kept = value.len();
    }
    value.truncate(kept);
    (Some(value), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worktree(text: &str) -> Option<String> {
        setting(text.as_bytes(), "core", "worktree").map(|value| String::from_utf8(value).expect("UTF-8"))
    }

    #[test]
    fn a_setting_is_read_as_git_reads_it() {
        for (text, expected) in [
            ("[core]\n\tworktree = ../../../sub\n", Some("../../../sub")),
            ("[CORE]\nWorkTree=a b  \n", Some("a b")),
            ("[core] worktree = x ; why\n", Some("x")),
            ("[core]\nworktree = \"a # b\" # comment\nbare = false", Some("a # b")),
            ("[core]\nworktree = \"a \\\"b\\\\\"\n", Some("a \"b\\")),
            ("[core]\nworktree = one\\\n two\n", Some("one two")),
            ("[core]\nworktree = a\n[core]\n\tworktree = b\r\n", Some("b")),
            ("[core]\n# worktree = no\n; worktree = no\n", None),
            ("[core \"x\"]\nworktree = no\n[remote]\nworktree = no\n", None),
            ("[core]\nworktrees = no\n[branch \"a]\"]\nworktree = no\n", None),
            ("[core]\nworktree\n", None),
            ("worktree = no", None),
            ("[core", None),
            ("[core]\nworktree = \"open", Some("open")),
        ] {
            assert_eq!(worktree(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_path_in_a_file_is_bytes_up_to_its_line_end() {
        assert_eq!(path_in(b"gitdir: ../x y \n", b"gitdir:"), Some(PathBuf::from("../x y ")));
        assert_eq!(path_in(b"../..\r\n", b""), Some(PathBuf::from("../..")));
        assert_eq!(path_in(b"gitdir:\n", b"gitdir:"), None);
        assert_eq!(path_in(b"nonsense", b"gitdir:"), None);
        #[cfg(unix)]
        assert_eq!(path_in(b"gitdir: /a\xff\n", b"gitdir:"), as_path(b"/a\xff"));
    }
}
