//! Branches whose files lie elsewhere, are missing, or are at another state.

use std::fs;

use serde_json::json;

use super::{ONE, in_git, state};
use crate::ralf::{EVENTS, STATES, large, read, sync};

#[test]
fn a_branch_with_another_layout_has_its_heartbeats_written_where_its_files_lie() {
    let project = in_git();
    let root = project.root();
    let (newer, older) = (".autonomous/agents", ".autonomous/communications");
    project.git_in(&root, "checkout --quiet -b older");
    fs::rename(root.join(newer).join("communications"), root.join(older)).expect("moved");
    project.git_in(&root, "add --all");
    project.git_in(&root, "commit --quiet -m older");
    project.git_in(&root, "checkout --quiet main");
    project.ok("ralf attach .");
    project.ok("join ada");
    sync(&project);
    assert!(read(&project, &format!("{newer}/communications/heartbeat.yaml")).contains("ada:"));
    project.git_in(&root, "add --all");
    project.git_in(&root, "commit --quiet -m work");
    project.git_in(&root, "checkout --quiet older");
    assert!(root.join(newer).is_dir(), "lock files, which git does not know, keep the folder");
    sync(&project);
    assert!(read(&project, &format!("{older}/heartbeat.yaml")).contains("ada:"));
    assert!(!root.join(newer).join("communications/heartbeat.yaml").exists());
}

#[test]
fn files_that_another_branch_has_not_are_not_made_there_and_what_is_new_waits_for_them() {
    let project = in_git();
    let root = project.root();
    let git = |arguments: &str| project.git_in(&root, arguments);
    git("branch bare");
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("sync progress:=1 --as ada");
    sync(&project);
    git("add --all");
    git("commit --quiet -m work");
    git("checkout --quiet bare");
    fs::remove_file(root.join(EVENTS)).expect("removed");
    git("commit --quiet --all -m without");
    project.ok("sync progress:=2 --as ada");
    project.ok("claim TASK-3 --as ada");
    let reply = project.ok("ralf sync .");
    assert!(reply["warnings"].to_string().contains("agent-state.yaml") && reply["exported"].get("states").is_none(), "{reply}");
    assert!(!root.join(STATES).exists() && !root.join(EVENTS).exists());
    assert_eq!(project.ok("ralf sync .")["exported"], json!({}));
    git("checkout --quiet -- .");
    git("checkout --quiet main");
    sync(&project);
    assert!(read(&project, STATES).contains("progress: 2"), "{}", read(&project, STATES));
    assert!(
        read(&project, EVENTS).contains("type: \"started\"") && read(&project, EVENTS).contains("TASK-3"),
        "{}",
        read(&project, EVENTS)
    );
    // Where nobody went to another commit, one that was taken away is made again.
    fs::remove_file(root.join(STATES)).expect("removed");
    sync(&project);
    assert!(read(&project, STATES).contains("progress: 2"));
}

#[test]
fn a_split_task_goes_with_its_branch_and_comes_back_with_its_parts_as_they_were() {
    let project = in_git();
    let root = project.root();
    let git = |arguments: &str| project.git_in(&root, arguments);
    project.git_in(&root, "rm --quiet -r tasks/active/TASK-1");
    git("commit --quiet -m without");
    git("branch other");
    project.write(ONE, format!("# TASK-1: One\n\n**Status:** pending\n{}", large()));
    project.ok("ralf attach .");
    project.ok("split TASK-1");
    // One look makes their files, and nobody looks again before the switch.
    assert_eq!(sync(&project).1["parts"], json!(2));
    git("add --all");
    git("commit --quiet -m split");
    git("checkout --quiet other");
    sync(&project);
    assert_eq!((state(&project, "TASK-1"), state(&project, "TASK-1-SUB1")), (json!("cancelled"), json!("cancelled")));
    git("checkout --quiet main");
    assert_eq!(sync(&project).1, json!({}), "nothing of it is moved");
    assert_eq!((state(&project, "TASK-1"), state(&project, "TASK-1-SUB1")), (json!("waiting"), json!("ready")));
    assert_eq!(git("status --porcelain"), "");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
}

#[test]
fn a_task_that_a_call_has_shown_as_called_off_is_left_on_a_branch_that_has_it_open() {
    let project = in_git();
    let root = project.root();
    let git = |arguments: &str| project.git_in(&root, arguments);
    git("branch other");
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    project.ok("cancel TASK-1 --as ada");
    project.ok("leave --as ada");
    assert!(root.join("tasks/cancelled/TASK-1").is_dir(), "the call has shown it");
    sync(&project);
    git("add --all");
    git("commit --quiet -m work");
    git("checkout --quiet other");
    let reply = project.ok("ralf sync .");
    assert!(reply["warnings"].to_string().contains("TASK-1"), "{reply}");
    assert!(root.join("tasks/active/TASK-1/task.md").is_file() && !root.join("tasks/cancelled").exists());
    assert_eq!(git("status --porcelain -- tasks"), "");
    git("checkout --quiet -- .");
    git("checkout --quiet main");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    assert_eq!(state(&project, "TASK-1"), "cancelled");
}
