//! Agents that know only RALF's files, beside agents that use the store.

mod detach;
mod holders;
mod logs;
mod loops;
mod moved;
mod said;
mod which;

use std::fs;

use serde_json::json;

use crate::support::Project;

const BEATS: &str = ".autonomous/agents/communications/heartbeat.yaml";
pub(crate) const QUEUE: &str = ".autonomous/agents/communications/queue.yaml";
const CHAT: &str = ".autonomous/agents/communications/chat-log.yaml";
const STATES: &str = ".autonomous/agents/communications/agent-state.yaml";
const EVENTS: &str = ".autonomous/agents/communications/events.yaml";

/// A project of theirs: two tasks in files, one of them in the queue too, and one that is only there.
pub(crate) fn ralf() -> Project {
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

pub(crate) fn read(project: &Project, file: &str) -> String {
    fs::read_to_string(project.root().join(file)).expect("a file")
}

/// The work of a pass, as "2 tasks" and so on.
fn sync(project: &Project) -> (serde_json::Value, serde_json::Value, serde_json::Value) {
    let reply = project.ok("ralf sync .");
    assert_eq!(reply["warnings"], json!([]), "{reply}");
    (reply["imported"].clone(), reply["exported"].clone(), reply["conflicts"].clone())
}

#[test]
fn the_files_are_read_without_a_store() {
    let project = ralf();
    let status = project.ok("ralf status .");
    assert_eq!((&status["tasks"], &status["queue"], &status["events"]), (&json!({"done": 1, "ready": 3}), &json!(2), &json!(1)));
    assert_eq!(status["attach"], json!({"tasks": 3, "claims": 0}), "as many as attaching brings in");
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
    let (queue, task) = (read(&project, QUEUE), read(&project, "tasks/active/TASK-1/task.md"));
    project.ok("claim TASK-1 --as ada");
    let claimed = read(&project, QUEUE);
    let (imported, exported, _) = sync(&project);
    assert_eq!((imported, exported), (json!({}), json!({"events": 1, "heartbeats": 1})));
    assert_eq!(read(&project, QUEUE), claimed, "the claim itself has shown it");
    let shown = read(&project, QUEUE);
    let added = "    claimed_by: \"ada\"\n    claimed_at: \"";
    assert!(shown.contains(added), "{shown}");
    let without: String = shown.lines().filter(|line| !line.contains("claimed_")).fold(String::new(), |out, line| out + line + "\n");
    assert_eq!(without, queue.replace("status: pending   # the", "status: in_progress   # the"), "every other byte stays");
    assert_eq!(read(&project, "tasks/active/TASK-1/task.md"), task.replace("pending", "in_progress"));
    assert!(read(&project, BEATS).contains("  ada:\n    last_seen: \""));
    assert!(read(&project, EVENTS).contains("  type: \"started\"\n  agent: \"ada\"\n  source: \"oarlock\"\n"));
    project.ok("release TASK-1 --as ada");
    assert_eq!(read(&project, "tasks/active/TASK-1/task.md"), task);
    assert_eq!(sync(&project).1, json!({"events": 1}));
    project.ok("claim TASK-1 --as ada");
    project.ok("done TASK-1 --as ada");
    assert!(!project.root().join("tasks/active/TASK-1").exists());
    assert!(read(&project, "tasks/completed/TASK-1/task.md").contains("**Status:** completed"));
    assert_eq!(sync(&project).1, json!({"events": 2}));
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])), "and then there is nothing left to do");
}

