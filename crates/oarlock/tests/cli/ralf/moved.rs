//! Task files that go, move and come back.

mod branches;

use std::fs;

use serde_json::{Value, json};

use super::{QUEUE, large, ralf, read, sync};
use crate::support::Project;

const ONE: &str = "tasks/active/TASK-1/task.md";

fn state(project: &Project, task: &str) -> Value {
    project.task(task)["state"].clone()
}

/// The project without TASK-1 in its queue, in a repository.
fn in_git() -> Project {
    let project = ralf();
    project.write(QUEUE, "queue:\n  - id: TASK-3\n    title: Three\n    status: pending\n");
    let root = project.root();
    project.git_in(&root, "init --quiet -b main .");
    project.git_in(&root, "add --all");
    project.git_in(&root, "commit --quiet -m first");
    project
}

#[test]
fn a_task_whose_file_goes_is_not_handed_out_and_comes_back_with_it() {
    let project = ralf();
    project.write(QUEUE, "queue:\n  - id: TASK-3\n    status: pending\n");
    project.ok("ralf attach .");
    project.ok("join ada");
    sync(&project);
    let text = read(&project, ONE);
    let away = project.root().join("tasks/active/TASK-1");
    for to in ["tasks/blocked", "tasks/improvements", "elsewhere"] {
        fs::create_dir_all(project.root().join(to)).expect("a folder");
        let place = project.root().join(to).join("TASK-1");
        fs::rename(&away, &place).expect("moves");
        assert_eq!(sync(&project), (json!({"held_back": 1}), json!({}), json!([])), "{to}");
        assert_eq!(sync(&project), (json!({}), json!({}), json!([])), "{to}");
        project.fails("claim TASK-1 --as ada", 4, "state_conflict");
        let told = project.ok("task TASK-1")["events"].to_string();
        let reason = if to == "elsewhere" { "is gone" } else { to.trim_start_matches("tasks/") };
        assert!(told.contains("held_back") && told.contains(reason), "{told}");
        fs::rename(&place, &away).expect("moves");
        let more = format!("{text}\nMore for {to}.\n");
        project.write(ONE, &more);
        assert_eq!(sync(&project).0, json!({"brought_back": 1, "updates": 1}), "{to}");
        assert_eq!(sync(&project), (json!({}), json!({}), json!([])), "{to}");
        assert_eq!((state(&project, "TASK-1"), read(&project, ONE)), (json!("ready"), more));
        assert!(project.task("TASK-1")["body"].as_str().is_some_and(|body| body.contains(to)));
    }
    // It comes back taken, or done.
    fs::rename(&away, project.root().join("elsewhere/TASK-1")).expect("moves");
    sync(&project);
    project.write("tasks/completed/TASK-1/task.md", &text);
    assert_eq!(sync(&project).0["brought_back"], 1);
    assert_eq!(state(&project, "TASK-1"), "done");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    assert_eq!(read(&project, "tasks/completed/TASK-1/task.md"), text);
}

#[test]
fn a_task_that_is_held_here_stays_and_the_contradiction_is_told() {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-2-two --as ada");
    sync(&project);
    let two = project.root().join(".autonomous/tasks/active/TASK-2-two.md");
    // Under a new name it would be done twice.
    let new = two.with_file_name("TASK-2-renamed.md");
    fs::rename(&two, &new).expect("moves");
    let reply = project.ok("ralf sync .");
    assert_eq!(reply["conflicts"][0]["store"], "claimed by ada", "{reply}");
    assert!(reply["warnings"].to_string().contains("TASK-2-renamed waits until ada"), "{reply}");
    assert_eq!(state(&project, "TASK-2-two"), "claimed");
    project.fails("task TASK-2-renamed", 3, "not_found");
    project.ok("release TASK-2-two --as ada");
    let reply = project.ok("ralf sync .");
    assert_eq!((&reply["imported"]["held_back"], &reply["imported"]["tasks"]), (&json!(1), &json!(1)), "{reply}");
    assert_eq!((state(&project, "TASK-2-two"), state(&project, "TASK-2-renamed")), (json!("cancelled"), json!("ready")));
    assert!(project.ok("task TASK-2-two")["events"].to_string().contains("it is .autonomous/tasks/active/TASK-2-renamed.md now"));
}

