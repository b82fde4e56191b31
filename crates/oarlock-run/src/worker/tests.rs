//! Workers on real stores, with shell commands for agents. A worker waits in slices of a second; the tests end it through its
//! own program, or look at it with `once`.

use super::*;
use crate::testing::{FailingStores, Heard, TestStores, task_id};
use oarlock_model::ErrorCode;
use oarlock_model::task::TaskState;
use oarlock_ops::task::{Add, Cancel};

pub(super) fn add(stores: &TestStores, id: &str) -> Add {
    let add = Add { title: format!("Title of {id}"), id: Some(task_id(id)), ..Add::default() };
    stores.order(&add);
    add
}

pub(super) fn shell(script: &str) -> Work {
    Work {
        name: Some("ada".parse().expect("a name")),
        command: ["sh", "-c", script].map(OsString::from).to_vec(),
        once: true,
        ..Work::default()
    }
}

fn work_once(stores: &TestStores, script: &str) -> (Result<WorkReport, OpError>, Heard) {
    work_with(stores, &shell(script))
}

pub(super) fn work_with(stores: &TestStores, work: &Work) -> (Result<WorkReport, OpError>, Heard) {
    let mut heard = Heard::default();
    let result = work_until(&Signals::default(), &Orders::default(), stores, &Settings::default(), work, &mut heard);
    (result, heard)
}

fn outcome(result: Result<WorkReport, OpError>) -> Outcome {
    result.expect("it worked").tasks[0].outcome
}

#[test]
fn exit_0_is_done_with_the_output_as_result() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let script = "cat; echo \"$OARLOCK_AGENT $OARLOCK_TASK ${OARLOCK_SESSION%.*} $OARLOCK_STORE\"; printf 'warning\\n' >&2";
    let (result, heard) = work_once(&stores, script);
    let report = result.expect("it worked");
    assert_eq!((report.done, report.failed, report.tasks[0].outcome), (1, 0, Outcome::Done));
    let task = stores.task("T-1");
    assert_eq!(task.state, TaskState::Done);
    assert_eq!(task.result, Some(format!("# Title of T-1\nada T-1 ada {}", stores.url().display())));
    assert_eq!(heard.outputs(), ["warning"]);
    let agent = stores.ask(&oarlock_ops::agent::ShowAgent { name: report.agent });
    assert_eq!(agent.agent.state, oarlock_model::rules::liveness::AgentState::Left);
}

#[test]
fn anything_else_is_a_failed_attempt_with_its_last_words() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let (result, _) = work_once(&stores, "echo nothing; echo 'no such table' >&2; exit 3");
    assert_eq!(outcome(result), Outcome::Failed);
    let shown = stores.ask(&oarlock_ops::task::ShowTask { id: task_id("T-1"), limit: None, after: None });
    assert_eq!(shown.task.state, TaskState::Scheduled);
    let failed = shown.events.iter().find(|event| event.kind == "task_failed").expect("it failed");
    assert_eq!(failed.data["reason"], "exit status 3: no such table");
    add(&stores, "T-2");
    let (result, _) = work_once(&stores, "kill -9 $$");
    assert_eq!(outcome(result), Outcome::Failed);
}

#[test]
fn one_task_or_none() {
    let stores = TestStores::new();
    let (result, _) = work_once(&stores, "true");
    assert_eq!(result.expect_err("there is no task").code(), ErrorCode::NothingReady);
}

#[test]
fn a_program_that_cannot_be_started_costs_no_attempt() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let work = Work { command: vec!["/no/such/program".into()], once: false, ..shell("") };
    let (result, _) = work_with(&stores, &work);
    let error = result.expect_err("it is not there");
    assert!(error.code() == ErrorCode::InvalidRequest && error.to_string().contains("/no/such/program"), "{error}");
    let task = stores.task("T-1");
    assert_eq!((task.state, task.failures, task.lost_leases), (TaskState::Ready, 0, 0));
    let (result, _) = work_with(&stores, &Work { command: Vec::new(), ..shell("") });
    assert_eq!(result.expect_err("no command").code(), ErrorCode::InvalidRequest);
}

#[test]
fn only_what_is_within_is_claimed() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    add(&stores, "T-2");
    let work = Work { within: Some(task_id("T-2")), ..shell("true") };
    let (result, _) = work_with(&stores, &work);
    assert_eq!(result.expect("it worked").tasks[0].id, task_id("T-2"));
    assert_eq!(stores.task("T-1").state, TaskState::Ready);
}

