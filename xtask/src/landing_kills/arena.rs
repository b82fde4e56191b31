//! The repository of one run: its plan, the agent, the test, and the commands that are started.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::shared::{AGENTS, PARTS};
use super::victim::VARIABLE;
use crate::output::Outcome;

/// Which processes a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// One `run --merge`.
    Run,
    /// Workers and a queue of their own, onto a branch that nobody has checked out.
    Apart,
    /// The same onto the branch that is checked out.
    CheckedOut,
}

impl Shape {
    pub(super) const ALL: [Self; 3] = [Self::Run, Self::Apart, Self::CheckedOut];

    /// The branch that parts land on.
    pub(super) fn target(self) -> &'static str {
        match self {
            Self::Run => "oarlock/run/plan",
            Self::Apart => "trunk",
            Self::CheckedOut => "main",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Run => "run --merge",
            Self::Apart => "work, merge",
            Self::CheckedOut => "work, merge onto HEAD",
        })
    }
}

/// An agent: it writes a note of its own and a line of the list that all parts share, and commits sometimes. What it wrote it records, after
/// it has written it, outside of the repository.
const AGENT: &str = r#"#!/bin/sh
set -eu
name=$OARLOCK_TASK
note="$name-$$-$OARLOCK_TOKEN"
mkdir -p notes src
echo "$note" > "notes/$note"
echo "$note" >> "$LANDING_KILLS/notes"
sleep "0.$(($$ % 3))"
git merge --quiet --no-edit "$TARGET" > /dev/null 2>&1 || true
{ git show "$TARGET:list"; echo "$name"; } | sort -u > list
if [ -f "$(git rev-parse --git-path MERGE_HEAD)" ] || [ $(($$ % 2)) = 0 ]; then
  git add -A
  git commit --quiet -m "work $note" || true
fi
sleep "0.0$(($$ % 7))"
echo "$name" > "src/$name"
echo "did $name"
"#;

/// A test: whatever is listed is there. It records the tree that passed.
const TEST: &str = r#"#!/bin/sh
set -eu
sleep 0.2
for name in $(cat list); do [ -f "src/$name" ] || { echo "src/$name is missing"; exit 1; }; done
git rev-parse 'HEAD^{tree}' >> "$LANDING_KILLS/tested"
"#;

/// A repository with a project in a directory of its own.
pub(super) struct Arena {
    temp: Option<TempDir>,
    dir: PathBuf,
    oarlock: PathBuf,
    pub(super) shape: Shape,
}

impl Arena {
    /// Makes it, with its tasks unless a run makes them.
    ///
    /// # Errors
    /// Git or oarlock fails.
    pub(super) fn new(oarlock: &Path, shape: Shape) -> Outcome<Self> {
        let temp = tempfile::tempdir()?;
        let dir = fs::canonicalize(temp.path())?;
        let arena = Self { temp: Some(temp), dir, oarlock: oarlock.to_owned(), shape };
        fs::create_dir_all(arena.repo().join("src"))?;
        for name in ["notes", "tested"] {
            File::create(arena.dir.join(name))?;
        }
        fs::write(arena.dir.join("agent.sh"), AGENT)?;
        fs::write(arena.dir.join("test.sh"), TEST)?;
        fs::write(arena.repo().join("list"), "start\n")?;
        fs::write(arena.repo().join("src/start"), "start\n")?;
        let parts: String =
            (1..=PARTS).map(|n| format!("### Task {n}: Write part {n}\n\nCreate `src/part{n}.txt`. Dependencies: none.\n\n")).collect();
        fs::write(arena.repo().join("plan.md"), format!("# A plan\n\n## Tasks\n\n{parts}"))?;
        for line in ["init --quiet --initial-branch=main .", "config user.name kills", "config user.email kills@example.org", "add -A"] {
            arena.git(line)?;
        }
        // The git of an agent that is killed would leave the lock of its maintenance.
        arena.git("config maintenance.auto false")?;
        arena.git("commit --quiet -m start")?;
        arena.git("branch trunk")?;
        arena.ask("init")?;
        fs::write(arena.repo().join(".oarlock/config.toml"), "retry_first = \"1s\"\n")?;
        fs::write(arena.repo().join(".git/info/exclude"), ".oarlock/\n")?;
        if shape != Shape::Run {
            for n in 1..=PARTS {
                arena.ask(&format!("add part{n} --id part{n} --gate merge --max-attempts 5"))?;
            }
        }
        Ok(arena)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn repo(&self) -> PathBuf {
        self.dir.join("repo")
    }

    /// Leaves the directory where it is.
    pub(super) fn keep(mut self) {
        drop(self.temp.take().map(TempDir::keep));
    }

    /// The file that the processes of a run print to.
    pub(super) fn log(&self) -> Outcome<File> {
        Ok(File::options().create(true).append(true).open(self.dir.join("log"))?)
    }

    /// The arguments of the processes that a run has at a time.
    pub(super) fn commands(&self) -> Vec<Vec<String>> {
        let words = |line: &str, rest: &[String]| line.split(' ').map(str::to_owned).chain(rest.iter().cloned()).collect::<Vec<_>>();
        let (agent, test) = (self.dir.join("agent.sh").display().to_string(), self.dir.join("test.sh").display().to_string());
        let command = ["--".to_owned(), "sh".to_owned(), agent];
        let test = ["--test".to_owned(), format!("sh '{test}'")];
        let target = self.shape.target();
        if self.shape == Shape::Run {
            // As many parts as agents: the rules for plans make larger parts otherwise.
            let line = format!("run plan.md --id plan --agents {PARTS} --merge --slots 2");
            return vec![words(&line, &[test.to_vec(), command.to_vec()].concat())];
        }
        let worker = |n| words(&format!("work --as w{n} --worktree --onto {target}"), &command);
        let queue = words(&format!("merge --onto {target} --slots 2"), &test);
        (1..=AGENTS).map(worker).chain([queue]).collect()
    }

    /// The program, in the repository, with the variable of this run.
    pub(super) fn oarlock(&self) -> Command {
        let mut command = Command::new(&self.oarlock);
        command.current_dir(self.repo()).env(VARIABLE, &self.dir).env("TARGET", self.shape.target());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OARLOCK_")) {
            command.env_remove(name);
        }
        command
    }

