//! The runner: `work` and `run`, with shell scripts for agents.

mod run;

use rustix::process::Signal;
use serde_json::json;
use std::fs;

use crate::support::{Project, fifo, gone, heard, object};

/// `work` with a shell script.
fn args<'a>(flags: &[&'a str], script: &'a str) -> Vec<&'a str> {
    [&["work"][..], flags, &["--", "sh", "-c", script]].concat()
}

#[test]
fn a_worker_runs_its_command_for_a_task_and_takes_its_output_for_the_result() {
    let project = Project::new();
    project.call("add 'the title' --id T --body -").input("the body\n").ok();
    let dir = project.root().join("below");
    fs::create_dir_all(&dir).expect("a new directory");
    let script = "cat > got.md; env | grep ^OARLOCK_ | sort > env.txt; pwd > pwd.txt; echo noise >&2; echo the result";
    let report = project.call_args(&args(&["--as", "ada", "--once"], script)).dir(&dir).ok();
    assert_eq!((&report["agent"], &report["done"]), (&"ada".into(), &1.into()), "{report}");

    let task = project.task("T");
    assert_eq!((&task["state"], task["result"].as_str().map(str::trim_end)), (&"done".into(), Some("the result")));
    let read = |name: &str| fs::read_to_string(dir.join(name)).expect("the command wrote it");
    let markdown = read("got.md");
    assert!(markdown.contains("the title") && markdown.contains("the body"), "{markdown}");
    assert_eq!(fs::canonicalize(read("pwd.txt").trim()).expect("a path"), fs::canonicalize(&dir).expect("a path"));
    let claimed = project.ok("events --kind task_claimed")["events"][0].clone();
    let wanted = [
        "OARLOCK_AGENT=ada".to_owned(),
        format!("OARLOCK_SESSION={}", claimed["session"].as_str().expect("a session")),
        format!("OARLOCK_STORE=sqlite:{}", fs::canonicalize(project.store()).expect("a path").display()),
        "OARLOCK_TASK=T".to_owned(),
        format!("OARLOCK_TOKEN={}", claimed["data"]["token"]),
    ];
    assert_eq!(read("env.txt").lines().collect::<Vec<_>>(), wanted);
    assert_eq!(project.ok("agent ada")["agent"]["state"], "left");
}

#[test]
fn what_a_worker_starts_calls_with_its_identity() {
    let project = Project::new();
    project.ok("add t --id T");
    let script =
        r#""$BIN" sync phase=inside -q && "$BIN" note T 'from inside' -q && unset OARLOCK_AGENT OARLOCK_SESSION && "$BIN" heartbeat -q"#;
    let call = project.call_args(&args(&["--as", "ada", "--once"], script)).env("BIN", env!("CARGO_BIN_EXE_oarlock"));
    assert_eq!(call.ok()["done"], 1);
    assert_eq!(project.ok("state agent/ada")["entries"][0]["value"], json!({"phase": "inside"}));
    let result = project.task("T")["result"].as_str().expect("a text").to_owned();
    assert!(result.ends_with("ada"), "without a name it is known by the processes above it: {result}");
}

#[test]
fn a_command_that_fails_makes_a_failed_attempt_with_its_last_words() {
    let project = Project::new();
    project.ok("add t --id T");
    let reply = project.call_args(&args(&["--as", "ada", "--once"], "echo out; echo first >&2; echo what went wrong >&2; exit 3")).run();
    assert!([0, 4].contains(&reply.code), "{}", reply.stderr);
    let task = project.task("T");
    assert_eq!((&task["state"], &task["attempt"]), (&"scheduled".into(), &1.into()));
    let failed = project.ok("events --kind task_failed")["events"][0]["data"].clone();
    let reason = failed["reason"].as_str().expect("a text");
    assert!(reason.contains("what went wrong") && reason.contains('3'), "{reason}");
    // The next attempt is told what went wrong with the one before.
    let report = project.call_args(&args(&["--as", "ada", "--once"], "cat > again.md")).run();
    assert!([0, 8].contains(&report.code), "{}", report.stderr);
}

#[test]
fn a_command_that_is_killed_makes_a_failed_attempt() {
    let project = Project::new();
    project.ok("add t --id T --max-attempts 1");
    project.call_args(&args(&["--as", "ada", "--once"], "kill -9 $$")).run();
    assert_eq!(project.task("T")["state"], "dead");
}

