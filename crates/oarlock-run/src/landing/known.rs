//! Trees that have passed a test: one empty file for each tree and test. The tree is the tested thing, whatever commit has it, so the same tree is
//! not tested twice. Failures are not kept: they may come from the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oarlock_model::landing::ObjectId;

use super::lock::digest;

/// Files that are kept; beyond that the whole is forgotten.
const KEPT_MAX: usize = 10_000;

#[derive(Debug)]
pub(super) struct Known {
    dir: PathBuf,
    test: String,
}

impl Known {
    pub(super) fn new(landing_dir: &Path, test: &str) -> Self {
        let dir = landing_dir.join("passed");
        if fs::read_dir(&dir).is_ok_and(|files| files.count() > KEPT_MAX) {
            let _ = fs::remove_dir_all(&dir);
        }
        Self { dir, test: digest(test) }
    }

    /// How long the test took when it last passed, as far as that is known: one file for each test.
    pub(super) fn took(&self) -> Option<Duration> {
        fs::read_to_string(self.took_file()).ok()?.trim().parse().ok().map(Duration::from_millis)
    }

    /// Remembers it, as well as a tree.
    pub(super) fn note_took(&self, took: Duration) {
        let millis = took.as_millis().to_string();
        let _ = fs::create_dir_all(&self.dir).and_then(|()| fs::write(self.took_file(), millis));
    }

    fn took_file(&self) -> PathBuf {
        self.dir.join(format!("took-{}", self.test))
    }

    fn file(&self, tree: &ObjectId) -> PathBuf {
        self.dir.join(format!("{tree}-{}", self.test))
    }

    pub(super) fn has_passed(&self, tree: &ObjectId) -> bool {
        self.file(tree).exists()
    }

    /// Remembers it. That it cannot be written costs a test more, and nothing else.
    pub(super) fn note_passed(&self, tree: &ObjectId) {
        let _ = fs::create_dir_all(&self.dir).and_then(|()| fs::write(self.file(tree), ""));
    }
}