#[test]
fn a_switch_of_branches_opens_nothing_again_and_leaves_the_tree_clean() {
    let project = in_git();
    let root = project.root();
    let git = |line: &str| project.git_in(&root, line);
    let settled = || {
        let first = project.ok("ralf sync .");
        let second = project.ok("ralf sync .");
        assert_eq!((&second["imported"], &second["exported"]), (&json!({}), &json!({})), "one look settles it: {first}");
        first
    };
    project.ok("ralf attach .");
    assert_eq!(git("status --porcelain"), "");
    // On another branch it is done, another is there, and one is not.
    git("checkout --quiet -b next");
    git("mv tasks/active/TASK-1 tasks/completed/TASK-1");
    git("rm --quiet .autonomous/tasks/active/TASK-2-two.md");
    project.write("tasks/active/TASK-4/task.md", "# TASK-4: Four\n\n**Status:** pending\n");
    git("add --all");
    git("commit --quiet -m next");
    let reply = settled();
    let imported = |reply: &Value, name: &str| reply["imported"][name].clone();
    assert_eq!(["completions", "held_back", "tasks"].map(|name| imported(&reply, name)), [json!(1), json!(1), json!(1)], "{reply}");
    assert_eq!(git("status --porcelain"), "", "no status line of what is finished is written");
    git("checkout --quiet main");
    let reply = settled();
    assert_eq!(reply["imported"], json!({"brought_back": 1, "held_back": 1}), "{reply}");
    assert!(reply["warnings"].to_string().contains("TASK-1: ended in the store"), "{reply}");
    assert_eq!(
        [state(&project, "TASK-1"), state(&project, "TASK-2-two"), state(&project, "TASK-4")],
        [json!("done"), json!("ready"), json!("cancelled")]
    );
    assert_eq!(git("status --porcelain"), "");
    git("checkout --quiet next");
    let reply = settled();
    assert_eq!(reply["imported"], json!({"brought_back": 1, "held_back": 1}), "{reply}");
    assert_eq!(git("status --porcelain"), "");
    // A merge brings it back into one.
    git("checkout --quiet main");
    settled();
    git("merge --quiet next");
    settled();
    assert_eq!([state(&project, "TASK-1"), state(&project, "TASK-4")], [json!("done"), json!("ready")]);
    assert_eq!(git("status --porcelain"), "");
}

#[test]
fn an_item_that_went_back_with_a_commit_is_left_and_one_that_somebody_wrote_is_mended() {
    let project = in_git();
    let root = project.root();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-3 --as ada");
    project.ok("done TASK-3 --as ada");
    sync(&project);
    let done = read(&project, QUEUE);
    project.git_in(&root, "checkout --quiet -b work");
    project.git_in(&root, "add --all");
    project.git_in(&root, "commit --quiet -m work");
    sync(&project);
    // A script that takes no lock has undone it.
    project.write(QUEUE, done.replace("completed\n", "pending\n"));
    assert_eq!(sync(&project).1, json!({"completions": 1}));
    project.git_in(&root, "checkout --quiet --force main");
    let queue = read(&project, QUEUE);
    for _ in 0..2 {
        let reply = project.ok("ralf sync .");
        assert!(reply["warnings"].to_string().contains("TASK-3: ended in the store"), "{reply}");
        assert_eq!(read(&project, QUEUE), queue);
    }
    assert_eq!(state(&project, "TASK-3"), "done");
}