#[test]
fn a_command_that_cannot_be_started_gives_the_task_back() {
    let project = Project::new();
    project.ok("add t --id T");
    for command in ["/nonexistent/program", "no-such-program-anywhere", "."] {
        let reply = project.call_args(&["work", "--as", "ada", "--once", "--", command]).run();
        assert_eq!(reply.code, 2, "{command}: {}", reply.stderr);
        let task = project.task("T");
        assert_eq!((&task["state"], &task["attempt"]), (&"ready".into(), &0.into()), "{command}");
        assert_eq!(project.ok("agent ada")["agent"]["state"], "left");
    }
}

#[test]
fn once_without_a_task_has_nothing_ready() {
    let project = Project::new();
    project.call_args(&args(&["--as", "ada", "--once"], "true")).fails(8, "nothing_ready");
    project.ok("join bob");
    project.call_args(&args(&["--as", "bob", "--once"], "true")).fails(4, "already_exists");
    Project::none().call_args(&args(&["--once"], "true")).fails(3, "not_found");
}

#[test]
fn a_worker_goes_on_waiting_and_gives_everything_back_when_it_is_told_to_stop() {
    let project = Project::with(&["bob"]);
    let (started, never) = (fifo(&project, "started"), fifo(&project, "never"));
    let script = format!("if [ $OARLOCK_TASK = T1 ]; then exit 0; fi; echo $$ > {}; read x < {}", started.display(), never.display());
    let worker = project.call_args(&args(&["--as", "ada"], &script)).start();
    project.ok("add first --id T1");
    assert_eq!(project.ok("wait T1 --timeout 60s")["tasks"][0]["state"], "done");
    project.ok("add second --id T2");
    let child: i32 = heard(&started).trim().parse().expect("a number");
    assert_eq!(project.task("T2")["state"], "claimed");
    worker.signal(Signal::TERM);
    let reply = worker.reply();
    assert_eq!(reply.code, 130, "{}", reply.stderr);
    assert!(gone(child), "the command goes on");
    let task = project.task("T2");
    assert_eq!((&task["state"], &task["attempt"]), (&"ready".into(), &0.into()));
    assert_eq!(project.ok("agent ada")["agent"]["state"], "left");
    project.claim("T2", "bob");
}

#[test]
fn a_worker_stops_its_command_when_the_task_is_cancelled() {
    let project = Project::new();
    project.ok("add t --id T");
    let (started, never) = (fifo(&project, "started"), fifo(&project, "never"));
    let script = format!("echo $$ > {}; read x < {}", started.display(), never.display());
    let worker = project.call_args(&args(&["--as", "ada", "--once"], &script)).start();
    let child: i32 = heard(&started).trim().parse().expect("a number");
    project.ok("cancel T");
    assert!(gone(child), "the command goes on");
    let reply = worker.reply();
    assert_ne!(reply.code, 70, "{}", reply.stderr);
    assert_eq!(project.task("T")["state"], "cancelled");
}

#[test]
fn what_a_killed_workers_command_has_started_dies_too() {
    let project = Project::with(&["bob"]);
    project.ok("add t --id T");
    let (started, never) = (fifo(&project, "started"), fifo(&project, "never"));
    let script = format!("sh -c 'echo $$ > {}; read x < {}' & wait", started.display(), never.display());
    let worker = project.call_args(&args(&["--as", "ada"], &script)).plain().start();
    let grandchild: i32 = heard(&started).trim().parse().expect("a number");
    worker.signal(Signal::KILL);
    drop(worker);
    // Whoever gets the task now is not disturbed by what is left of the one before.
    project.claim("T", "bob");
    assert!(gone(grandchild));
}

#[test]
fn the_reply_of_work_is_one_object_and_people_get_lines() {
    let project = Project::new();
    project.ok("add t --id T");
    let reply = project.call_args(&args(&["--as", "ada", "--once"], "echo said >&2; echo result")).plain().run();
    assert_eq!(reply.code, 0, "{}", reply.stderr);
    assert!(reply.stderr.contains("said"), "what the command says is passed on: {}", reply.stderr);
    project.ok("add u --id U");
    let reply = project.call_args(&args(&["--as", "ada", "--once", "--json"], "echo said >&2; echo result")).run();
    object(&reply.stdout, "work");
    assert_eq!(reply.stderr, "");
}
