//! Conversations with scripts.

use super::*;
use crate::testing::Heard;
use oarlock_model::agent::Host;
use oarlock_model::landing::{BranchName, ObjectId};
use oarlock_model::{Rejection, TaskId};
use oarlock_ops::local::{Existing, Floor, Search};

const DOCUMENT: &str = "# T\n\n## Plan\n\n1. Create `src/a.rs`\n2. Create `src/b.rs`\n";
const PLAN: &str = r#"{"steps":[{"n":1,"title":"a","lines":[[5,5]],"writes":["src/a.rs"]},{"n":2,"title":"b","lines":[[6,6]],"writes":["src/b.rs"]}],"needs":[]}"#;

/// A machine without a repository.
struct Nowhere;

impl Local for Nowhere {
    fn read_text(&mut self, path: &str, _bytes_max: usize) -> Result<String, OpError> {
        Err(Rejection::not_found("file", path).into())
    }

    fn is_file(&self, _path: &str) -> bool {
        false
    }

    fn document_path(&self, _path: &str) -> Result<Option<String>, OpError> {
        Ok(None)
    }

    fn floor(&self, _named: &str) -> Option<Floor> {
        None
    }

    fn repository_path(&self, path: &str) -> Result<String, OpError> {
        Ok(path.to_owned())
    }

    fn look_for(&self, _search: Search) -> Result<Option<Existing>, OpError> {
        Ok(None)
    }

    fn submission(&self, _task: &TaskId, _branch: Option<&BranchName>) -> Result<Option<(Option<BranchName>, ObjectId)>, OpError> {
        Ok(None)
    }

    fn process(&self, pid: u32) -> Result<String, OpError> {
        Err(Rejection::not_found("process", pid).into())
    }

    fn host(&self) -> Host {
        Host::default()
    }
}

fn ask(words: &str, timeout_ms: i64, signals: &Signals) -> (Split, Result<Option<String>, OpError>) {
    let (mut split, settings, heard) = (Split::default(), Settings::default(), Heard::default());
    let agent = PlanningAgent::of_shell(words, Some(Duration::from_ms(timeout_ms)));
    let asking = Asking { agent: &agent, settings: &settings, local: &Nowhere, signals, tell: &heard };
    let asked = asking.plan(&mut split, DOCUMENT);
    (split, asked)
}

fn refused(words: &str, timeout_ms: i64) -> String {
    let (split, asked) = ask(words, timeout_ms, &Signals::default());
    assert_eq!((split.planner, split.plan), (None, None));
    asked.expect("no signal came").expect("a reason")
}

#[test]
fn an_answer_becomes_the_plan_of_the_split() {
    let (split, asked) = ask(&format!("cat > /dev/null; echo '{PLAN}'"), 60_000, &Signals::default());
    assert!(asked.is_ok_and(|warning| warning.is_some_and(|doubt| doubt.contains("did not say which pairs"))), "it gave its plan again");
    assert_eq!(split.planner, Some(Planner::Agent));
    assert!(split.plan.is_some_and(|plan| plan.contains("src/b.rs")));
}

#[test]
fn why_the_rules_plan_is_said() {
    for (words, part) in [
        ("no-such-program-here", "it cannot be run, exit status 127"),
        ("echo 'please log in' >&2; exit 1", "exit status 1: please log in"),
        ("echo 'all done' >&2", "nothing was printed on standard output: all done"),
        ("echo 'I made a plan.'", "3 answers could not be used, the last one because: there is no JSON object"),
        ("head -c 3000000 /dev/zero | tr '\\0' '{'", "longer than 1 MiB"),
    ] {
        let why = refused(words, 60_000);
        assert!(why.starts_with("planned by rules, not by ") && why.contains(part), "{words}: {why}");
    }
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for() {
    let why = refused("sleep 1000 & sleep 1000", 1_000);
    assert!(why.ends_with("it gave no answer within 1s"), "{why}");
}

#[test]
fn a_signal_ends_the_asking() {
    let signals = Signals::default();
    signals.raise();
    assert_eq!(ask("sleep 1000", 600_000, &signals).1, Err(OpError::Interrupted));
}

#[test]
fn it_runs_in_an_empty_directory_that_goes_away() {
    let kept = tempfile::tempdir().expect("a temporary directory");
    let out = kept.path().display();
    let why = refused(&format!("ls -A > {out}/list; pwd > {out}/pwd; echo x > made; env > {out}/env; exit 127"), 60_000);
    assert!(why.contains("127"), "{why}");
    let read = |name: &str| std::fs::read_to_string(kept.path().join(name)).expect("the command wrote it");
    assert_eq!(read("list"), "");
    let pwd = read("pwd");
    assert!(pwd.contains("oarlock-plan-") && !std::path::Path::new(pwd.trim()).exists(), "{pwd}");
    assert!(!read("env").lines().any(|line| line.starts_with("OARLOCK")));
}

#[test]
fn a_workers_variables_are_taken_away() {
    let kept = ["PATH", "OARLOCKS", "ANTHROPIC_MODEL", "GIT_CONFIG_GLOBAL"].map(OsString::from);
    assert!(environment::removed(kept.into_iter()).is_empty());
    let taken = ["OARLOCK_TASK", "CLAUDECODE", "GIT_DIR", "GIT_CEILING_DIRECTORIES", "GIT_CONFIG_PARAMETERS"].map(OsString::from);
    assert_eq!(environment::removed(taken.clone().into_iter()), taken);
    let numbered = ["GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"].map(OsString::from);
    assert_eq!(environment::removed(numbered.clone().into_iter()), numbered);
}

#[test]
fn a_client_without_flags_that_make_it_read_only_is_warned_of() {
    let why = refused("true claude -p", 60_000);
    assert!(why.starts_with("planned by rules") && why.contains("no flags that make claude read only were added"), "{why}");
}