#[test]
fn an_item_beside_a_file_in_completed_is_left_as_it_was_committed() {
    let project = in_git();
    let root = project.root();
    let items = "queue:\n  - id: TASK-0\n    status: pending\n  - id: TASK-1\n    status: pending\n";
    project.write(QUEUE, items);
    project.git_in(&root, "commit --quiet -am items");
    let clean = |what: &str| {
        assert_eq!(sync(&project), (json!({}), json!({}), json!([])), "{what}");
        assert_eq!(project.git_in(&root, "status --porcelain"), "", "{what}");
    };
    project.ok("ralf attach .");
    clean("attached");
    // Somebody moves the file, and says nothing in the queue.
    project.git_in(&root, "mv tasks/active/TASK-1 tasks/completed/TASK-1");
    project.git_in(&root, "commit --quiet -m moved");
    assert_eq!(sync(&project), (json!({"completions": 1}), json!({}), json!([])));
    assert_eq!(state(&project, "TASK-1"), "done");
    clean("moved");
    project.ok("join ada");
    project.ok("claim TASK-2-two --as ada");
    project.ok("release TASK-2-two --as ada");
    assert_eq!(read(&project, QUEUE), items, "calls leave it too");
    project.ok("ralf detach .");
    project.ok("ralf attach .");
    assert_eq!(read(&project, QUEUE), items);
    // What the store finishes is shown in both.
    project.write(QUEUE, "queue:\n  - id: TASK-2-two\n    status: pending\n");
    project.ok("claim TASK-2-two --as ada");
    project.ok("done TASK-2-two --as ada");
    assert!(read(&project, QUEUE).contains("status: completed"));
}

#[test]
fn what_is_done_by_item_and_line_stays_in_its_folder_and_one_look_follows_a_chain() {
    let project = in_git();
    let root = project.root();
    for (n, needs) in [(5, ""), (6, "**Depends On:** TASK-5\n"), (7, "**Depends On:** TASK-6\n")] {
        project.write(&format!("tasks/active/TASK-{n}/task.md"), format!("# TASK-{n}: x\n\n**Status:** pending\n{needs}"));
    }
    project.ok("ralf attach .");
    assert_eq!(state(&project, "TASK-7"), "blocked");
    // Pulled: all of them are done, the ones by their folder, the others by item and status line.
    let items: String = (6..8).map(|n| format!("  - id: TASK-{n}\n    status: completed\n")).collect();
    project.write(QUEUE, format!("queue:\n  - id: TASK-3\n    title: Three\n    status: pending\n{items}"));
    for n in 6..8 {
        let file = format!("tasks/active/TASK-{n}/task.md");
        project.write(&file, read(&project, &file).replace("pending", "completed"));
    }
    fs::rename(root.join("tasks/active/TASK-5"), root.join("tasks/completed/TASK-5")).expect("moves");
    project.git_in(&root, "add --all");
    project.git_in(&root, "commit --quiet -m pulled");
    let reply = project.ok("ralf sync .");
    assert_eq!((&reply["imported"]["completions"], &reply["conflicts"]), (&json!(3), &json!([])), "{reply}");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    assert_eq!(project.git_in(&root, "status --porcelain"), "");
}

#[test]
fn an_emptied_queue_is_a_warning_and_one_item_less_is_a_task_less() {
    let project = ralf();
    project.write(QUEUE, "queue:\n  - id: TASK-3\n    status: pending\n  - id: TASK-4\n    status: pending\n");
    project.ok("ralf attach .");
    for emptied in ["queue: []\n", ""] {
        project.write(QUEUE, emptied);
        let reply = project.ok("ralf sync .");
        assert!(reply["warnings"].to_string().contains("queue.yaml has no items any more: 2 tasks"), "{reply}");
        assert_eq!((&reply["imported"], state(&project, "TASK-3")), (&json!({}), json!("ready")));
    }
    project.write(QUEUE, "queue:\n  - id: TASK-4\n    status: pending\n");
    assert_eq!(sync(&project).0, json!({"held_back": 1}));
    assert_eq!([state(&project, "TASK-3"), state(&project, "TASK-4")], [json!("cancelled"), json!("ready")]);
    // A queue in pieces says nothing about what it lacks.
    project.write(QUEUE, "queue:\n  - id: TASK-9\n    title: [\n");
    assert_eq!(project.ok("ralf sync .")["imported"]["held_back"], Value::Null);
    assert_eq!(state(&project, "TASK-4"), "ready");
}

