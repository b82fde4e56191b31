//! `run`: from a document to its result, with several workers.

use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

use crate::support::{Project, THREE_PARTS, fifo, heard, object};

/// `run` with a shell script.
pub(super) fn args<'a>(target: &'a str, flags: &[&'a str], script: &'a str) -> Vec<&'a str> {
    [&["run", target][..], flags, &["--", "sh", "-c", script]].concat()
}

/// The ids of the parts of a report, with a field of each.
fn parts(report: &Value, field: &str) -> Vec<(String, Value)> {
    report["parts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|part| (part["id"].as_str().expect("an id").to_owned(), part[field].clone()))
        .collect()
}

#[test]
fn a_document_is_worked_on_by_several_workers_and_its_results_are_joined_in_order() {
    let project = Project::none();
    project.write("plan.md", THREE_PARTS);
    let report = project.call_args(&args("plan.md", &["--agents", "3"], "echo did $OARLOCK_TASK")).ok();
    assert!(project.store().exists(), "it makes the project");
    for field in ["task", "agents", "parts", "wall_ms", "serial_ms", "bound_ms", "result"] {
        assert!(report.get(field).is_some(), "{field} of {report}");
    }
    assert_eq!(report["task"], "plan");
    for part in report["parts"].as_array().expect("a list") {
        for field in ["id", "title", "agent", "attempts", "state", "wall_ms", "result"] {
            assert!(part.get(field).is_some(), "{field} of {part}");
        }
        assert_eq!((&part["state"], &part["attempts"]), (&"done".into(), &1.into()));
    }
    let agents = report["agents"].as_array().expect("a list");
    assert!(agents.iter().all(|agent| agent["name"].is_string() && agent["wall_ms"].is_i64()));
    assert_eq!(agents.iter().filter_map(|agent| agent["parts"].as_u64()).sum::<u64>(), 3);
    let results: Vec<(String, Value)> = parts(&report, "result");
    for (n, (id, result)) in results.iter().enumerate() {
        assert_eq!(*id, format!("plan-SUB{}", n + 1));
        assert_eq!(result.as_str().map(str::trim_end), Some(format!("did {id}").as_str()));
    }
    let joined = report["result"].as_str().expect("a text");
    let places: Vec<Option<usize>> = (1..=3).map(|n| joined.find(&format!("did plan-SUB{n}"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{joined}");
    let task = project.task("plan");
    assert_eq!((&task["state"], &task["result"]), (&"done".into(), &report["result"]));
    assert_eq!(project.ok("agents")["active"], 0, "the workers have left");
}

#[test]
fn a_worker_killed_in_the_middle_loses_nothing() {
    let project = Project::none();
    project.write("plan.md", THREE_PARTS);
    let never = fifo(&project, "never");
    // The first to work on the second part kills its worker, which takes it along.
    let script = format!(
        "if [ $OARLOCK_TASK = plan-SUB2 ] && mkdir first 2>/dev/null; then kill -9 $(cut -d' ' -f4 /proc/$PPID/stat); read x < {}; fi; echo did $OARLOCK_TASK",
        never.display()
    );
    let report = project.call_args(&args("plan.md", &["--agents", "3"], &script)).ok();
    let attempts = |n: i64| json!(n);
    assert_eq!(
        parts(&report, "attempts"),
        [("plan-SUB1".to_owned(), attempts(1)), ("plan-SUB2".to_owned(), attempts(2)), ("plan-SUB3".to_owned(), attempts(1))]
    );
    assert!(parts(&report, "state").iter().all(|(_, state)| state == "done"), "{report}");
    assert_eq!(project.kinds_of("plan-SUB2").iter().filter(|kind| *kind == "lease_lost").count(), 1);
    for n in 1..=3 {
        assert_eq!(project.kinds_of(&format!("plan-SUB{n}")).iter().filter(|kind| *kind == "task_done").count(), 1);
    }
}

#[test]
fn a_document_that_cannot_be_split_is_one_task_for_one_worker() {
    let project = Project::none();
    project.write("one.md", "# TASK-3: Do one thing\n\nJust do it.\n");
    let report = project.call_args(&args("one.md", &["--agents", "3"], "cat; echo $OARLOCK_TASK")).ok();
    assert_eq!((&report["task"], report["parts"].as_array().map(Vec::len)), (&"one".into(), Some(1)), "{report}");
    assert_eq!(report["parts"][0]["id"], "one");
    assert!(report["result"].as_str().is_some_and(|text| text.contains("Just do it.")), "{report}");
    assert_eq!(report["agents"].as_array().map(Vec::len), Some(1));
    assert_eq!(project.task("one")["state"], "done");
}

#[test]
fn an_unfinished_file_is_continued_and_a_finished_one_is_not_done_again() {
    let project = Project::with(&["ada"]);
    project.write("plan.md", THREE_PARTS);
    project.ok("split plan.md");
    project.claim("plan-SUB1", "ada");
    project.ok("done plan-SUB1 --result 'by ada' --as ada");
    let report = project.call_args(&args("plan.md", &["--agents", "2"], "echo by worker")).run();
    let report = report.ok();
    let results = parts(&report, "result");
    assert_eq!(results[0], ("plan-SUB1".to_owned(), json!("by ada")));
    assert_eq!(project.task("plan")["state"], "done");
    let cursor = project.ok("events --kind task_done")["events"].as_array().map(Vec::len);
    let reply = project.call_args(&args("plan.md", &[], "echo again")).run();
    assert_eq!(reply.code, 4, "{} {}", reply.stdout, reply.stderr);
    assert_eq!(project.ok("events --kind task_done")["events"].as_array().map(Vec::len), cursor);
}

#[test]
fn a_task_is_run_like_a_file() {
    let project = Project::new();
    project.write("plan.md", THREE_PARTS);
    project.ok("add t --id T --body-file plan.md");
    let report = project.call_args(&args("T", &["--agents", "3"], "echo did $OARLOCK_TASK")).ok();
    assert_eq!(parts(&report, "state").len(), 3, "{report}");
    assert_eq!(project.task("T")["state"], "done");
    project.call_args(&args("NOPE", &[], "true")).fails(3, "not_found");
    project.call_args(&args("nope.md", &[], "true")).fails(3, "not_found");
    project.ok("add u --id U");
    project.call_args(&args("U", &["--agents", "0"], "true")).fails(2, "invalid_request");
    project.call_args(&args("U", &["--agents", "257"], "true")).fails(2, "invalid_request");
}

#[test]
fn a_projects_number_of_agents_is_not_cut_in_silence() {
    let project = Project::new();
    project.write(".oarlock/config.toml", "agents = 40\n");
    project.ok("add t --id T --body '1. a\n2. b'");
    let told = |line: &str| project.call(line).plain().run().stderr;
    let split = told("split T --dry-run");
    assert!(split.contains("`agents = 40`") && split.contains("counts as 8") && split.contains("--agents 40"), "{split}");
    assert!(told("run T -- true").contains("counts as 8"));
    project.call("split T --dry-run").ok();
    for line in ["split T --dry-run --agents 9", "status", "run T --agents 2 -- true"] {
        assert!(!told(line).contains("counts as"), "{line}");
    }
}

#[test]
fn a_run_that_cannot_go_on_ends_with_its_report() {
    let project = Project::new();
    project.write(".oarlock/config.toml", "max_attempts = 1\n");
    project.write("plan.md", THREE_PARTS);
    let reply = project.call_args(&args("plan.md", &["--agents", "3"], "echo no >&2; exit 1")).run();
    reply.fails(4, "state_conflict");
    let report = object(&reply.stdout, "run");
    assert!(parts(&report, "state").iter().all(|(_, state)| state == "dead"), "{report}");
    assert_eq!(project.ok("status")["dead_letters"].as_array().map(Vec::len), Some(3));
    assert_eq!(project.ok("agents")["active"], 0);
}

#[test]
fn a_command_that_cannot_be_started_ends_the_run() {
    let project = Project::none();
    project.write("plan.md", THREE_PARTS);
    let reply = project.call_args(&["run", "plan.md", "--agents", "2", "--", "/nonexistent/program"]).run();
    assert!([2, 4].contains(&reply.code), "{} {}", reply.code, reply.stderr);
    assert_eq!(project.ok("tasks --state claimed")["tasks"], json!([]));
}

#[test]
fn two_runs_in_one_project_do_not_take_each_others_parts() {
    let project = Project::new();
    for name in ["a.md", "b.md"] {
        project.write(name, THREE_PARTS.replace("src/", &format!("{}/", &name[..1])));
    }
    let both = ["a.md", "b.md"].map(|name| project.call_args(&args(name, &["--agents", "3"], "echo did $OARLOCK_TASK")).start());
    for (name, running) in ["a", "b"].iter().zip(both) {
        let report = running.reply().ok();
        assert_eq!(report["agents"].as_array().expect("a list").iter().filter_map(|agent| agent["parts"].as_u64()).sum::<u64>(), 3);
        assert!(parts(&report, "id").iter().all(|(id, _)| id.starts_with(&format!("{name}-SUB"))), "{report}");
    }
    // Nobody finished parts of both.
    let events = project.ok("events --kind task_done")["events"].clone();
    let owners: BTreeSet<(String, String)> = events
        .as_array()
        .expect("a list")
        .iter()
        .filter(|event| event["subject"].as_str().is_some_and(|id| id.contains("-SUB")))
        .map(|event| (event["agent"].to_string(), event["subject"].as_str().unwrap_or_default()[..1].to_owned()))
        .collect();
    let agents: BTreeSet<&String> = owners.iter().map(|(agent, _)| agent).collect();
    assert_eq!(agents.len(), owners.len(), "{owners:?}");
}

#[test]
fn following_a_run_prints_events_and_the_report_comes_last() {
    let project = Project::none();
    project.write("plan.md", THREE_PARTS);
    let call = project.call_args(&[&["--json"][..], &args("plan.md", &["--agents", "3", "--follow"], "true")].concat());
    let output = call.start().output();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect();
    let report = lines.pop().expect("a report");
    assert_eq!(report["task"], "plan");
    let done = lines.iter().filter(|event| event["kind"] == "task_done" && event["cursor"].is_string()).count();
    assert_eq!(done, 4, "{text}");
}

#[test]
fn a_run_that_is_told_to_stop_gives_everything_back() {
    let project = Project::new();
    project.write("plan.md", THREE_PARTS);
    let (started, never) = (fifo(&project, "started"), fifo(&project, "never"));
    let script = format!("echo $$ > {}; read x < {}", started.display(), never.display());
    let running = project.call_args(&args("plan.md", &["--agents", "3"], &script)).start();
    heard(&started);
    running.signal(Signal::TERM);
    let reply = running.reply();
    assert_eq!(reply.code, 130, "{}", reply.stderr);
    let ready = project.ok("ready")["tasks"].as_array().map(Vec::len);
    assert_eq!(ready, Some(3), "{}", project.ok("tasks"));
    assert_eq!(project.ok("agents")["active"], 0);
    // Afterwards it goes on where it was.
    fs::remove_file(&never).expect("it is there");
    assert_eq!(project.call_args(&args("plan.md", &["--agents", "2"], "true")).ok()["task"], "plan");
}
