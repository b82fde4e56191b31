//! The runner: `work` and `run`, with shell scripts for agents.

mod documents;
mod lost;
mod radar;
mod run;
mod worktree;

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
    assert_eq!((reply.code, reply.stderr.as_str()), (1, ""));
    let report = object(&reply.stdout, "work");
    assert_eq!((&report["failed"], &report["tasks"][0]["outcome"]), (&1.into(), &"failed".into()), "{report}");
    let task = project.task("T");
    assert_eq!((&task["state"], &task["attempt"]), (&"scheduled".into(), &1.into()));
    let failed = project.ok("events --kind task_failed")["events"][0]["data"].clone();
    let reason = failed["reason"].as_str().expect("a text");
    assert!(reason.contains("what went wrong") && reason.contains('3'), "{reason}");
    // The next attempt learns what went wrong with the one before.
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
    // Anyone who gets the task now is not disturbed by the remains of the one before.
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

#[test]
fn an_outage_of_some_seconds_does_not_use_up_a_queue() {
    let project = Project::new();
    for n in 1..=3 {
        project.ok(&format!("add t --id T{n}"));
    }
    // The service is away until the fourth attempt, which says when it begins.
    let (asked, answer) = (fifo(&project, "asked"), fifo(&project, "answer"));
    let script = format!(
        "echo a >> attempts; [ $(wc -l < attempts) -lt 4 ] && exit 1; echo $OARLOCK_TASK > {}; read x < {}",
        asked.display(),
        answer.display()
    );
    project.write(".oarlock/config.toml", "retry_first = \"1s\"\n");
    let worker = project.call_args(&args(&["--as", "ada"], &script)).plain().start();
    heard(&asked);
    let states: Vec<String> = (1..=3).map(|n| project.task(&format!("T{n}"))["state"].as_str().expect("a word").to_owned()).collect();
    assert!(!states.contains(&"dead".to_owned()), "{states:?}");
    worker.signal(Signal::TERM);
    let output = worker.output();
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    for wait in ["2 failures in a row: the next claim waits 1 s", "3 failures in a row: the next claim waits 2 s"] {
        assert!(said.contains(wait), "{said}");
    }
}

#[test]
fn a_first_failure_is_not_tried_again_at_once() {
    let project = Project::new();
    project.ok("add t --id T");
    assert_eq!(project.call_args(&args(&["--as", "ada", "--once"], "false")).run().code, 1);
    let task = project.task("T");
    assert!(task["retry_in_ms"].as_i64().is_some_and(|ms| (10_000..=22_500).contains(&ms)), "{task}");
    project.call_args(&args(&["--as", "ada", "--once"], "true")).fails(8, "nothing_ready");
}

/// A script whose child has left its session and stays behind; it shows that child's pid.
#[cfg(target_os = "linux")]
fn detaching(project: &Project, then: &str) -> (std::path::PathBuf, String) {
    let told = fifo(project, "told");
    let script = format!(
        "setsid sh -c 'trap \"\" TERM HUP; echo $$ > {}; touch told; while :; do sleep 1; done' > /dev/null 2>&1 < /dev/null & {then}",
        told.display()
    );
    (told, script)
}

#[test]
#[cfg(target_os = "linux")]
fn what_has_left_the_session_ends_with_the_attempt_the_cancelling_and_the_worker() {
    let project = Project::with(&["bob"]);
    for id in ["DONE", "CANCELLED", "KILLED"] {
        project.ok(&format!("add t --id {id}"));
        let never = fifo(&project, &format!("never-{id}"));
        let then =
            if id == "DONE" { "until [ -e told ]; do :; done; echo fine".to_owned() } else { format!("read x < {}", never.display()) };
        let (told, script) = detaching(&project, &then);
        let worker = project.call_args(&args(&["--as", "ada", "--once"], &script)).plain().start();
        let detached: i32 = heard(&told).trim().parse().expect("a number");
        match id {
            "DONE" => {}
            "CANCELLED" => drop(project.ok("cancel CANCELLED")),
            _ => worker.signal(Signal::KILL),
        }
        let output = worker.output();
        assert!(gone(detached), "{id}: it goes on");
        if id == "DONE" {
            assert!(output.status.success());
            assert_eq!(project.task("DONE")["result"].as_str().map(str::trim), Some("fine"));
        }
        std::fs::remove_file(&told).expect("it is there");
    }
    project.claim("KILLED", "bob");
}

#[test]
fn how_a_command_ended_is_told_as_it_was() {
    let project = Project::new();
    for (id, script, reason) in
        [("A", "exit 77", "exit status 77"), ("B", "kill -TERM $$", "signal 15 (SIGTERM)"), ("C", "kill -SEGV $$", "signal 11 (SIGSEGV)")]
    {
        project.ok(&format!("add t --id {id} --max-attempts 1"));
        assert_eq!(project.call_args(&args(&["--as", "ada", "--once"], script)).run().code, 1);
        let failed = project.ok(&format!("task {id}"))["events"].clone();
        let failed = failed.as_array().expect("a list").iter().find(|event| event["kind"] == "task_failed").cloned();
        assert_eq!(failed.expect("it failed")["data"]["reason"], reason);
    }
}
