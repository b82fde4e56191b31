//! Agents that know only RALF's files, beside agents that use the store.

use std::fs;

use serde_json::json;

use crate::support::Project;

const BEATS: &str = ".autonomous/agents/communications/heartbeat.yaml";
const QUEUE: &str = ".autonomous/agents/communications/queue.yaml";
const EVENTS: &str = ".autonomous/agents/communications/events.yaml";

/// A project of theirs: two tasks in files, one of them in the queue too, and one that is only there.
fn ralf() -> Project {
    let project = Project::none();
    project.write(BEATS, "heartbeats: {}\nmetadata:\n  timeout_seconds: 120\n");
    project.write(
        QUEUE,
        "# what is next\nqueue:\n  - id: TASK-1\n    status: pending   # the planner's\n    title: 'One'\n  - id: TASK-3\n    title: Three\n    status: pending\n    dependencies: [TASK-1]\n\nmetadata:\n  current_depth: 2\n",
    );
    project.write(EVENTS, "- timestamp: '2026-02-01T16:01:00Z'\n  type: info\n");
    project.write("tasks/active/TASK-1/task.md", "# TASK-1: One\n\n**Status:** pending\n**Priority:** HIGH\n\n## Objective\n\nDo it.\n");
    project.write(".autonomous/tasks/active/TASK-2-two.md", "# TASK-2: Two\n\n**Status**: pending\n");
    project.write("tasks/completed/TASK-0/task.md", "# TASK-0: Zero\n\n**Status:** pending\n");
    project
}

fn read(project: &Project, file: &str) -> String {
    fs::read_to_string(project.root().join(file)).expect("a file")
}

/// What a look did, as "2 tasks" and so on.
fn sync(project: &Project) -> (serde_json::Value, serde_json::Value, serde_json::Value) {
    let reply = project.ok("ralf sync .");
    assert_eq!(reply["warnings"], json!([]), "{reply}");
    (reply["imported"].clone(), reply["exported"].clone(), reply["conflicts"].clone())
}

#[test]
fn the_files_are_read_without_a_store() {
    let project = ralf();
    let status = project.ok("ralf status .");
    assert_eq!((&status["tasks"], &status["queue"], &status["events"]), (&json!({"done": 1, "ready": 2}), &json!(2), &json!(1)));
    assert!(project.text("ralf tasks .").contains("TASK-2-two"));
    assert!(project.text("ralf doctor .").contains("nothing is wrong"));
    project.write(EVENTS, "- id: 1\n  impact: a: b\n- id: 2\n");
    let doctor = project.call("ralf doctor .").run();
    assert_eq!(doctor.code, 65);
    let doctor: serde_json::Value = serde_json::from_str(&doctor.stdout).expect("JSON");
    let fault = &doctor["faults"][0];
    assert_eq!((&fault["file"], &fault["line"], &fault["recovered"], &fault["lost"]), (&json!(EVENTS), &json!(2), &json!(1), &json!(0)));
    assert_eq!(project.ok("ralf events .")["events"][0]["data"]["impact"], "a: b");
    project.fails("ralf status missing", 3, "not_found");
    project.fails("ralf agents . --watch", 2, "invalid_request");
    project.fails("ralf sync .", 3, "not_found");
}