#[test]
fn whoever_calls_a_task_back_by_hand_has_it_without_its_file() {
    let project = ralf();
    project.ok("ralf attach .");
    let two = project.root().join(".autonomous/tasks/active/TASK-2-two.md");
    let text = fs::read(&two).expect("a file");
    fs::remove_file(&two).expect("removed");
    sync(&project);
    project.ok("requeue TASK-2-two");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    assert_eq!(state(&project, "TASK-2-two"), "ready");
    fs::write(&two, text).expect("written");
    sync(&project);
    fs::remove_file(&two).expect("removed");
    assert_eq!(sync(&project).0, json!({"held_back": 1}), "it was there again meanwhile");
}

#[test]
fn a_killed_look_holds_nothing_back_for_ever() {
    let project = ralf();
    project.ok("ralf attach .");
    sync(&project);
    let marker = project.root().join(".oarlock/ralf.json");
    let before = fs::read(&marker).expect("a file");
    let two = project.root().join(".autonomous/tasks/active/TASK-2-two.md");
    let text = fs::read(&two).expect("a file");
    fs::remove_file(&two).expect("removed");
    assert_eq!(sync(&project).0, json!({"held_back": 1}));
    fs::write(&marker, before).expect("written");
    fs::write(&two, &text).expect("written");
    sync(&project);
    sync(&project);
    assert_eq!(state(&project, "TASK-2-two"), "ready");
    assert_eq!(fs::read(&two).expect("a file"), text);
}

#[test]
fn a_short_item_and_a_file_with_a_slug_are_one_task_before_and_after_a_split() {
    let project = ralf();
    let steps = large();
    project.write(".autonomous/tasks/active/TASK-7-fix-x.md", format!("# TASK-7: Fix\n\n**Status:** pending\n**Priority:** LOW\n{steps}"));
    project.write(QUEUE, "queue:\n  - id: TASK-7\n    status: pending\n");
    project.ok("ralf attach .");
    project.fails("task TASK-7", 3, "not_found");
    assert_eq!(project.ok("split TASK-7-fix-x")["created"].as_array().map(Vec::len), Some(2));
    sync(&project);
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    project.fails("task TASK-7", 3, "not_found");
    assert!(read(&project, QUEUE).contains("status: in_progress"), "{}", read(&project, QUEUE));
    project.ok("join ada");
    for part in ["TASK-7-fix-x-SUB1", "TASK-7-fix-x-SUB2", "TASK-7-fix-x"] {
        project.ok(&format!("claim {part} --as ada"));
        project.ok(&format!("done {part} --as ada"));
    }
    sync(&project);
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    assert!(read(&project, QUEUE).contains("status: completed"));
    project.fails("task TASK-7", 3, "not_found");
}

#[test]
fn a_part_whose_file_is_taken_away_gets_no_second_one() {
    let project = ralf();
    let steps = large();
    project.write(ONE, read(&project, ONE) + &steps);
    project.write(QUEUE, "queue:\n  - id: TASK-3\n    status: pending\n");
    project.ok("ralf attach .");
    project.ok("split TASK-1");
    sync(&project);
    sync(&project);
    let part = project.root().join("tasks/active/TASK-1-SUB1");
    fs::remove_dir_all(&part).expect("removed");
    assert_eq!(sync(&project).0, json!({"held_back": 1}));
    sync(&project);
    assert!(!part.exists());
    // The whole stays while a part of it is there.
    fs::remove_dir_all(project.root().join("tasks/active/TASK-1")).expect("removed");
    let reply = project.ok("ralf sync .");
    assert!(reply["imported"] == json!({}) && reply["warnings"].to_string().contains("its part TASK-1-SUB2 is still there"), "{reply}");
}