#[test]
fn an_old_script_holds_what_it_takes_and_is_an_agent_by_its_heartbeat() {
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
    assert_eq!((&executor["agent"]["state"], &executor["agent"]["claims"]), (&json!("active"), &json!([])));
    let holder = &project.task("TASK-1")["holder"];
    assert_eq!((&holder["outside"], &holder["agent"]), (&json!(true), &json!("executor")));
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
    // Somebody who takes no lock writes over it.
    let queue = read(&project, QUEUE);
    project.write(QUEUE, queue.replace("claimed_by: \"ada\"", "claimed_by: executor"));
    let conflicts = sync(&project).2;
    assert_eq!(conflicts, json!([{"task": "TASK-1", "files": "claimed by executor", "store": "claimed by ada", "kept": "store"}]));
    assert!(read(&project, QUEUE).contains("claimed_by: ada\n"), "{}", read(&project, QUEUE));
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
    assert_eq!(project.ok("ralf detach .")["exported"]["claims"], serde_json::Value::Null, "the claim has shown it");
    project.fails("ralf sync .", 3, "not_found");
    project.ok("release TASK-1 --as ada");
    assert!(read(&project, QUEUE).contains("claimed_by: \"ada\""));
    let two = ".autonomous/tasks/active/TASK-2-two.md";
    project.write(two, "# TASK-2: Two\n\n**Status**: in_progress\n");
    let reply = project.ok("ralf attach .");
    assert_eq!((&reply["imported"]["claims"], &reply["exported"]["releases"]), (&json!(1), &json!(1)), "and can be brought together again");
    project.ok("ralf detach .");
    let reply = project.ok("ralf attach .");
    assert_eq!((&reply["imported"]["claims"], &reply["exported"]), (&json!(null), &json!({})), "what a file says for nobody it still says");
    assert_eq!(project.task("TASK-2-two")["holder"]["outside"], true);
    assert!(read(&project, two).contains("in_progress"));
}

/// The text of a task that is large enough to be split in two.
fn large() -> String {
    let more = "   - every field\n   - damage hides nothing else\n   - tests\n";
    let steps = format!("1. Write `src/a.rs`, the reader (60 minutes)\n{more}2. Write `src/b.rs`, the printer (60 minutes)\n{more}");
    format!("\n## Steps\n\n{steps}\n## Context\n\n{}\n", "The names are those of before. ".repeat(70))
}

