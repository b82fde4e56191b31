//! Which project is meant, and what git sees of one that is attached.

use std::fs;

use serde_json::{Value, json};

use super::{BEATS, QUEUE};
use crate::support::Project;

/// A repository with an engine, and these projects below it.
fn repository(projects: &[&str]) -> Project {
    let project = Project::git();
    project.write("2-engine/connections/communications/queue.yaml", "next_task: null\n");
    project.write("2-engine/.autonomous/config/paths.yaml", "x: 1\n");
    project.write(".autonomous/health/state.yaml", "x: 1\n");
    for name in projects {
        project.write(&format!("memory/{name}/{BEATS}"), "heartbeats: {}\n");
        project.write(&format!("memory/{name}/{QUEUE}"), "queue:\n  - task_id: TASK-1\n    status: pending\n");
    }
    project.git_in(&project.root(), "add --all");
    project.git_in(&project.root(), "commit --quiet -m project");
    project
}

#[test]
fn the_project_below_is_found_from_the_root_and_from_the_engine() {
    let project = repository(&["one"]);
    let root = json!(project.root().join("memory/one"));
    for dir in ["", "2-engine", "2-engine/.autonomous", "memory"] {
        for verb in ["status", "agents", "tasks", "events", "doctor"] {
            let reply = project.call(&format!("ralf {verb}")).dir(project.root().join(dir)).ok();
            assert_eq!(reply["root"], root, "{verb} in {dir}");
        }
    }
    let reply = project.call("ralf status").plain().run();
    assert!(reply.stderr.contains("the project is") && reply.stderr.contains("memory/one"), "{}", reply.stderr);
    let reply = project.call("ralf attach").dir(project.root().join("2-engine")).ok();
    assert_eq!((&reply["root"], &reply["imported"]), (&root, &json!({"tasks": 1})));
    // Its store is that of the repository, so that every command finds it from everywhere in it.
    assert_eq!(project.ok("status")["tasks"]["ready"], 1);
    assert!(project.root().join(".oarlock").is_dir() && !project.root().join("memory/one/.oarlock").exists());
    project.ok("ralf sync");
    project.ok("ralf detach");
}

#[test]
fn several_projects_are_listed_and_none_gets_a_store() {
    let project = repository(&["one", "two"]);
    let error = project.fails("ralf attach", 2, "invalid_request");
    let named = |error: &Value, name: &str| error["message"].as_str().is_some_and(|text| text.contains(name));
    assert!(named(&error, "memory/one") && named(&error, "memory/two"), "{error}");
    assert_eq!(error["details"]["projects"].as_array().map(Vec::len), Some(2));
    let error = project.fails("ralf attach .", 3, "not_found");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("memory/one") && hint.contains("memory/two")), "{error}");
    project.fails("ralf status .", 3, "not_found");
    let none = repository(&[]);
    for verb in ["status", "doctor", "attach", "sync", "detach", "attach . ", "attach . --dry-run"] {
        none.fails(&format!("ralf {verb}"), 3, "not_found");
    }
    fs::create_dir_all(none.root().join("new/.autonomous")).expect("a folder");
    fs::create_dir_all(none.root().join("new/tasks/active")).expect("a folder");
    none.fails("ralf attach new", 3, "not_found");
    for verb in ["join ada", "claim", "status", "tasks"] {
        none.fails(verb, 3, "not_found");
    }
    assert!(!project.root().join(".oarlock").exists() && !none.root().join(".oarlock").exists());
}

#[test]
fn what_the_variables_name_wins_over_the_directory_and_a_path_over_both() {
    let project = repository(&["one", "two", "three"]);
    let at = |name: &str| project.root().join("memory").join(name);
    let root = |line: &str, dir: &str, named: Option<&str>| {
        let call = project.call(line).dir(at(dir)).env("RALF_PROJECT_ROOT", at("two"));
        named.into_iter().fold(call, |call, named| call.env("RALF_PROJECT_DIR", named)).ok()["root"].clone()
    };
    assert_eq!(root("ralf status", "one", None), json!(at("two")));
    assert_eq!(root("ralf status", "one", Some("")), json!(at("two")), "an empty one says nothing");
    assert_eq!(root("ralf status", "one", Some(&at("three").display().to_string())), json!(at("three")));
    assert_eq!(root("ralf status .", "one", None), json!("."));
    let error = project.call("ralf attach").env("RALF_PROJECT_DIR", "/nowhere").fails(3, "not_found");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("RALF_PROJECT_DIR names /nowhere")), "{error}");
}

#[test]
fn git_sees_nothing_of_attaching_and_detaching_and_no_lock_file_of_work() {
    let project = repository(&["one"]);
    let dirty = || project.git_in(&project.root(), "status --porcelain");
    project.ok("ralf attach");
    project.ok("ralf detach");
    project.ok("ralf attach");
    assert_eq!(dirty(), "");
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    project.ok("ralf sync");
    let locks = project.root().join("memory/one/.autonomous/agents/communications/.queue.lock");
    assert!(locks.is_file() && !dirty().contains("lock"), "{}", dirty());
    let exclude = fs::read_to_string(project.root().join(".git/info/exclude")).expect("a file");
    assert_eq!(exclude.matches("/memory/one/.autonomous/agents/communications/.*.lock").count(), 1, "{exclude}");
}
