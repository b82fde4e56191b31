//! Attributes of a tree. Git reads them from there by itself since 2.41; for an older one they are written into a directory that it takes for a
//! worktree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use super::git::MergeRepository;
use crate::program::GitFailed;

/// The oldest git that reads attributes from a tree (`GIT_ATTR_SOURCE`).
pub(super) const FROM_TREES: (u32, u32) = (2, 41);

/// The name of a file of attributes.
const FILE: &str = ".gitattributes";

/// A git that has the attributes of a tree. What it needs for that goes with it.
#[derive(Debug)]
pub(super) struct Attributed {
    pub(super) command: Command,
    /// Removed at the end.
    _files: Option<Files>,
}

/// The files of attributes of a tree, in a directory that is removed with this.
#[derive(Debug)]
struct Files(PathBuf);

impl Drop for Files {
    fn drop(&mut self) {
        // What stays behind is in nobody's way: the names are not used again while this process lives.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether a file says how others are merged.
pub(super) fn gives_attributes(path: &str) -> bool {
    path.rsplit('/').next() == Some(FILE)
}

impl MergeRepository {
    /// Git with the fixed settings and the attributes of this tree or commit.
    ///
    /// # Errors
    /// Git fails, or the directory for an older one cannot be written.
    pub(super) fn attributed(&self, args: &[&str], source: &str) -> Result<Attributed, GitFailed> {
        if self.version()? >= FROM_TREES {
            let mut command = self.git(args);
            command.env("GIT_ATTR_SOURCE", source);
            return Ok(Attributed { command, _files: None });
        }
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let files = Files(self.common_dir().join(format!("oarlock-attributes-{}-{n}", std::process::id())));
        self.write_attributes(source, &files.0)?;
        Ok(Attributed { command: self.git_at(Some(&files.0), args), _files: Some(files) })
    }

    fn write_attributes(&self, source: &str, dir: &Path) -> Result<(), GitFailed> {
        let failed = |error: std::io::Error| GitFailed::new(format!("{}: {error}", dir.display()));
        fs::create_dir_all(dir).map_err(failed)?;
        let listed = self.ask(&["ls-tree", "-r", "-z", source])?;
        for entry in listed.split('\0') {
            let Some((info, path)) = entry.split_once('\t').filter(|(_, path)| gives_attributes(path)) else { continue };
            let words: Vec<&str> = info.split(' ').collect();
            // A link, or a path out of the directory, which no tree of git has, gives none.
            let [_, "blob", object] = words[..] else { continue };
            let is_below = Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
            if !is_below || words[0] == "120000" {
                continue;
            }
            let file = dir.join(path);
            fs::create_dir_all(file.parent().unwrap_or(dir)).map_err(failed)?;
            fs::write(&file, self.ask(&["cat-file", "blob", object])?).map_err(failed)?;
        }
        Ok(())
    }
}
