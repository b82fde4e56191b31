//! Which task a document has: `run` and `split` know it by its path and its text.

use serde_json::{Value, json};
use std::os::unix::fs::symlink;

use super::run::args;
use crate::support::{Project, Reply, THREE_PARTS, object};

fn run(project: &Project, target: &str, flags: &[&str]) -> Reply {
    project.call_args(&args(target, flags, "echo did $OARLOCK_TASK")).run()
}

/// Refused with both titles, and the report of the task that is there.
#[track_caller]
fn is_refused(reply: &Reply, task: &str, titles: [&str; 2]) -> Value {
    let error = reply.fails(4, "state_conflict");
    for title in titles {
        assert!(error["message"].as_str().is_some_and(|text| text.contains(&format!("\"{title}\""))), "{title}: {error}");
    }
    assert_eq!((&error["details"]["task"], object(&reply.stdout, "run")["task"].clone()), (&json!(task), json!(task)));
    error
}

#[test]
fn two_documents_of_one_name_are_two() {
    let project = Project::git();
    project.ok("init");
    project.write("a/api.md", THREE_PARTS);
    project.write("b/api.md", THREE_PARTS.replace("Three tools", "Other tools").replace("src/", "lib/"));
    project.ok("split a/api.md");
    assert_eq!(project.task("api")["file"], "a/api.md");
    let error = is_refused(&run(&project, "b/api.md", &[]), "api", ["Three tools", "Other tools"]);
    assert_eq!((&error["details"]["task_file"], &error["details"]["file"]), (&json!("a/api.md"), &json!("b/api.md")));
    assert!(project.task("api-SUB1")["state"] == "ready", "nothing was begun");
    project.fails("split b/api.md", 4, "already_exists");
    // The same text in another place is another document.
    project.write("c/api.md", THREE_PARTS);
    is_refused(&run(&project, "c/api.md", &[]), "api", ["Three tools", "Three tools"]);
    let report = run(&project, "b/api.md", &["--id", "other"]).ok();
    assert_eq!((&report["task"], &report["parts"][0]["id"]), (&json!("other"), &json!("other-SUB1")));
    assert_eq!(project.ok("split c/api.md --id third")["task"], "third");
    project.fails("split c/api.md --id third", 4, "already_exists");
    project.fails("split api --id fourth", 2, "invalid_request");
    // Known by their paths, also without the ids.
    assert_eq!(run(&project, "c/api.md", &[]).ok()["task"], "third");
    assert_eq!(run(&project, "a/api.md", &[]).ok()["task"], "api");
}

#[test]
fn a_task_that_only_has_the_files_name_is_not_run() {
    let project = Project::new();
    project.ok("add 'buy milk' --id todo");
    project.write("todo.md", THREE_PARTS);
    let error = is_refused(&run(&project, "todo.md", &[]), "todo", ["buy milk", "Three tools"]);
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--id")), "{error}");
    assert_eq!(project.task("todo")["state"], "ready");
    for flags in [&["--id", "tools"][..], &["--id", "tools"], &[]] {
        let reply = run(&project, "todo.md", flags);
        if flags.is_empty() || reply.code != 0 {
            // Once is enough: it is done.
            reply.fails(4, "already_exists");
            let report = object(&reply.stdout, "run");
            assert_eq!((&report["task"], &report["parts"][0]["state"]), (&json!("tools"), &json!("done")));
        }
    }
    assert_eq!(project.task("todo")["state"], "ready");
}

#[test]
fn ticks_are_not_edits_and_edits_are_told() {
    let project = Project::new();
    project.write("plan.md", THREE_PARTS);
    project.ok("split plan.md");
    project.write("plan.md", THREE_PARTS.replace("Three tools", "Three new tools"));
    is_refused(&run(&project, "plan.md", &[]), "plan", ["Three tools", "Three new tools"]);
    let marked = THREE_PARTS.replace("\n1. ", "\n1. ✅ ").replace("\n2. ", "\n2. ~~").replace('\n', "  \r\n");
    project.write("plan.md", format!("\u{feff}{marked}"));
    let report = run(&project, "plan.md", &[]).ok();
    assert_eq!((&report["task"], &report["state"], &report["parts"][0]["id"]), (&json!("plan"), &json!("done"), &json!("plan-SUB1")));
    is_refused_as_done(&run(&project, "plan.md", &[]));
}

#[track_caller]
fn is_refused_as_done(reply: &Reply) {
    reply.fails(4, "already_exists");
    assert_eq!(object(&reply.stdout, "run")["state"], "done");
}