#[test]
fn attaching_brings_everything_in_once() {
    let project = ralf();
    let planned = project.ok("ralf attach . --dry-run");
    assert_eq!(planned["imported"], json!({"tasks": 3}));
    assert_eq!(project.ok("ralf attach .")["imported"], json!({"tasks": 3}));
    assert_eq!(project.ok("ralf attach .")["imported"], json!({}));
    let tasks = project.ok("tasks")["tasks"].clone();
    let ids: Vec<_> = tasks.as_array().expect("tasks").iter().map(|task| task["id"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(ids, ["TASK-1", "TASK-2-two", "TASK-3"]);
    assert_eq!((&tasks[0]["priority"], &tasks[2]["state"]), (&json!(1), &json!("blocked")));
    let before = [read(&project, QUEUE), read(&project, BEATS), read(&project, EVENTS), read(&project, "tasks/active/TASK-1/task.md")];
    sync(&project);
    let after = [read(&project, QUEUE), read(&project, BEATS), read(&project, EVENTS), read(&project, "tasks/active/TASK-1/task.md")];
    assert_eq!(before, after, "a look at nothing new changes no byte");
}

#[test]
fn what_is_claimed_in_the_store_shows_in_the_files_and_nothing_else_does() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    let (queue, task) = (read(&project, QUEUE), read(&project, "tasks/active/TASK-1/task.md"));
    let (imported, exported, _) = sync(&project);
    assert_eq!((imported, exported), (json!({}), json!({"claims": 1, "events": 1, "heartbeats": 1})));
    let shown = read(&project, QUEUE);
    let added = "    claimed_by: \"ada\"\n    claimed_at: \"";
    assert!(shown.contains(added), "{shown}");
    let without: String = shown.lines().filter(|line| !line.contains("claimed_")).fold(String::new(), |out, line| out + line + "\n");
    assert_eq!(without, queue.replace("status: pending   # the", "status: \"claimed\"   # the"), "every other byte stays");
    assert_eq!(read(&project, "tasks/active/TASK-1/task.md"), task.replace("pending", "in_progress"));
    assert!(read(&project, BEATS).contains("  ada:\n    last_seen: \""));
    assert!(read(&project, EVENTS).ends_with("  type: \"started\"\n  agent: \"ada\"\n  source: \"oarlock\"\n"));
    project.ok("release TASK-1 --as ada");
    assert_eq!(sync(&project).1, json!({"events": 1, "releases": 1}));
    assert_eq!(read(&project, "tasks/active/TASK-1/task.md"), task);
    project.ok("claim TASK-1 --as ada");
    project.ok("done TASK-1 --as ada");
    sync(&project);
    assert!(!project.root().join("tasks/active/TASK-1").exists());
    assert!(read(&project, "tasks/completed/TASK-1/task.md").contains("**Status:** completed"));
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])), "and then there is nothing left to do");
}

#[test]
fn an_old_script_is_an_agent_and_holds_what_it_takes() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.write(
        BEATS,
        "heartbeats:\n  executor:\n    last_seen: '2999-01-01T00:00:00Z'\n    status: running\nmetadata:\n  timeout_seconds: 120\n",
    );
    let queue = read(&project, QUEUE);
    project.write(QUEUE, queue.replace("status: pending   #", "status: claimed\n    claimed_by: executor\n    claimed_at: now #"));
    let (imported, _, _) = sync(&project);
    assert_eq!(imported, json!({"agents": 1, "claims": 1, "heartbeats": 1}));
    let executor = project.ok("agent executor");
    assert_eq!((&executor["agent"]["state"], &executor["agent"]["claims"]), (&json!("active"), &json!(["TASK-1"])));
    project.fails("claim TASK-1 --as ada", 4, "lease_held");
    // It finishes as old scripts do: it moves the folder.
    fs::create_dir_all(project.root().join("tasks/completed")).expect("a folder");
    fs::rename(project.root().join("tasks/active/TASK-1"), project.root().join("tasks/completed/TASK-1")).expect("moves");
    assert_eq!(sync(&project).0["completions"], 1);
    assert_eq!(project.ok("task TASK-1")["task"]["state"], "done");
    assert_eq!(project.ok("task TASK-3")["task"]["state"], "ready", "what waited for it goes on");
}

#[test]
fn a_live_lease_beats_a_file() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    let queue = read(&project, QUEUE);
    project.write(QUEUE, queue.replace("status: pending   #", "status: claimed\n    claimed_by: executor #"));
    let conflicts = sync(&project).2;
    assert_eq!(conflicts, json!([{"task": "TASK-1", "files": "claimed by executor", "store": "claimed by ada", "kept": "store"}]));
    assert!(read(&project, QUEUE).contains("claimed_by: \"ada\" #"));
    let history = project.ok("task TASK-1")["events"].to_string();
    assert!(history.contains("claimed by executor") && history.contains("claimed by ada"), "{history}");
    // A task that nobody holds is closed by the move alone.
    let two = ".autonomous/tasks/active/TASK-2-two.md";
    fs::create_dir_all(project.root().join(".autonomous/tasks/completed")).expect("a folder");
    fs::rename(project.root().join(two), project.root().join(".autonomous/tasks/completed/TASK-2-two.md")).expect("moves");
    assert_eq!(sync(&project).0["completions"], 1);
    assert_eq!(project.ok("task TASK-2-two")["task"]["state"], "done");
}

#[test]
fn after_detaching_both_go_their_own_ways() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    assert_eq!(project.ok("ralf detach .")["exported"]["claims"], 1);
    project.fails("ralf sync .", 3, "not_found");
    project.ok("release TASK-1 --as ada");
    assert!(read(&project, QUEUE).contains("claimed_by: \"ada\""));
    assert_eq!(project.ok("ralf attach .")["exported"]["releases"], 1, "and can be brought together again");
}