#[test]
fn a_worker_that_stays_goes_on_when_everything_was_done() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let signals = Signals::default();
    let done = |id: &str| stores.ask(&oarlock_ops::task::Wait { ids: vec![task_id(id)], any: false, timeout: None });
    let result = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let work = Work { once: false, ..shell("true") };
            work_until(&signals, &Orders::default(), &stores, &Settings::default(), &work, &mut Heard::default())
        });
        done("T-1");
        add(&stores, "T-2");
        done("T-2");
        signals.raise();
        worker.join().expect("no panic")
    });
    assert_eq!(result.expect_err("a signal came"), OpError::Interrupted);
}

/// Changes the store from another thread once the program has shown that it runs, by making a file.
fn meanwhile(stores: &TestStores, script: &str, change: impl FnOnce() + Send) -> (Result<WorkReport, OpError>, Heard) {
    let started = stores.dir().join("started");
    let script = format!("touch '{}'; {script}", started.display());
    thread::scope(|scope| {
        scope.spawn(|| {
            stores.until_made("started");
            change();
        });
        work_once(stores, &script)
    })
}

#[test]
fn a_cancelled_task_stops_its_program() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let (result, _) = meanwhile(&stores, "exec sleep 1000", || drop(stores.order(&Cancel { id: task_id("T-1"), drop: false })));
    assert_eq!(outcome(result), Outcome::Cancelled);
    assert_eq!(stores.task("T-1").state, TaskState::Cancelled);
}

#[test]
fn what_the_program_reports_itself_counts() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let me = Caller::named("ada".parse().expect("a name"));
    let done = oarlock_ops::task::Done { result: Some("by hand".into()), ..oarlock_ops::task::Done::of(task_id("T-1")) };
    let finished = stores.dir().join("finished");
    let script = format!("while [ ! -e '{}' ]; do :; done; echo by the worker", finished.display());
    let (result, _) = meanwhile(&stores, &script, || {
        let mut store = stores.open().expect("it opens");
        call::mutate(&mut *store, &me, &Settings::default(), &done).expect("it holds the task");
        std::fs::write(&finished, "").expect("the directory is ours");
    });
    assert_eq!(outcome(result), Outcome::Done);
    assert_eq!(stores.task("T-1").result.as_deref(), Some("by hand"));
}

#[test]
fn another_session_of_the_same_name_ends_the_worker() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let join = Join { name: Some("ada".parse().expect("a name")), take_over: true, ..Join::default() };
    let (result, _) = meanwhile(&stores, "exec sleep 1000", || drop(stores.order(&join)));
    // The task is seen to be gone first; the session's end is noticed by the next claim or heartbeat.
    match result {
        Ok(report) => assert_eq!(report.tasks[0].outcome, Outcome::Lost),
        Err(error) => assert_eq!(error.code(), ErrorCode::StaleSession),
    }
    assert_eq!(stores.task("T-1").state, TaskState::Ready);
}

#[test]
fn a_signal_stops_the_program_and_gives_the_task_back() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let started = stores.dir().join("started");
    let work = Work { once: false, ..shell(&format!("touch '{}'; exec sleep 1000", started.display())) };
    let signals = Signals::default();
    let mut heard = Heard::default();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            stores.until_made("started");
            signals.raise();
        });
        work_until(&signals, &Orders::default(), &stores, &Settings::default(), &work, &mut heard)
    });
    assert_eq!(result.expect_err("interrupted"), OpError::Interrupted);
    let task = stores.task("T-1");
    assert_eq!((task.state, task.failures, task.lost_leases), (TaskState::Ready, 0, 0));
}

#[test]
fn a_store_that_is_gone_stops_the_program() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let file = stores.dir().join("oarlock.db");
    let (result, _) = meanwhile(&stores, "exec sleep 1000", || std::fs::remove_file(&file).expect("it is there"));
    assert_eq!(result.expect_err("there is no store").code(), ErrorCode::StoreUnavailable);
}