#[test]
fn parts_of_a_task_get_files_in_its_layout() {
    let project = ralf();
    let steps = "\n## Steps\n\n1. Write `src/a.rs`, the reader (60 minutes)\n2. Write `src/b.rs`, the printer (60 minutes)\n";
    let files = ["tasks/active/TASK-1/task.md", ".autonomous/tasks/active/TASK-2-two.md"];
    for file in files {
        project.write(file, read(&project, file) + steps);
    }
    project.ok("ralf attach .");
    // As it is, it is too small for that, and every door says so.
    for named in ["TASK-1", files[0]] {
        let plan = project.ok(&format!("split {named} --dry-run"));
        let reason = plan["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("characters of at least 2001, 2 steps of at least 5"), "{named}: {plan}");
    }
    let steps = large();
    for file in files {
        project.write(file, read(&project, file).split("\n## Steps").next().unwrap_or_default().to_owned() + &steps);
    }
    sync(&project);
    for task in ["TASK-1", "TASK-2-two"] {
        assert_eq!(project.ok(&format!("split {task}"))["created"].as_array().map(Vec::len), Some(2), "{task}");
    }
    let exported = sync(&project).1;
    assert_eq!(exported["parts"], json!(4));
    let part = read(&project, "tasks/active/TASK-1-SUB1/task.md");
    let head = "\n\n**Parent Task:** TASK-1\n**Status:** pending\n**Priority:** HIGH\n";
    assert!(part.starts_with("# TASK-1-SUB1: ") && part.contains(head) && part.contains("src/a.rs"), "{part}");
    let headings: Vec<&str> = part.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(headings, ["## Objective", "## Steps", "## Success Criteria", "## Files to Modify"]);
    assert!(read(&project, ".autonomous/tasks/active/TASK-2-two-SUB2.md").contains("src/b.rs"));
    assert!(read(&project, "tasks/active/TASK-1/task.md").contains("**Status:** in_progress"), "nobody begins with the whole");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    // An old script does one part, an agent of the store the other.
    project.ok("join ada");
    project.ok("claim TASK-1-SUB1 --as ada");
    project.ok("done TASK-1-SUB1 --as ada");
    fs::rename(project.root().join("tasks/active/TASK-1-SUB2"), project.root().join("tasks/completed/TASK-1-SUB2")).expect("moves");
    sync(&project);
    assert!(project.root().join("tasks/completed/TASK-1-SUB1/task.md").is_file());
    assert_eq!(project.ok("task TASK-1")["task"]["state"], "ready", "somebody may put them together");
    sync(&project);
    assert!(read(&project, "tasks/active/TASK-1/task.md").contains("**Status:** pending"));
}

#[test]
fn a_trial_makes_nothing() {
    let project = ralf();
    project.ok("ralf attach . --dry-run");
    assert!(!project.root().join(".oarlock").exists());
}

#[test]
fn the_lines_for_loops_work_when_they_are_pasted() {
    let project = ralf();
    project.ok("ralf attach .");
    let hooks = project.ok("ralf hooks .")["hooks"].clone();
    let line = |of: &str, when: &str| {
        let found = hooks
            .as_array()
            .into_iter()
            .flatten()
            .find(|hook| hook["loop"] == of && hook["when"].as_str().is_some_and(|w| w.starts_with(when)));
        found.and_then(|hook| hook["line"].as_str()).expect("a line").to_owned()
    };
    let script = format!(
        "set -e\nfor turn in 1 2 3; do\n{}\n{}\n{}\n[ $turn != 2 ] && {{ {}; }} || {{ {}; }}\ndone\n{}\n{}\n",
        line("executor", "before the loop"),
        line("executor", "to claim"),
        line("executor", "before the child"),
        line("executor", "after a child"),
        line("executor", "after one"),
        line("planner", "before the loop"),
        line("planner", "each turn"),
    );
    let output = project.shell(&script);
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    let states = project.ok("status")["tasks"].clone();
    assert_eq!((&states["done"], &states["scheduled"]), (&json!(2), &json!(1)), "{states}");
    assert_eq!(project.ok("agent planner")["agent"]["action"], "planning");
    assert_eq!(sync(&project).1["completions"], serde_json::Value::Null, "each end has shown itself");
    assert!(read(&project, QUEUE).contains("status: completed"));
}

#[test]
fn watching_tells_each_look_that_found_something() {
    let project = ralf();
    project.ok("ralf attach .");
    let mut watching = project.start("ralf sync . --watch");
    project.write(EVENTS, read(&project, EVENTS) + "- timestamp: now\n  type: info\n");
    let told: serde_json::Value = serde_json::from_str(&watching.line()).expect("a line of JSON");
    assert_eq!(told["imported"], json!({"events": 1}));
    project.ok("join ada");
    let told: serde_json::Value = serde_json::from_str(&watching.line()).expect("a line of JSON");
    assert_eq!(told["exported"], json!({"heartbeats": 1}));
    // Somebody else detaches it: there is nothing left to watch.
    project.ok("ralf detach .");
    assert!(watching.line().is_empty() && watching.output().status.success());
}

#[test]
fn ends_and_lost_leases_show_in_the_files() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("cancel TASK-2-two");
    project.ok("claim TASK-1 --as ada --ttl 1s");
    sync(&project);
    assert!(project.root().join(".autonomous/tasks/cancelled/TASK-2-two.md").is_file());
    assert!(read(&project, QUEUE).contains("claimed_by: \"ada\""));
    while project.task("TASK-1")["holder"]["ttl_ms"] != 0 {}
    assert_eq!(sync(&project).1["releases"], 1, "who is late can be passed by");
    assert!(read(&project, QUEUE).contains("claimed_by: null"));
    // An old script finishes it by moving it: that says enough, and its item and status line stay what they are.
    fs::rename(project.root().join("tasks/active/TASK-1"), project.root().join("tasks/completed/TASK-1")).expect("moves");
    sync(&project);
    assert_eq!(sync(&project).1, json!({}));
    assert_eq!(project.task("TASK-1")["state"], "done");
    assert!(read(&project, QUEUE).contains("    status: pending   # the planner's\n"), "{}", read(&project, QUEUE));
    assert!(read(&project, "tasks/completed/TASK-1/task.md").contains("**Status:** pending"));
}