#[test]
fn a_document_is_the_same_from_every_place() {
    let project = Project::git();
    project.write("docs/design.md", THREE_PARTS);
    project.git_in(&project.root(), "add docs");
    project.git_in(&project.root(), "-c user.name=a -c user.email=a@b commit --quiet -m plan");
    project.ok("init");
    project.ok("split docs/design.md");
    let root = project.root();
    let linked = project.beside("linked");
    project.git_in(&root, &format!("worktree add --quiet {}", linked.display()));
    symlink(root.join("docs/design.md"), root.join("link.md")).expect("a new link");
    let absolute = root.join("docs/design.md").display().to_string();
    for (name, dir) in [
        ("./docs/../docs/design.md", root.clone()),
        ("design.md", root.join("docs")),
        (absolute.as_str(), root.join("docs")),
        ("link.md", root.clone()),
        ("docs/design.md", linked),
    ] {
        let error = project.call(&format!("split {name}")).dir(dir).fails(4, "already_exists");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("\"design\"")), "{name}: {error}");
    }
    assert_eq!(run(&project, "link.md", &[]).ok()["task"], "design");
}

#[test]
fn without_a_repository_a_document_is_known_by_its_path_too() {
    let project = Project::none();
    project.write("a/design.md", THREE_PARTS);
    project.write("b/design.md", THREE_PARTS.replace("Three", "Four"));
    assert_eq!(run(&project, "a/design.md", &[]).ok()["task"], "design");
    is_refused_as_done(&run(&project, "a/design.md", &[]));
    is_refused(&run(&project, "b/design.md", &[]), "design", ["Three tools", "Four tools"]);
    let outside = project.beside("design.md");
    std::fs::write(&outside, THREE_PARTS).expect("a file");
    is_refused(&run(&project, &outside.display().to_string(), &[]), "design", ["Three tools", "Three tools"]);
}

#[test]
fn a_name_without_a_slash_is_a_file_where_there_is_no_such_task() {
    let project = Project::new();
    project.write("TODO", THREE_PARTS);
    project.write("PLAN.txt", THREE_PARTS.replace("src/", "lib/"));
    assert_eq!(project.ok("split TODO --dry-run")["task"], "TODO");
    assert_eq!(project.ok("split TODO")["task"], "TODO");
    assert_eq!(run(&project, "PLAN.txt", &[]).ok()["task"], "PLAN");
    // Where both are there, the task is meant.
    project.fails("split TODO", 4, "already_exists");
    let report = run(&project, "TODO", &[]).ok();
    assert_eq!((&report["task"], &report["state"]), (&json!("TODO"), &json!("done")));
    run(&project, "NOPE.txt", &[]).fails(3, "not_found");
    // A program is no document.
    project.write("app", b"\x7fELF\xff\xfe");
    project.fails("split app", 3, "not_found");
    project.ok("add t --id app --body 'Do it.'");
    assert_eq!(project.ok("split app")["parallelizable"], false);
    let project = Project::none();
    project.write("TODO", THREE_PARTS);
    assert_eq!(project.ok("split TODO --dry-run")["task"], "TODO");
}

#[test]
fn names_in_any_script_are_files() {
    let project = Project::new();
    for (name, title) in [
        ("план.md", "План"),
        ("日本語.md", "日本語の計画"),
        ("می\u{200c}خواهم.md", "می\u{200c}خواهم"),
        ("👨\u{200d}👩\u{200d}👧.md", "Family 👨\u{200d}👩\u{200d}👧"),
    ] {
        project.write(name, THREE_PARTS.replace("Three tools", title));
        let plan = project.call_args(&["split", name, "--dry-run"]).ok();
        assert_eq!(plan["created"], json!([]));
        let report = run(&project, name, &[]).ok();
        let id = report["task"].as_str().expect("an id").to_owned();
        assert!(id.is_ascii() && report["parts"][0]["id"] == format!("{id}-SUB1"), "{report}");
        let task = project.task(&id);
        assert_eq!((&task["title"], &task["file"], &task["state"]), (&json!(title), &json!(name), &json!("done")));
        is_refused_as_done(&run(&project, name, &[]));
        let other = run(&project, name, &["--id", &format!("again-{id}")]).ok();
        assert_eq!(other["task"], json!(format!("again-{id}")));
        project.call_args(&["add", title]).ok();
    }
    for bad in ["a\u{202e}b", "a\u{200b}b", "\u{200d}"] {
        project.call_args(&["add", bad]).fails(2, "invalid_request");
    }
    let text = project.text("tasks");
    assert!(text.contains("می\u{200c}خواهم") && text.contains("👨\u{200d}👩\u{200d}👧"), "{text}");
}