#[test]
fn parts_added_by_the_program_are_waited_for() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let finished = stores.dir().join("finished");
    let script = format!("while [ ! -e '{}' ]; do :; done", finished.display());
    let (result, _) = meanwhile(&stores, &script, || {
        let part = Add { title: "part".into(), id: Some(task_id("T-1a")), parent: Some(task_id("T-1")), ..Add::default() };
        stores.order_as_holder("T-1", &part);
        std::fs::write(&finished, "").expect("the directory is ours");
    });
    assert_eq!(outcome(result), Outcome::Split);
    assert_eq!(stores.task("T-1").state, TaskState::Waiting);
}

/// Runs a program that says "so far" at its end, and meanwhile does something in its worker's name.
fn in_its_name<M: oarlock_ops::request::Mutation + Sync>(stores: &TestStores, deed: &M) -> Outcome {
    let finished = stores.dir().join("finished");
    let script = format!("while [ ! -e '{}' ]; do :; done; echo so far", finished.display());
    let (result, _) = meanwhile(stores, &script, || {
        let me = Caller::named("ada".parse().expect("a name"));
        call::mutate(&mut *stores.open().expect("it opens"), &me, &Settings::default(), deed).map(drop).expect("it holds the task");
        std::fs::write(&finished, "").expect("the directory is ours");
    });
    outcome(result)
}

/// Works on a ready task, and returns the Markdown that the program read.
fn markdown_read(stores: &TestStores, script: &str) -> String {
    let read = stores.dir().join("read.md");
    let (result, _) = work_once(stores, &format!("cat > '{}'; {script}", read.display()));
    result.expect("it worked");
    std::fs::read_to_string(read).expect("the program wrote it")
}

#[test]
fn the_output_of_a_program_that_made_a_part_is_kept_for_the_one_who_joins_them() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let part = Add { title: "part".into(), id: Some(task_id("T-1a")), parent: Some(task_id("T-1")), ..Add::default() };
    assert_eq!(in_its_name(&stores, &part), Outcome::Split);
    let task = stores.task("T-1");
    assert_eq!((task.state, task.result.as_deref()), (TaskState::Waiting, Some("so far")));
    markdown_read(&stores, "echo the part");
    let markdown = markdown_read(&stores, "echo the whole");
    let wanted = "# Title of T-1\n\n# Integration\n\nThe parts of this task are done: T-1a. Check that they fit together, and give one result for \
                  the whole task.\n\n# Result of an earlier attempt\n\nso far\n\n# Results of the parts\n\n## part (T-1a)\n\nthe part\n";
    assert_eq!(markdown, wanted);
    let task = stores.task("T-1");
    assert_eq!((task.result.as_deref(), task.part_results.as_deref()), (Some("the whole"), Some("## part (T-1a)\n\nthe part")));
}

#[test]
fn the_output_of_a_program_that_split_its_task_is_kept_too() {
    let stores = TestStores::new();
    let mut task = Add { title: "two".into(), id: Some(task_id("T-1")), ..Add::default() };
    task.fields.body = Some("# Two\n\n1. Write `a.rs`\n2. Write `b.rs`\n".into());
    stores.order(&task);
    let split = oarlock_ops::task::Split { id: "T-1".into(), agents: Some(2), auto_finish: true, ..Default::default() };
    assert_eq!(in_its_name(&stores, &split), Outcome::Split);
    assert_eq!(stores.task("T-1").result.as_deref(), Some("so far"));
    markdown_read(&stores, "echo a");
    markdown_read(&stores, "echo b");
    let task = stores.task("T-1");
    assert_eq!((task.state, task.result.as_deref()), (TaskState::Done, Some("so far")));
    assert!(task.part_results.is_some_and(|results| results.contains("(T-1-SUB1)\n\na") && results.contains("(T-1-SUB2)\n\nb")));
}

#[test]
fn a_program_is_told_why_the_last_attempt_was_rejected_or_failed() {
    let stores = TestStores::new();
    let mut task = Add { title: "the parser".into(), id: Some(task_id("T-1")), ..Add::default() };
    task.fields.gate = Some(oarlock_model::task::Gate::Human);
    stores.order(&task);
    assert_eq!(markdown_read(&stores, "echo first"), "# the parser\n");
    stores.order(&oarlock_ops::task::Reject { id: task_id("T-1"), reason: "no tests".into() });
    let rejected = "# the parser\n\n# Why the last result was rejected\n\nno tests\n\n";
    assert_eq!(markdown_read(&stores, "echo no compiler >&2; exit 1"), format!("{rejected}# Result of an earlier attempt\n\nfirst\n"));
    let task = stores.task("T-1");
    assert_eq!((task.rejected.as_deref(), task.last_failure.as_deref()), (Some("no tests"), Some("exit status 1: no compiler")));
    let wanted =
        format!("{rejected}# Why the last attempt failed\n\nexit status 1: no compiler\n\n# Result of an earlier attempt\n\nfirst\n");
    assert_eq!(attempt::markdown(&task, &[]), wanted);
}

