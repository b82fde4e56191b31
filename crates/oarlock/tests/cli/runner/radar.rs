//! The radar: agents in worktrees hear of conflicts that are ahead, while both still work.

use serde_json::{Value, json};

use crate::support::{Project, Reply};

/// Two lines of three, on `main`.
fn project() -> Project {
    let project = Project::git();
    git(&project, "branch -M main");
    project.write("a.txt", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n");
    git(&project, "add a.txt");
    git(&project, "commit --quiet -m a.txt");
    project.ok("init");
    project
}

fn git(project: &Project, line: &str) -> String {
    project.git_in(&project.root(), line).trim_end().to_owned()
}

fn bin() -> String {
    std::path::Path::new(env!("CARGO_BIN_EXE_oarlock")).parent().expect("a folder").display().to_string()
}

/// An agent that works on its task with a script.
fn agent(project: &Project, name: &str, script: &str) -> Reply {
    let path = format!("{}:{}", bin(), std::env::var("PATH").unwrap_or_default());
    project.call_args(&["work", "--as", name, "--once", "--worktree", "--", "sh", "-c", script]).env("PATH", path).run()
}

fn events(project: &Project) -> Vec<Value> {
    project.ok("events --kind conflict_predicted")["events"].as_array().expect("a list").clone()
}

#[test]
fn both_owners_hear_of_a_conflict_once_and_it_disappears_again() {
    let project = project();
    project.ok("add one --id T-1 --assign ada");
    project.ok("add two --id T-2 --assign bob");
    // Each changes a line, waits for the notice, which a hook shows as well, and does not commit.
    let hook = "printf '{\"session_id\":\"s\",\"cwd\":\"%s\",\"hook_event_name\":\"PostToolUse\",\"tool_name\":\"Read\",\"tool_input\":{}}' \"$PWD\"";
    let ada = format!(
        "sed -i s/two/ADA/ a.txt; oarlock events --kind conflict_predicted --wait 60s -q > /dev/null; {hook} | oarlock hook claude PostToolUse; \
         oarlock inbox --json > \"$OARLOCK_WORKTREE/../../ada.json\"; git status --porcelain; oarlock wait T-2 --timeout 60s -q"
    );
    // Bob takes his change back when he has heard of it, and waits until that was seen.
    let bob = "sed -i s/two/BOB/ a.txt; oarlock inbox --wait 60s -q > /dev/null; \
               cursor=$(oarlock events --kind conflict_predicted --json | sed 's/.*\"cursor\":\"\\([^\"]*\\)\".*/\\1/'); \
               sed -i s/BOB/two/ a.txt; sed -i s/ten/BOB/ a.txt; \
               oarlock events --kind conflict_predicted --after \"$cursor\" --wait 60s -q > /dev/null";
    let (ada, bob) = std::thread::scope(|scope| {
        let bob = scope.spawn(|| agent(&project, "bob", bob));
        (agent(&project, "ada", &ada), bob.join().expect("no panic"))
    });
    assert_eq!((ada.code, bob.code), (0, 0), "{}\n{}", ada.stderr, bob.stderr);
    let notified = events(&project);
    let data: Vec<&Value> = notified.iter().map(|event| &event["data"]).collect();
    assert_eq!(data.len(), 2, "{data:?}");
    assert_eq!((&data[0]["id"], &data[0]["with"], &data[0]["notified"]), (&json!("T-1"), &json!("T-2"), &json!(["ada", "bob"])));
    assert_eq!(data[0]["files"], json!([{"path": "a.txt", "hunks": [{"base": [2, 2], "ours": [2, 2], "theirs": [2, 2]}]}]));
    assert_eq!(data[1]["files"], json!([]), "it is gone");
    let result = project.task("T-1")["result"].as_str().expect("a text").to_owned();
    assert!(result.contains("Your work on T-1 conflicts with T-2"), "the hook shows it: {result}");
    assert!(result.contains("a.txt lines 2 (yours 2)") && result.contains("which has \\\"BOB\\\""), "{result}");
    assert!(result.contains(" M a.txt"), "{result}");
    let inbox: Value =
        serde_json::from_str(&std::fs::read_to_string(project.root().join(".oarlock/ada.json")).expect("written")).expect("JSON");
    let texts: Vec<&str> = inbox["messages"].as_array().expect("a list").iter().filter_map(|message| message["text"].as_str()).collect();
    assert!(texts.len() == 1 && texts[0].len() <= 600 && texts[0].contains("by bob"), "{texts:?}");
    assert!(!project.root().join(".oarlock/radar").join("scratch").exists());
    assert_eq!(project.ok("conflicts")["pairs"][0]["conflict"], false);
}

#[test]
fn without_a_target_that_of_the_run_counts_and_what_landed_is_not_live() {
    let project = project();
    for id in ["T-1", "T-2"] {
        project.ok(&format!("add {id} --id {id} --gate merge"));
        assert_eq!(agent(&project, "ada", &format!("sed -i s/two/{id}/ a.txt")).code, 0);
    }
    git(&project, "branch work");
    assert_eq!(project.ok("conflicts")["pairs"][0]["conflict"], true);
    project.ok("merge --onto work --once");
    assert_eq!((&project.task("T-1")["state"], &project.task("T-2")["state"]), (&json!("done"), &json!("ready")));
    // It is in `work`, and not in what is checked out.
    assert_eq!(project.ok("conflicts"), json!({"branches": ["oarlock/T-2"], "pairs": []}));
    assert_eq!(project.ok("conflicts --onto main")["branches"], json!(["oarlock/T-2"]));
    assert_eq!(project.ok("conflicts T-1 T-2")["pairs"][0]["files"], json!(["a.txt"]));
    let unborn = Project::none();
    unborn.git_in(&unborn.root(), "init --quiet --initial-branch=main .");
    assert_eq!(unborn.ok("conflicts"), json!({"branches": [], "pairs": []}));
}
