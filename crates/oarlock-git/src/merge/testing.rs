//! A repository that goes away with its test, whatever the user's settings are.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

use super::git::MergeRepository;
use crate::program::REPOSITORY_VARIABLES;

pub(crate) struct Sandbox {
    dir: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Self { dir: tempfile::tempdir().expect("temporary") };
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox.git(&["config", "user.name", "Ada"]);
        sandbox.git(&["config", "user.email", "ada@example.org"]);
        sandbox
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        for variable in REPOSITORY_VARIABLES {
            command.env_remove(variable);
        }
        let run = command.arg("-C").arg(self.dir()).args(args).output().expect("git starts");
        assert!(run.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8_lossy(&run.stdout).trim().to_owned()
    }

    /// Commits a file; the hash of the commit.
    pub(crate) fn commit(&self, name: &str, text: &str) -> String {
        let file = self.path(name);
        std::fs::create_dir_all(file.parent().expect("a directory")).expect("made");
        std::fs::write(file, text).expect("written");
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", name]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// A commit on a new branch from `base` with these files, without checking it out afterwards.
    pub(crate) fn branch(&self, branch: &str, base: &str, files: &[(&str, &str)]) -> String {
        let now = self.git(&["symbolic-ref", "--short", "HEAD"]);
        self.git(&["checkout", "-q", "-b", branch, base]);
        for (name, text) in files {
            self.commit(name, text);
        }
        let tip = self.git(&["rev-parse", "HEAD"]);
        self.git(&["checkout", "-q", &now]);
        tip
    }

    pub(crate) fn repository(&self) -> MergeRepository {
        MergeRepository::around(self.dir()).expect("a repository")
    }
}