#[test]
fn one_store_serves_one_project() {
    let project = Project::git();
    for name in ["a", "b"] {
        project.write(&format!("{name}/tasks/active/TASK-1/task.md"), "# TASK-1: x\n");
    }
    project.ok("ralf attach a");
    project.fails("ralf attach b", 4, "already_exists");
    project.fails("ralf attach a/tasks/active/TASK-1/task.md", 3, "not_found");
    project.ok("ralf detach a");
    project.ok("ralf attach b");
}

#[test]
fn nothing_is_moved_or_made_outside_the_project() {
    let project = ralf();
    let outside = project.beside("outside");
    fs::create_dir_all(&outside).expect("a folder");
    fs::remove_dir_all(project.root().join("tasks/completed")).expect("a folder");
    std::os::unix::fs::symlink(&outside, project.root().join("tasks/completed")).expect("a link");
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    project.ok("done TASK-1 --as ada");
    let reply = project.ok("ralf sync .");
    assert!(reply["warnings"].to_string().contains("leads out of the project"), "{reply}");
    assert!(project.root().join("tasks/active/TASK-1/task.md").is_file() && fs::read_dir(&outside).expect("reads").next().is_none());
}

#[test]
fn what_a_killed_look_forgot_is_found_again() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-2-two --as ada");
    let queue = read(&project, QUEUE);
    project.write(QUEUE, queue.replace("status: pending   #", "status: claimed\n    claimed_by: bob #"));
    let marker = project.root().join(".oarlock/ralf.json");
    let before = fs::read(&marker).expect("a file");
    sync(&project);
    // As if it had been killed before it could remember.
    fs::write(&marker, before).expect("writes");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    project.ok("release TASK-2-two --as ada");
    assert_eq!(sync(&project).1, json!({"events": 1}));
    fs::rename(project.root().join("tasks/active/TASK-1"), project.root().join("tasks/completed/TASK-1")).expect("moves");
    assert_eq!(sync(&project).0, json!({"completions": 1}));
    assert_eq!(project.task("TASK-1")["state"], "done");
}

#[test]
fn what_is_brought_back_shows_again_and_what_changed_meanwhile_is_taken_over() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("cancel TASK-1");
    project.ok("claim TASK-2-two --as ada");
    project.ok("fail TASK-2-two --as ada --no-retry --reason r");
    sync(&project);
    assert!(project.root().join("tasks/cancelled/TASK-1/task.md").is_file());
    assert!(read(&project, ".autonomous/tasks/active/TASK-2-two.md").contains("**Status**: failed"));
    project.ok("requeue TASK-1");
    project.ok("requeue TASK-2-two");
    sync(&project);
    assert!(read(&project, "tasks/active/TASK-1/task.md").contains("**Status:** pending"));
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    project.ok("claim TASK-2-two --as ada");
    let file = ".autonomous/tasks/active/TASK-2-two.md";
    project.write(file, read(&project, file) + "\nMore.\n");
    sync(&project);
    project.ok("release TASK-2-two --as ada");
    sync(&project);
    sync(&project);
    assert!(project.task("TASK-2-two")["body"].as_str().is_some_and(|body| body.contains("More.")));
    // Empty, cut off, and put where nobody asks for it.
    let one = "tasks/active/TASK-1/task.md";
    let text = read(&project, one);
    project.write(one, text.replace("pending", "in_progress"));
    assert_eq!(sync(&project).0["claims"], 1);
    for said in ["", "# TASK-1: One\n\n**Status:** c", "# TASK-1: One\n\n**Status:** archived\n"] {
        project.write(one, said);
        assert_eq!(sync(&project).0, json!({}), "{said:?}");
    }
    project.write(one, &text);
    assert_eq!(sync(&project).0["releases"], 1);
}
