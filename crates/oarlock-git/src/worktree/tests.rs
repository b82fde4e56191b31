//! On real repositories.

mod attempts;
mod crashes;
mod places;
mod radar;
mod surroundings;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use tempfile::TempDir;

/// A repository with one commit on `main`, and nobody's configuration.
struct Repo {
    temp: TempDir,
}

impl Repo {
    fn new() -> Self {
        let repo = Self { temp: tempfile::tempdir().expect("temporary") };
        fs::create_dir_all(repo.top().join("sub")).expect("a directory");
        repo.git("init --quiet --initial-branch=main .");
        repo.configure("user.name", "Tess");
        repo.configure("user.email", "tess@example.org");
        repo.commit("a.txt", "one\ntwo\nthree\n", "first");
        repo.commit("sub/b.txt", "b\n", "second");
        repo
    }

    fn top(&self) -> PathBuf {
        fs::canonicalize(self.temp.path()).expect("there").join("repo")
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn configure(&self, key: &str, value: &str) {
        git(&self.top(), &["config", key, value]);
    }

    fn git(&self, line: &str) -> String {
        git(&self.top(), &line.split(' ').collect::<Vec<_>>())
    }

    fn write(&self, name: &str, text: &str) {
        write(&self.top(), name, text);
    }

    fn commit(&self, name: &str, text: &str, subject: &str) {
        commit(&self.top(), name, text, subject);
    }

    fn worktrees(&self) -> Worktrees {
        self.worktrees_with(Shared::default())
    }

    fn worktrees_with(&self, shared: Shared) -> Worktrees {
        Worktrees::open(&self.top(), None, shared).expect("a repository").0
    }

    /// The worktree of an agent.
    fn of(&self, agent: &str) -> PathBuf {
        self.top().join(".oarlock/worktrees").join(agent)
    }

    /// The subjects of a branch that `main` has not, newest first.
    fn subjects(&self, branch: &str) -> Vec<String> {
        self.git(&format!("log --format=%s main..{branch}")).lines().map(str::to_owned).collect()
    }

    fn show(&self, what: &str) -> String {
        self.git(&format!("show {what}"))
    }
}

/// Runs git as a person would.
fn git(dir: &Path, args: &[&str]) -> String {
    let (ok, text) = try_git(dir, args);
    assert!(ok, "git {args:?}: {text}");
    text
}

fn try_git(dir: &Path, args: &[&str]) -> (bool, String) {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    let run =
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").arg("-C").arg(dir).args(args).output().expect("git");
    let text = if run.status.success() { run.stdout } else { run.stderr };
    (run.status.success(), String::from_utf8_lossy(&text).trim_end().to_owned())
}

fn write(dir: &Path, name: &str, text: &str) {
    let file = dir.join(name);
    fs::create_dir_all(file.parent().expect("below")).expect("a directory");
    fs::write(file, text).expect("a file");
}

fn commit(dir: &Path, name: &str, text: &str, subject: &str) {
    write(dir, name, text);
    git(dir, &["add", "--all"]);
    git(dir, &["commit", "--quiet", "-m", subject]);
}

/// Ground of tasks that are needed.
fn needs(tasks: &[&str]) -> Ground {
    Ground { needs: tasks.iter().map(|task| (*task).to_owned()).collect(), parts: Vec::new() }
}

/// One attempt: it begins, `work` runs in the worktree, and it ends.
fn attempt(worktrees: &Worktrees, place: &Place, task: &str, ground: &Ground, end: End, work: impl FnOnce(&Path)) -> (Entered, Left) {
    let entered = worktrees.enter(place, task, &format!("Title of {task}"), ground).expect("it begins");
    work(&entered.dir);
    let left = worktrees.leave(place, end, true).expect("it ends");
    (entered, left)
}
