//! Runs with real worker processes: this test program itself, started again to act as one.

use super::*;
use crate::launch::Target;
use crate::testing::{Heard, StoresAt, TestStores, task_id};
use crate::worker::{self, Work};
use oarlock_model::ErrorCode;
use oarlock_model::duration::Duration;
use oarlock_model::rules::budget::Budget;
use oarlock_ops::caller::Caller;
use oarlock_ops::task::{Add, Cancel};
use std::ffi::OsString;

const TWO_PARTS: &str = "# Two parts\n\n## Approach\n\n1. Create `src/alpha.rs` (30 minutes)\n2. Create `src/beta.rs` (30 minutes)\n";

/// The shell passes the arguments on in the environment, because the test program has its own.
const AS_WORKER: &str =
    "OARLOCK_RUN_TEST_ARGS=$(printf '%s\\037' \"$@\") exec \"$0\" --exact run::tests::acts_as_a_worker --test-threads=1";

/// No test, but what the workers of the others do; alone it does nothing.
#[test]
fn acts_as_a_worker() {
    let Ok(args) = std::env::var("OARLOCK_RUN_TEST_ARGS") else { return };
    let args: Vec<&str> = args.trim_end_matches('\u{1f}').split('\u{1f}').collect();
    let after = |flag: &str| args.iter().position(|arg| *arg == flag).map(|at| args[at + 1]).expect("a run passes it");
    let command = args.iter().position(|arg| *arg == "--").map(|at| args[at + 1..].iter().map(OsString::from).collect());
    let work = Work {
        name: Some(after("--as").parse().expect("a name")),
        within: Some(after("--subtree").parse().expect("an id")),
        command: command.expect("a run passes it"),
        is_ordered: args.contains(&"--ordered"),
        ..Work::default()
    };
    let stores = StoresAt::new(std::env::var("OARLOCK_STORE").expect("a run sets it"));
    let settings = Settings { retry_first: Duration::from_ms(1_000), ..Settings::default() };
    let ended = worker::work(&stores, &settings, &work, &mut Heard::default());
    let exit = match ended {
        Ok(_) => 0,
        Err(error) => {
            use std::io::Write as _;
            writeln!(std::io::stderr(), "{error}").expect("somebody reads it");
            error.code().exit()
        }
    };
    std::process::exit(exit.into());
}

fn program() -> WorkerProgram {
    let me = std::env::current_exe().expect("this test program");
    WorkerProgram { program: "sh".into(), args: vec!["-c".into(), AS_WORKER.into(), me.into()] }
}

pub(super) fn shell(script: &str) -> Run {
    Run {
        target: Target::File { path: "two.md".into(), document: TWO_PARTS.into(), file: None, id: None },
        floor: None,
        agents: 2,
        agents_min: None,
        is_auto: false,
        planning: None,
        command: ["sh", "-c", script].map(OsString::from).to_vec(),
        can: Vec::new(),
        ttl: None,
        budget: Budget::default(),
        handover: StdDuration::from_secs(1),
        profile: Default::default(),
        stuck_after: None,
        isolation: None,
        landing: None,
        caller: Caller::default(),
    }
}

fn run_with(stores: &TestStores, signals: &Signals, run: &Run) -> (Result<RunEnd, OpError>, Vec<String>) {
    let mut heard = Heard::default();
    let settings = Settings { max_attempts: 2, retry_first: Duration::from_ms(1_000), ..Settings::default() };
    let ended = run_until(signals, stores, &settings, run, &program(), &mut heard);
    (ended, heard.lines())
}

pub(super) fn run_to_its_end(stores: &TestStores, run: &Run) -> (RunEnd, Vec<String>) {
    let (ended, lines) = run_with(stores, &Signals::default(), run);
    (ended.expect("it runs"), lines)
}

#[test]
fn all_parts_get_done_and_reported() {
    let stores = TestStores::new();
    let run = Run { agents: 3, ..shell("cat > /dev/null; echo \"made by $OARLOCK_AGENT\"") };
    let (end, lines) = run_to_its_end(&stores, &run);
    assert_eq!(end.error, None, "{lines:?}");
    let report = end.report;
    assert_eq!((report.task.as_str(), report.state), ("two", TaskState::Done));
    let names: Vec<&str> = report.agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["two-w1", "two-w2", "two-w3"]);
    assert_eq!(report.agents.iter().map(|agent| agent.parts).sum::<u64>(), 2);
    let ids: Vec<&str> = report.parts.iter().map(|part| part.id.as_str()).collect();
    assert_eq!(ids, ["two-SUB1", "two-SUB2"]);
    for part in &report.parts {
        let agent = part.agent.as_ref().expect("somebody did it");
        assert_eq!((part.state, part.attempts, part.result.clone()), (TaskState::Done, 1, Some(format!("made by {agent}"))));
        assert!(report.bound_ms >= part.wall_ms);
    }
    assert_eq!(report.serial_ms, report.parts.iter().map(|part| part.wall_ms).sum::<i64>());
    assert!(report.result.expect("both parts have one").contains("## Create src/beta.rs (two-SUB2)\n\nmade by two-w"));
    assert!(lines.contains(&"two \"Two parts\" is done".to_owned()), "{lines:?}");
    // The workers have left.
    let mut store = stores.open().expect("it opens");
    assert!(store.snapshot().expect("it reads").owned_agents(0, 1).expect("it reads").is_empty());
}