#[test]
fn a_second_signal_kills_a_program_that_ignores_the_first() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let (started, asked) = (stores.dir().join("started"), stores.dir().join("asked"));
    let script = format!("trap \"touch '{}'\" TERM; touch '{}'; while :; do :; done", asked.display(), started.display());
    let signals = Signals::default();
    let mut heard = Heard::default();
    let begun = Instant::now();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            for file in ["started", "asked"] {
                stores.until_made(file);
                signals.raise();
            }
        });
        work_until(&signals, &Orders::default(), &stores, &Settings::default(), &shell(&script), &mut heard)
    });
    assert_eq!(result.expect_err("interrupted"), OpError::Interrupted);
    assert!(begun.elapsed() < crate::child::TERM_GRACE, "it did not wait for the program");
    assert_eq!(stores.task("T-1").state, TaskState::Ready);
}

#[test]
fn what_the_program_claimed_besides_is_given_back() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    add(&stores, "T-2");
    let me = Caller::named("ada".parse().expect("a name"));
    let finished = stores.dir().join("finished");
    let script = format!("while [ ! -e '{}' ]; do :; done", finished.display());
    let (result, _) = meanwhile(&stores, &script, || {
        let mut store = stores.open().expect("it opens");
        let claim = Claim { id: Some(task_id("T-2")), ..Claim::default() };
        call::mutate(&mut *store, &me, &Settings::default(), &claim).expect("it is ready");
        std::fs::write(&finished, "").expect("the directory is ours");
    });
    assert_eq!(outcome(result), Outcome::Done);
    assert_eq!((stores.task("T-1").state, stores.task("T-2").state), (TaskState::Done, TaskState::Ready));
}

/// The results that are kept for a store, as their texts.
fn kept(stores: &TestStores) -> Vec<String> {
    let entries = std::fs::read_dir(stores.dir().join("kept")).expect("a directory");
    let files = entries.map(|entry| entry.expect("it can be read").path());
    files.map(|path| std::fs::read_to_string(path).expect("a text")).collect()
}

/// Lets the store fail while it is written, from when the program makes a file until it is asked to stop.
fn with_unwritable(
    stores: &TestStores,
    work: &Work,
    until_told: &str,
    then: impl FnOnce(&Signals, &Heard) + Send,
) -> (Result<WorkReport, OpError>, Heard) {
    std::fs::create_dir(stores.dir().join("kept")).expect("a new directory");
    let failing = FailingStores::new(stores);
    let signals = Signals::default();
    let heard = Heard::default();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            stores.until_made("started");
            failing.set_failing(true);
            std::fs::write(stores.dir().join("go"), "").expect("the directory is ours");
            while !heard.lines().iter().any(|line| line.contains(until_told)) {
                thread::yield_now();
            }
            then(&signals, &heard);
            failing.set_failing(false);
        });
        let mut listener = &heard;
        work_until(&signals, &Orders::default(), &failing, &Settings::default(), work, &mut listener)
    });
    (result, heard)
}

fn finishing(stores: &TestStores) -> Work {
    let (started, go) = (stores.dir().join("started"), stores.dir().join("go"));
    shell(&format!("touch '{}'; until [ -e '{}' ]; do :; done; echo the result", started.display(), go.display()))
}

#[test]
fn a_result_waits_for_a_store_that_cannot_be_written_for_a_while() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let (result, heard) = with_unwritable(&stores, &finishing(&stores), "trying again", |_, _| {});
    assert_eq!(outcome(result), Outcome::Done, "{:?}", heard.lines());
    assert_eq!(stores.task("T-1").result.as_deref(), Some("the result"));
    assert!(kept(&stores).is_empty());
    assert!(
        heard.lines().iter().any(|line| line.contains("cannot be handed in: the disk is full; trying again for")),
        "{:?}",
        heard.lines()
    );
}