#[test]
fn what_only_tells_about_tasks_is_none_and_a_task_is_known_by_its_form() {
    let project = ralf();
    project.write("tasks/active/TEMPLATE/task.md", "# TASK-[ID]: [Title]\n\n**Status:** pending\n");
    project.write("tasks/active/TASK-1/TASK-AUDIT-2.md", "# Audit\n\n**Status:** done\n");
    project.write("tasks/active/TASK-2026-005-CONTEXT.md", "# Context\n\n**Status:** pending\n");
    project.write("tasks/working/TASK-1/run-1/TASK-CONTEXT.md", "# Task Context\n");
    project.write("tasks/active/SUMMARY.md", "# Summary\n\n**Status:** completed\n");
    project.write("tasks/active/mend-it.md", "# Mend it\n\n**Status:** pending\n**Type:** fix\n\n## Objective\n\nIt works.\n");
    project.ok("ralf attach .");
    let tasks = project.ok("tasks")["tasks"].clone();
    let ids: Vec<&str> = tasks.as_array().into_iter().flatten().filter_map(|task| task["id"].as_str()).collect();
    assert_eq!(ids, ["TASK-1", "TASK-2-two", "TASK-3", "mend-it"]);
    project.ok("join ada");
    project.ok("claim mend-it --as ada");
    project.ok("done mend-it --as ada");
    sync(&project);
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    assert!(read(&project, "tasks/completed/mend-it.md").contains("**Status:** completed"));
}

#[test]
fn a_task_in_a_folder_of_several_is_moved_with_that_folders_name() {
    let project = ralf();
    project.write("tasks/active/GROUP/TASK-8-x.md", "# TASK-8: x\n\n**Status:** pending\n");
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-8-x --as ada");
    project.ok("done TASK-8-x --as ada");
    sync(&project);
    assert!(read(&project, "tasks/completed/GROUP/TASK-8-x.md").contains("**Status:** completed"));
    project.ok("ralf detach .");
    assert_eq!(project.ok("ralf attach .")["imported"]["tasks"], Value::Null, "it is not handed out again");
}

#[test]
fn a_file_that_comes_to_an_item_with_a_short_id_is_that_task() {
    let project = ralf();
    project.write(QUEUE, "queue:\n  - id: TASK-7\n    status: pending\n");
    project.ok("ralf attach .");
    project.write("tasks/active/TASK-7-fix-x/task.md", "# TASK-7: Fix\n\n**Status:** pending\n");
    sync(&project);
    project.fails("task TASK-7-fix-x", 3, "not_found");
    assert_eq!(state(&project, "TASK-7"), "ready");
    project.write(QUEUE, "queue:\n  - id: TASK-7\n    status: completed\n");
    fs::rename(project.root().join("tasks/active/TASK-7-fix-x"), project.root().join("tasks/completed/TASK-7-fix-x")).expect("moves");
    sync(&project);
    assert_eq!(state(&project, "TASK-7"), "done");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
}

#[test]
fn an_item_that_comes_to_belong_to_a_file_is_no_task_of_its_own_any_more() {
    let project = ralf();
    let (short, older) = ("queue:\n  - id: TASK-7\n    status: ", ".autonomous/communications/queue.yaml");
    // Two files may be meant: the item is a task of its own.
    project.write(older, format!("{short}pending\n"));
    for name in ["one", "two"] {
        project.write(&format!("tasks/active/TASK-7-{name}/task.md"), "# TASK-7: It\n\n**Status:** pending\n");
    }
    project.ok("ralf attach .");
    assert_eq!(state(&project, "TASK-7"), "ready");
    // As on a branch where one of them is done, and the queue lies elsewhere.
    fs::remove_file(project.root().join(older)).expect("removed");
    fs::remove_dir_all(project.root().join("tasks/active/TASK-7-two")).expect("removed");
    fs::create_dir_all(project.root().join("tasks/completed")).expect("a folder");
    fs::rename(project.root().join("tasks/active/TASK-7-one"), project.root().join("tasks/completed/TASK-7-one")).expect("moves");
    project.write(QUEUE, format!("{short}completed\n"));
    sync(&project);
    assert_eq!((state(&project, "TASK-7"), state(&project, "TASK-7-one")), (json!("cancelled"), json!("done")));
    let history = project.ok("task TASK-7").to_string();
    assert!(history.contains("its item is that of TASK-7-one now"), "{history}");
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
}