    /// The reply of the program, without the variable: it is none of the processes of the run.
    ///
    /// # Errors
    /// It fails, with its error.
    pub(super) fn ask(&self, line: &str) -> Outcome<Value> {
        let mut command = self.oarlock();
        let output = command.env_remove(VARIABLE).arg("--json").args(line.split(' ')).output()?;
        said(&format!("oarlock {line}"), &output).and_then(|text| Ok(serde_json::from_str(&text)?))
    }

    /// The output of git in the repository.
    ///
    /// # Errors
    /// It fails, with its error.
    pub(super) fn git(&self, line: &str) -> Outcome<String> {
        self.git_with(&line.split(' ').collect::<Vec<_>>())
    }

    /// The same, with arguments that have blanks.
    ///
    /// # Errors
    /// It fails, with its error.
    pub(super) fn git_with(&self, words: &[&str]) -> Outcome<String> {
        said(&format!("git {}", words.join(" ")), &Command::new("git").current_dir(self.repo()).args(words).output()?)
    }

    /// All tasks, as they are.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(super) fn tasks(&self) -> Outcome<Value> {
        Ok(self.ask("tasks")?["tasks"].take())
    }

    /// Whether all tasks are done.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(super) fn is_done(&self) -> Outcome<bool> {
        let tasks = self.tasks()?;
        let tasks = tasks.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(!tasks.is_empty() && tasks.iter().all(|task| task["state"] == "done"))
    }

    /// The ids of the tasks that land.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(super) fn parts(&self) -> Outcome<BTreeSet<String>> {
        let tasks = self.tasks()?;
        let parts = tasks.as_array().into_iter().flatten().filter(|task| task["gate"] == "merge");
        Ok(parts.filter_map(|task| task["id"].as_str().map(str::to_owned)).collect())
    }

    /// Does what a person does: tasks whose attempts are used up are given back. How many there were.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(super) fn requeue_given_up(&self) -> Outcome<usize> {
        let mut count = 0;
        for task in self.tasks()?.as_array().into_iter().flatten() {
            let id = task["id"].as_str().unwrap_or_default();
            if task["state"] == "dead" {
                self.ask(&format!("requeue {id}"))?;
                count += 1;
            } else if task["state"] == "review" && task["landing"]["state"] == "refused" {
                self.ask(&format!("reject {id} --reason again"))?;
                count += 1;
            }
        }
        Ok(count)
    }
}

fn said(what: &str, output: &Output) -> Outcome<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(format!("{what}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()).into())
}
