//! Out again.

use std::fs;

use serde_json::json;

use super::{QUEUE, ralf, read, sync};

#[test]
fn a_finished_task_whose_place_is_taken_lies_beside_it() {
    let project = ralf();
    let old = "# TASK-1: One, as it was\n";
    project.write("tasks/completed/TASK-1/task.md", old);
    project.write(".autonomous/tasks/completed/TASK-2-two.md", old);
    // Put by somebody where it belongs, among open tasks.
    project.write(".autonomous/tasks/active/completed/IMP-5.md", "# IMP-5: Five\n\n**Status:** pending\n");
    let reply = project.ok("ralf attach .");
    assert!(reply["warnings"].to_string().contains("TASK-1 has two files"), "{reply}");
    project.fails("task IMP-5", 3, "not_found");
    project.ok("join ada");
    for task in ["TASK-1", "TASK-2-two", "TASK-3"] {
        project.ok(&format!("claim {task} --as ada"));
        project.ok(&format!("done {task} --as ada"));
    }
    let reply = project.ok("ralf detach .");
    assert_eq!(
        (&reply["left"], &reply["exported"]["completions"]),
        (&json!([]), &serde_json::Value::Null),
        "each end has shown itself: {reply}"
    );
    assert!(!project.root().join("tasks/active/TASK-1").exists());
    assert!(!project.root().join(".autonomous/tasks/active/TASK-2-two.md").exists());
    assert_eq!(read(&project, "tasks/completed/TASK-1/task.md"), old, "what was there is what it was");
    let names = |folder: &str| {
        let entries = fs::read_dir(project.root().join(folder)).expect("a folder").flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let tasks = names("tasks/completed");
    assert!(tasks.len() == 3 && tasks[2].starts_with("TASK-1.backup."), "{tasks:?}");
    assert!(read(&project, &format!("tasks/completed/{}/task.md", tasks[2])).contains("**Status:** completed"));
    let files = names(".autonomous/tasks/completed");
    assert!(files[0].starts_with("TASK-2-two.backup.") && files[0].ends_with(".md"), "{files:?}");
    // The two that lie there are one task that is done, and stay what they are.
    project.ok("ralf attach .");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    assert_eq!(read(&project, "tasks/completed/TASK-1/task.md"), old);
}

#[test]
fn what_can_never_be_written_is_listed_and_keeps_nobody() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-2-two --as ada");
    project.write(
        QUEUE,
        read(&project, QUEUE).replace(
            "  - id: TASK-3\n    title: Three\n    status: pending\n    dependencies: [TASK-1]\n",
            "  - !!map {id: TASK-2-two, status: pending}\n",
        ),
    );
    project.ok("done TASK-2-two --as ada");
    let reply = project.ok("ralf detach .");
    let left = &reply["left"][0];
    assert_eq!(left["file"], QUEUE);
    assert!(left["reason"].as_str().is_some_and(|why| why.contains("would damage the file")), "{reply}");
    assert!(project.root().join(".autonomous/tasks/completed/TASK-2-two.md").is_file(), "the file follows all the same");
    project.fails("ralf sync .", 3, "not_found");
}

#[test]
fn what_went_and_changed_while_detached_is_known_when_it_is_attached_again() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("ralf detach .");
    fs::remove_file(project.root().join(".autonomous/tasks/active/TASK-2-two.md")).expect("removed");
    project.write("tasks/active/TASK-1/task.md", read(&project, "tasks/active/TASK-1/task.md") + "\nMore.\n");
    assert_eq!(project.ok("ralf attach .")["imported"], json!({"held_back": 1, "updates": 1}));
    let two = project.ok("task TASK-2-two");
    assert_eq!(two["task"]["state"], "cancelled");
    assert!(two["events"].to_string().contains("TASK-2-two.md is gone"), "{two}");
    assert!(project.task("TASK-1")["body"].as_str().is_some_and(|body| body.contains("More.")));
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
}

#[test]
fn a_lock_that_is_held_is_waited_for_and_left_by_force_only() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    let lock = project.root().join(".autonomous/agents/communications/.queue.lock");
    let held = fs::OpenOptions::new().create(true).append(true).open(&lock).expect("a file");
    held.lock().expect("a lock");
    project.ok("done TASK-1 --as ada");
    let error = project.fails("ralf detach .", 7, "store_unavailable");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains(".queue.lock") && text.contains("5000 ms") || text.contains("ms")),
        "{error}"
    );
    assert!(read(&project, "tasks/active/TASK-1/task.md").contains("**Status:** in_progress"), "nothing is half done");
    project.fails("ralf sync . --force", 2, "invalid_request");
    let reply = project.ok("ralf detach . --force");
    assert!(reply["left"].as_array().is_some_and(|left| !left.is_empty()), "{reply}");
    project.fails("ralf sync .", 3, "not_found");
    drop(held);
    project.ok("ralf attach .");
    project.ok("ralf detach .");
    assert!(project.root().join("tasks/completed/TASK-1/task.md").is_file());
}

#[test]
fn a_project_that_is_gone_keeps_no_other_out() {
    let project = crate::support::Project::git();
    for name in ["a", "b"] {
        project.write(&format!("{name}/tasks/active/TASK-1/task.md"), "# TASK-1: x\n");
    }
    project.ok("ralf attach a");
    project.fails("ralf attach b", 4, "already_exists");
    fs::remove_dir_all(project.root().join("a")).expect("removed");
    project.ok("ralf attach b");
}