#[test]
fn the_part_of_a_killed_worker_is_done_by_another() {
    let stores = TestStores::new();
    let marker = stores.dir().join("killed");
    let script = format!(
        "if mkdir '{}' 2> /dev/null; then kill -9 $(cut -d' ' -f4 /proc/$PPID/stat); exec sleep 1000; fi; echo done",
        marker.display()
    );
    let (end, lines) = run_to_its_end(&stores, &shell(&script));
    assert_eq!(end.error, None, "{lines:?}");
    assert_eq!(end.report.parts.iter().map(|part| part.attempts).max(), Some(2), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("lost two-SUB") && line.ends_with("it is ready again")), "{lines:?}");
}

#[test]
fn a_worker_that_dies_is_replaced() {
    let stores = TestStores::new();
    let marker = stores.dir().join("killed");
    let script = format!(
        "if mkdir '{}' 2> /dev/null; then kill -9 $(cut -d' ' -f4 /proc/$PPID/stat); exec sleep 1000; fi; echo done",
        marker.display()
    );
    let (end, lines) = run_to_its_end(&stores, &Run { agents: 1, ..shell(&script) });
    assert_eq!((end.error, end.report.parts[0].attempts), (None, 2), "{lines:?}");
    assert!(lines.contains(&"w1 ended (signal 9 (SIGKILL)); another takes its place".to_owned()), "{lines:?}");
    assert_eq!(end.report.agents.len(), 1);
}

#[test]
fn a_worker_that_dies_again_and_again_is_given_up() {
    let stores = TestStores::new();
    let settings = Settings { max_attempts: 100, ..Settings::default() };
    let run = Run { agents: 1, ..shell("kill -9 $(cut -d' ' -f4 /proc/$PPID/stat); exec sleep 1000") };
    let end = run_until(&Signals::default(), &stores, &settings, &run, &program(), &mut Heard::default()).expect("it runs");
    assert_eq!(end.error.expect("no worker is left").code(), ErrorCode::StateConflict);
    assert_eq!((end.report.state, end.report.parts[0].attempts), (TaskState::Ready, 4));
}

#[test]
fn the_example_agent_works_on_the_example_task() {
    let stores = TestStores::new();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let document = std::fs::read_to_string(format!("{examples}/notes-service.md")).expect("it is part of the project");
    let made = stores.dir().join("made");
    let script = format!("OARLOCK_DEMO_SECONDS=0 OARLOCK_DEMO_DIR='{}' exec sh '{examples}/agent.sh'", made.display());
    let target = Target::File { path: "examples/notes-service.md".into(), document, file: None, id: None };
    let (end, lines) = run_to_its_end(&stores, &Run { target, agents: 3, ..shell(&script) });
    assert_eq!((end.error, end.report.state), (None, TaskState::Done), "{lines:?}");
    for file in ["src/notes/model.py", "src/notes/store.py", "docs/notes.md"] {
        assert!(made.join(file).exists(), "{file}: {lines:?}");
    }
}

#[test]
fn workers_that_cannot_start_the_program_end_the_run() {
    let stores = TestStores::new();
    let run = Run { command: vec!["/no/such/program".into()], ..shell("") };
    let (end, _) = run_to_its_end(&stores, &run);
    let error = end.error.expect("nothing was done");
    assert_eq!(error.code(), ErrorCode::StateConflict);
    assert!(error.to_string().contains("/no/such/program"), "{error}");
    assert_eq!(stores.task("two-SUB1").failures, 0);
}