#[test]
fn a_result_that_must_be_given_up_is_kept_and_handed_in_by_the_next_worker() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let (result, _) = with_unwritable(&stores, &finishing(&stores), "trying again", |signals, heard| {
        signals.raise();
        while !heard.lines().iter().any(|line| line.contains("could not leave")) {
            thread::yield_now();
        }
    });
    let error = result.expect_err("it could not be handed in");
    assert_eq!(error.code(), ErrorCode::Interrupted);
    // A worker's process ends here, and so does its session; this one goes on.
    stores.order_as_holder("T-1", &Leave {});
    let path = error.json()["error"]["details"]["kept"].as_str().expect("a path").to_owned();
    assert!(error.to_string().contains(&path) && kept(&stores)[0].contains("the result"), "{error}");
    // The session is over, the task is ready: nobody had it since, so it is not done again.
    let (result, heard) = work_with(&stores, &Work { once: true, ..shell("echo done again") });
    assert_eq!(result.expect_err("nothing is left to do").code(), ErrorCode::NothingReady, "{:?}", heard.lines());
    let task = stores.task("T-1");
    assert_eq!((task.state, task.result.as_deref()), (TaskState::Done, Some("the result")));
    assert!(kept(&stores).is_empty());
    assert!(heard.lines().iter().any(|line| line.starts_with("T-1 is done: the result of ada")), "{:?}", heard.lines());
}

#[test]
fn a_kept_result_that_is_refused_becomes_a_note() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let interrupt = |signals: &Signals, _: &Heard| {
        signals.raise();
        while kept(&stores).is_empty() {
            thread::yield_now();
        }
    };
    with_unwritable(&stores, &finishing(&stores), "trying again", interrupt).0.expect_err("it could not be handed in");
    // Somebody else had it meanwhile, and knows more than this result.
    let bob = Join { name: Some("bob".parse().expect("a name")), ..Join::default() };
    stores.order(&bob);
    let mut store = stores.open().expect("it opens");
    let claim = Claim { id: Some(task_id("T-1")), ..Claim::default() };
    let me = Caller::named("bob".parse().expect("a name"));
    call::mutate(&mut *store, &me, &Settings::default(), &claim).expect("it is ready");
    attempt::release_own(&mut *store, &me, &Settings::default(), &task_id("T-1")).expect("it is his");
    let (result, _) = work_once(&stores, "echo done anew");
    assert_eq!(outcome(result), Outcome::Done);
    let shown = stores.ask(&oarlock_ops::task::ShowTask { id: task_id("T-1"), limit: None, after: None });
    let note = shown.events.iter().find(|event| event.kind == "task_noted").expect("a note");
    let text = note.data["text"].as_str().expect("a text");
    assert!(text.starts_with("ada finished this under token") && text.ends_with("the result"), "{text}");
    assert!(kept(&stores).is_empty());
    assert_eq!(shown.task.result.as_deref(), Some("done anew"));
}

#[test]
fn a_result_that_can_be_kept_nowhere_is_printed() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let (result, heard) = with_unwritable(&stores, &finishing(&stores), "trying again", |signals, heard| {
        std::fs::remove_dir(stores.dir().join("kept")).expect("it is empty");
        signals.raise();
        while heard.outputs().is_empty() {
            thread::yield_now();
        }
    });
    let error = result.expect_err("it could not be handed in");
    assert_eq!(error.json()["error"]["details"]["result"], "the result");
    assert!(heard.outputs().contains(&"the result".to_owned()), "{:?}", heard.outputs());
}

#[test]
fn a_result_that_comes_too_late_is_a_note_of_the_task() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let take_over = Join { name: Some("ada".parse().expect("a name")), take_over: true, ..Join::default() };
    let (go, script) = (stores.dir().join("go"), "trap '' TERM");
    let script = format!("{script}; until [ -e '{}' ]; do :; done; echo the result", go.display());
    let (result, heard) = meanwhile(&stores, &script, || {
        stores.order(&take_over);
        std::fs::write(&go, "").expect("the directory is ours");
    });
    // Whichever is noticed first: that the program has ended, or that its task is gone, which is no result.
    let shown = stores.ask(&oarlock_ops::task::ShowTask { id: task_id("T-1"), limit: None, after: None });
    let noted = shown.events.iter().any(|event| event.kind == "task_noted" && event.data["text"].to_string().contains("the result"));
    let was_stopped = result.as_ref().is_ok_and(|report| report.tasks[0].outcome == Outcome::Lost);
    assert!(noted || was_stopped, "{result:?} {:?}", heard.lines());
}
