//! The features' tests: one command for every candidate. It finds out by itself which features are in what it tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::dataset::Task;
use super::sandbox::{Sandbox, clean};
use crate::output::Outcome;

/// Runs the tests of each feature in a copy of what is checked out, so that the tests of one are not in the way of another's. The features are those
/// whose landings are in the history, or the named ones.
const SCRIPT: &str = r#"set -eu
cases="$1"; shift
[ $# -gt 0 ] || set -- $(git log --format='%(trailers:key=Oarlock-Task,valueonly)' HEAD | sort -u)
head=$(git rev-parse HEAD)
copy=$(mktemp -d "$cases/copy-XXXXXX")
trap 'rm -rf "$copy"' EXIT
git clone -q -s -n "$(git rev-parse --path-format=absolute --git-common-dir)" "$copy"
cd "$copy"
for feature; do
    git checkout -q -f "$head"
    git clean -ffdxq
    git apply --ignore-whitespace "$cases/$feature.tests" 2>/dev/null || git apply --3way "$cases/$feature.tests"
    FILES=$(cat "$cases/$feature.files") NAMES=$(cat "$cases/$feature.names") sh -c "$(cat "$cases/command")"
done
"#;
/// The tests of a Go feature, as the data set runs them.
const GO: &str = "go test -run \"$NAMES\" ./...";
/// The test files of a Python feature.
const PYTHON: &str = "PYTHONPATH=\"$PWD/src:$PWD\" python3 -m pytest -q -p no:cacheprovider $FILES";

/// How often a test by hand may fail before it counts: some features' own tests fail now and then (go-chi's feature 1 of task 56 in one run of eight,
/// by the order of a map).
const TRIES: usize = 3;

/// The programs that run tests.
pub(super) struct Tools {
    path: String,
    given: Option<String>,
}

impl Tools {
    pub(super) fn find(dir: &Path, given: Option<String>) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        let venv = std::path::absolute(dir.join("venv/bin")).unwrap_or_default();
        Self { path: format!("{}:{path}", venv.display()), given }
    }

    /// The command that tests one feature of a task; why there is none.
    fn command(&self, sandbox: &Sandbox) -> Result<String, String> {
        let has = |name: &str| sandbox.repo().join(name).exists();
        let can = |program: &str, words: &[&str]| {
            let run = clean(Command::new(program)).args(words).env("PATH", &self.path).output();
            run.is_ok_and(|run| run.status.success())
        };
        match &self.given {
            Some(given) => Ok(given.clone()),
            None if has("go.mod") && can("go", &["version"]) => Ok(GO.to_owned()),
            None if has("go.mod") => Err("go is not in PATH, nor in DIR/venv/bin".to_owned()),
            None if has("pyproject.toml") || has("setup.py") => {
                if can("python3", &["-m", "pytest", "--version"]) {
                    Ok(PYTHON.to_owned())
                } else {
                    Err("python3 has no pytest".to_owned())
                }
            }
            None => Err("how it is tested is not known: name a command with --test".to_owned()),
        }
    }

    /// PATH for agents and tests.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// The tests of a task, in files beside a sandbox.
pub(super) struct Tests<'a> {
    tools: &'a Tools,
    cases: PathBuf,
}

impl<'a> Tests<'a> {
    /// Writes them; why they cannot be run.
    pub(super) fn write(tools: &'a Tools, task: &Task, sandbox: &Sandbox) -> Outcome<Result<Self, String>> {
        let command = match tools.command(sandbox) {
            Ok(command) => command,
            Err(why) => return Ok(Err(why)),
        };
        let cases = sandbox.beside("cases");
        fs::create_dir_all(&cases)?;
        fs::write(cases.join("command"), command)?;
        fs::write(cases.join("test.sh"), SCRIPT)?;
        for feature in &task.features {
            let tests = task.tests(*feature)?;
            let text = String::from_utf8_lossy(&tests).into_owned();
            fs::write(cases.join(format!("F{feature}.files")), files_of(&text).join(" "))?;
            fs::write(cases.join(format!("F{feature}.names")), names_of(&text).join("|"))?;
            fs::write(cases.join(format!("F{feature}.tests")), tests)?;
            fs::write(cases.join(format!("F{feature}.patch")), task.feature(*feature)?)?;
        }
        Ok(Ok(Self { tools, cases }))
    }

    /// Where the patches of features are.
    pub(super) fn cases(&self) -> &Path {
        &self.cases
    }

    pub(super) fn path(&self) -> &str {
        self.tools.path()
    }

    /// The command for `--test`.
    pub(super) fn command(&self) -> String {
        format!("PATH='{}' sh '{}' '{}'", self.tools.path, self.cases.join("test.sh").display(), self.cases.display())
    }

    /// Tests a commit by hand, with the tests of these features: whether they pass in one of three runs.
    pub(super) fn pass(&self, sandbox: &Sandbox, commit: &str, features: &[u32]) -> Outcome<bool> {
        sandbox.git(&["checkout", "--quiet", "--force", "--detach", commit])?;
        let names = features.iter().map(|feature| format!("F{feature}"));
        let mut command = clean(Command::new("sh"));
        command.arg(self.cases.join("test.sh")).arg(&self.cases).args(names).env("PATH", &self.tools.path).current_dir(sandbox.repo());
        let mut passed = false;
        for _ in 0..TRIES {
            passed = passed || command.output()?.status.success();
        }
        sandbox.git(&["checkout", "--quiet", "--force", "main"])?;
        Ok(passed)
    }
}

/// The files that a patch of tests writes, which tests are in.
fn files_of(patch: &str) -> Vec<String> {
    let written = patch.lines().filter_map(|line| line.strip_prefix("+++ b/")).map(|path| path.trim_end().to_owned());
    let is_test = |path: &String| {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        is_plain && name.ends_with(".py") && (name.starts_with("test") || name.ends_with("_test.py"))
    };
    written.filter(is_test).collect()
}

/// The names of Go's tests that a patch names.
fn names_of(patch: &str) -> Vec<String> {
    let name = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        format!("Test{}", &rest[..end])
    };
    let mut names: Vec<String> = patch.split("func Test").skip(1).map(name).collect();
    names.sort();
    names.dedup();
    names
}