#[test]
fn the_number_of_workers_grows_with_the_parts_that_are_ready() {
    let stores = TestStores::new();
    let add = |id: &str, parent: Option<&str>, needs: &[&str]| {
        let mut add = Add { title: id.to_owned(), id: Some(task_id(id)), parent: parent.map(task_id), ..Add::default() };
        add.needs = needs.iter().map(|id| task_id(id)).collect();
        stores.order(&add);
    };
    add("P", None, &[]);
    add("A", Some("P"), &[]);
    ["B", "C", "D"].iter().for_each(|id| add(id, Some("P"), &["A"]));
    // B, C and D wait for one another: all three have a worker at the same time.
    let dir = stores.dir().display();
    let script = format!(
        "[ $OARLOCK_TASK = A ] || {{ touch {dir}/$OARLOCK_TASK; while [ ! -e {dir}/B -o ! -e {dir}/C -o ! -e {dir}/D ]; do :; done; }}"
    );
    let run = Run { target: Target::Task(task_id("P")), agents: 8, agents_min: Some(1), ..shell(&script) };
    let (end, lines) = run_to_its_end(&stores, &run);
    // One more where a part is counted that has just been finished.
    assert!(end.error.is_none() && (3..=4).contains(&end.report.agents.len()), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("workers instead of 1: more parts are ready")), "{lines:?}");
    let (ended, _) = run_with(&stores, &Signals::default(), &Run { agents: 2, agents_min: Some(3), ..shell("true") });
    assert_eq!(ended.expect_err("refused").code(), ErrorCode::InvalidRequest);
}

#[test]
fn a_run_ends_when_nothing_can_go_on() {
    let stores = TestStores::new();
    let (end, lines) = run_to_its_end(&stores, &shell("case $OARLOCK_TASK in *SUB2) exit 1;; esac"));
    let error = end.error.expect("a part is dead");
    assert_eq!(error.code(), ErrorCode::StateConflict);
    assert_eq!(error.to_string(), "nothing of two can go on: two-SUB2 is dead");
    assert_eq!((end.report.parts[0].state, end.report.parts[1].state), (TaskState::Done, TaskState::Dead));
    assert!(lines.iter().any(|line| line.contains("failed two-SUB2: exit status 1; tried again in")), "{lines:?}");
}

#[test]
fn a_cancelled_run_ends() {
    let stores = TestStores::new();
    let script = format!("touch '{}'; exec sleep 1000", stores.dir().join("started").display());
    let end = thread::scope(|scope| {
        scope.spawn(|| {
            stores.until_made("started");
            stores.order(&Cancel { id: task_id("two"), drop: false });
        });
        run_to_its_end(&stores, &shell(&script)).0
    });
    assert_eq!(end.report.state, TaskState::Cancelled);
    assert_eq!(end.error.expect("it is not done").code(), ErrorCode::StateConflict);
}

#[test]
fn an_interrupted_run_gives_everything_back_and_can_be_gone_on_with() {
    let stores = TestStores::new();
    let script = format!("touch '{}'; exec sleep 1000", stores.dir().join("started").display());
    let signals = Signals::default();
    let (end, _) = thread::scope(|scope| {
        scope.spawn(|| {
            stores.until_made("started");
            signals.raise();
        });
        run_with(&stores, &signals, &shell(&script))
    });
    let end = end.expect("it ran");
    assert_eq!(end.error, Some(OpError::Interrupted));
    assert!(end.report.parts.iter().all(|part| part.state == TaskState::Ready), "{:?}", end.report);
    let (end, lines) = run_to_its_end(&stores, &shell("true"));
    assert_eq!(end.error, None);
    assert_eq!(lines[0], "going on with two: 0 of 2 parts are done");
    assert_eq!(end.report.parts.iter().map(|part| part.attempts).max(), Some(1));
}

#[test]
fn work_for_one_gets_one_worker_and_other_tasks_are_left_alone() {
    let stores = TestStores::new();
    stores.order(&Add { title: "another".into(), id: Some(task_id("T-1")), ..Add::default() });
    let target = Target::File { path: "one.md".into(), document: "# One\n\nJust do it.\n".into(), file: None, id: None };
    let (end, _) = run_to_its_end(&stores, &Run { target, agents: 5, ..shell("cat") });
    assert_eq!((end.error, end.report.agents.len(), end.report.parts.len()), (None, 1, 1));
    assert_eq!(end.report.parts[0].id, task_id("one"));
    assert_eq!(end.report.result.as_deref(), Some("# One\n\nJust do it."));
    assert_eq!(stores.task("T-1").state, TaskState::Ready);
}

#[test]
fn values_out_of_range_are_refused() {
    let stores = TestStores::new();
    for run in [Run { agents: 0, ..shell("true") }, Run { agents: 257, ..shell("true") }, Run { command: Vec::new(), ..shell("") }] {
        let (ended, _) = run_with(&stores, &Signals::default(), &run);
        assert_eq!(ended.expect_err("refused").code(), ErrorCode::InvalidRequest);
    }
}
