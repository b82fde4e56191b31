//! Claims of files that are not true: heartbeats that lie, damaged files, names that are none, needs.

use serde_json::json;

use super::{BEATS, CHAT, EVENTS, QUEUE, STATES, ralf, read, sync};
use crate::support::Project;

#[test]
fn who_has_gone_does_not_come_back_by_what_was_written_for_it() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    sync(&project);
    project.ok("done TASK-1 --as ada");
    project.ok("leave --as ada");
    let (imported, exported, _) = sync(&project);
    assert_eq!((imported, &exported["events"], &exported["heartbeats"]), (json!({}), &json!(1), &json!(1)));
    assert!(read(&project, BEATS).contains("    status: \"left\"\n"), "{}", read(&project, BEATS));
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    project.write(BEATS, read(&project, BEATS) + "# touched\n");
    assert_eq!(sync(&project).0, json!({}));
    project.ok("join ada");
    // A script of that name that really writes is one.
    project.ok("leave --as ada");
    sync(&project);
    let beat = "  ada:\n    last_seen: '2999-01-01T00:00:00Z'\n    status: running\n    loop_number: 1\n";
    project.write(BEATS, format!("heartbeats:\n{beat}metadata:\n  timeout_seconds: 120\n"));
    assert_eq!(sync(&project).0["agents"], 1);
}

#[test]
fn a_clock_that_lies_behind_is_judged_by_changes() {
    let project = ralf();
    let beat =
        |hour: &str| format!("heartbeats:\n  executor:\n    last_seen: '2026-02-01T{hour}:00:00Z'\n    status: running\nmetadata: {{}}\n");
    project.write(BEATS, beat("10"));
    project.ok("ralf attach .");
    assert_eq!(project.ok("agents")["agents"], json!([]));
    project.ok("join ada");
    project.ok("send executor --text hello --as ada");
    assert_eq!(project.ok("agent executor")["agent"]["state"], "stale", "it is known, and not there");
    project.write(BEATS, beat("11"));
    let reply = project.ok("ralf sync .");
    assert_eq!(reply["imported"], json!({"heartbeats": 1}));
    assert_eq!(project.ok("agent executor")["agent"]["state"], "active");
    assert!(reply["warnings"][0].as_str().is_some_and(|warning| warning.contains("the clock of executor lies behind")), "{reply}");
    assert_eq!(project.ok("ralf sync .")["imported"], json!({}), "one heartbeat is one");
}

#[test]
fn what_a_damaged_or_empty_file_does_not_say_is_not_said() {
    let project = ralf();
    project.write(STATES, "agents:\n  ada:\n    phase: x\n");
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("sync --as ada phase=y");
    sync(&project);
    let queue = read(&project, QUEUE);
    project.write(QUEUE, queue.replace("status: pending   #", "status: claimed\n    claimed_by: executor #"));
    sync(&project);
    assert_eq!(project.ok("task TASK-1")["task"]["holder"]["agent"], "executor");
    for broken in ["", "queue:\n  - id: TASK-1\n    title: [\n", "\u{0}"] {
        project.write(QUEUE, broken);
        project.write(STATES, if broken.is_empty() { "" } else { "agents:\n  ada:\n    phase: [\n" });
        let reply = project.ok("ralf sync .");
        assert_eq!(project.ok("task TASK-1")["task"]["holder"]["agent"], "executor", "{reply}");
        assert_eq!(project.ok("state agent/ada")["entries"][0]["value"]["phase"], "y", "{reply}");
    }
    assert!(project.ok("ralf sync .")["warnings"].to_string().contains("agent-state.yaml, line"));
    project.write(STATES, "");
    assert_eq!(project.ok("ralf sync .")["exported"]["states"], 1, "an empty one is written again");
    project.write(QUEUE, &queue);
    assert_eq!(project.ok("ralf sync .")["imported"]["releases"], 1);
}

#[test]
fn a_name_that_is_none_and_an_item_that_is_completed_later_bring_nothing_twice() {
    let project = ralf();
    project.write(CHAT, "messages: []\n");
    let queue = read(&project, QUEUE);
    project.write(QUEUE, queue.replace("status: pending   #", "status: claimed\n    claimed_by: Claude Code #"));
    project.ok("ralf attach .");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    project.ok("join ada");
    let message = "- from: planner\n  to: ada\n  content: Why?\n  resolved: false\n";
    project.write(CHAT, format!("messages:\n{message}"));
    project.write(EVENTS, read(&project, EVENTS) + "- timestamp: now\n  type: info\n");
    assert_eq!(sync(&project).0, json!({"events": 1, "messages": 1}));
    project.write(CHAT, format!("messages:\n{}", message.replace("false", "true")));
    project.write(EVENTS, read(&project, EVENTS) + "  agent: x\n");
    assert_eq!(sync(&project).0, json!({}));
    let private = "- from: planner\n  to: Bob Smith\n  content: secret\n";
    project.write(CHAT, read(&project, CHAT) + private);
    let reply = project.ok("ralf sync .");
    assert!(reply["imported"] == json!({}) && reply["warnings"].to_string().contains("Bob Smith"), "{reply}");
}

#[test]
fn needs_and_items_find_the_files_that_they_mean() {
    let project = Project::none();
    let task = |id: &str, more: &str| {
        let name = format!(".autonomous/tasks/active/{id}.md");
        project.write(&name, format!("# {id}: x\n\n**Status:** pending\n{more}"));
    };
    task("TASK-10-base", "");
    task("TASK-11-next", "**Depends On:** TASK-10\n");
    task("TASK-7-2-other", "");
    project.write(".autonomous/tasks/blocked/TASK-12.md", "# TASK-12: x\n\n**Status:** pending\n");
    project.write(".autonomous/tasks/improvements/IMP-1.md", "# IMP-1: x\n\n**Status:** pending\n");
    project.write(".autonomous/tasks/completed/TASK-13-old/task.md", "# TASK-13: x\n");
    project.write(
        ".autonomous/communications/queue.yaml",
        "queue:\n- id: TASK-7\n  status: pending\n- id: TASK-10\n  status: pending\n- id: TASK-13\n  status: pending\n",
    );
    project.ok("ralf attach .");
    let tasks = project.ok("tasks")["tasks"].clone();
    let ids: Vec<_> = tasks.as_array().expect("tasks").iter().map(|task| task["id"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(ids, ["TASK-10-base", "TASK-11-next", "TASK-13", "TASK-7", "TASK-7-2-other"]);
    assert_eq!(project.ok("task TASK-11-next")["task"]["needs"], json!(["TASK-10-base"]));
    // What it asks for changes while nobody has it.
    task("TASK-10-base", "**Priority:** LOW\n\nMore.\n");
    assert_eq!(sync(&project).0, json!({"updates": 1}));
    let task = project.task("TASK-10-base");
    // What waits for it is more urgent, and so is it.
    assert!(
        task["own_priority"] == 3 && task["priority"] == 2 && task["body"].as_str().is_some_and(|body| body.contains("More.")),
        "{task}"
    );
}
