//! Worktrees: `work --worktree`, `run --worktrees`, `conflicts`, `forget`, with shell scripts for agents.

use rustix::process::Signal;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Project, Reply, THREE_PARTS, fifo, heard, object};

/// A repository with a file and a sub-directory on `main`, and a project in it.
fn project() -> Project {
    let project = Project::git();
    git(&project, "branch -M main");
    commit(&project, "a.txt", "one\ntwo\nthree\n");
    commit(&project, "sub/b.txt", "b\n");
    project.ok("init");
    project
}

fn git(project: &Project, line: &str) -> String {
    project.git_in(&project.root(), line).trim_end().to_owned()
}

fn commit(project: &Project, name: &str, text: &str) {
    project.write(name, text);
    git(project, &format!("add {name}"));
    git(project, &format!("commit --quiet -m {name}"));
}

/// One attempt by an agent.
fn attempt(project: &Project, agent: &str, script: &str) -> Reply {
    let path = format!("{}:{}", bin(), std::env::var("PATH").unwrap_or_default());
    project.call_args(&["work", "--as", agent, "--once", "--worktree", "--", "sh", "-c", script]).env("PATH", path).run()
}

/// The folder of the program.
fn bin() -> String {
    std::path::Path::new(env!("CARGO_BIN_EXE_oarlock")).parent().expect("a folder").display().to_string()
}

/// An attempt that ends well.
#[track_caller]
fn done(project: &Project, agent: &str, script: &str) {
    let reply = attempt(project, agent, script);
    assert_eq!(reply.code, 0, "{}{}", reply.stdout, reply.stderr);
}

/// An attempt that fails, with its reason.
#[track_caller]
fn failed(project: &Project, agent: &str, script: &str) -> String {
    let reply = attempt(project, agent, script);
    assert_eq!(reply.code, 1, "{}{}", reply.stdout, reply.stderr);
    let events = project.ok("events --kind task_failed")["events"].clone();
    let last = events.as_array().and_then(|all| all.iter().rfind(|event| event["data"]["reason"].is_string())).cloned();
    last.expect("an attempt failed")["data"]["reason"].as_str().expect("a text").to_owned()
}

#[test]
fn a_task_is_worked_on_in_the_agents_worktree_and_ends_on_its_branch() {
    let project = project();
    project.ok("add 'The title' --id T-1 --resources port-1,port-2");
    // A program with a slash is found from where the worker was started; the directory is the same in the worktree.
    let script = "#!/bin/sh\npwd; git symbolic-ref HEAD; cat b.txt\necho \"$OARLOCK_WORKTREE $OARLOCK_BRANCH $OARLOCK_RESOURCES\"\necho new > new.txt\n";
    let agent = project.write("sub/agent.sh", script);
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).expect("ours");
    let call = project.call_args(&["work", "--as", "ada", "--once", "--worktree", "--", "./agent.sh"]).dir(project.root().join("sub"));
    let report = call.ok();
    assert_eq!(report["done"], 1, "{report}");
    let top = fs::canonicalize(project.root()).expect("there").join(".oarlock/worktrees/ada");
    let top = top.display();
    let wanted = format!("{top}/sub\nrefs/heads/oarlock/T-1\nb\n{top} oarlock/T-1 port-1,port-2");
    assert_eq!(project.task("T-1")["result"].as_str().map(str::trim_end), Some(&*wanted));
    assert_eq!(git(&project, "log --format=%s|%an|%ae main..oarlock/T-1"), "The title|ada|ada@oarlock.invalid");
    assert_eq!(git(&project, "diff --name-only main oarlock/T-1"), "sub/new.txt");
    assert_eq!(git(&project, "status --porcelain"), "?? sub/agent.sh");
}

#[test]
fn a_failed_attempt_is_kept_and_the_next_one_goes_on_from_it() {
    let project = project();
    project.ok("add 'The title' --id T-1 --max-attempts 1");
    failed(&project, "ada", "echo half > half.txt; exit 3");
    assert_eq!(git(&project, "log --format=%s main..oarlock/T-1"), "unfinished: The title");
    // Another agent goes on, and hears that the target has come to conflict.
    commit(&project, "half.txt", "other\n");
    project.ok("requeue T-1");
    done(&project, "bob", "cat; cat half.txt; echo whole > whole.txt");
    let result = project.task("T-1")["result"].as_str().expect("a text").to_owned();
    for part in ["# The title", "# The branch conflicts with its target", "- half.txt", "unfinished: The title", "\nhalf"] {
        assert!(result.contains(part), "{part}: {result}");
    }
    assert_eq!(git(&project, "log --format=%s main..oarlock/T-1"), "The title\nunfinished: The title");
}

#[test]
fn what_a_task_needs_is_in_its_branch_or_it_is_not_started() {
    let project = project();
    for id in ["T-1", "T-2"] {
        project.ok(&format!("add {id} --id {id}"));
        done(&project, "ada", &format!("echo {id} > {id}.txt; sed -i s/two/{id}/ a.txt; [ {id} = T-1 ] || git checkout -q -- a.txt"));
    }
    project.ok("add three --id T-3 --needs T-1,T-2");
    done(&project, "bob", "cat T-1.txt T-2.txt");
    project.ok("add four --id T-4");
    done(&project, "ada", "sed -i s/two/four/ a.txt");
    project.ok("add five --id T-5 --needs T-1,T-4 --max-attempts 1");
    let why = failed(&project, "bob", "touch \"$OARLOCK_WORKTREE/../../started\"");
    assert!(why.contains("oarlock/T-4, which the task needs, conflicts with main and oarlock/T-1 in a.txt"), "{why}");
    assert!(!project.root().join(".oarlock/started").exists() && git(&project, "branch --list oarlock/T-5").is_empty());
}

#[test]
fn what_cannot_be_isolated_is_not_started_and_costs_no_attempt() {
    let project = project();
    project.ok("add t --id T-1");
    let refused = |project: &Project, flags: &[&str], part: &str| {
        let args = [&["work", "--as", "ada", "--once", "--worktree"][..], flags, &["--", "sh", "-c", "touch ../started"]].concat();
        let error = project.call_args(&args).fails(2, "invalid_request");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(part)), "{error}");
        let task = project.task("T-1");
        assert_eq!((&task["state"], &task["attempt"]), (&"ready".into(), &0.into()));
    };
    refused(&project, &["--onto", "none"], "there is no local branch none");
    refused(&project, &["--onto", "-x"], "cannot be the name of a branch");
    git(&project, "checkout --quiet --detach");
    refused(&project, &[], "HEAD is detached");
    git(&project, "checkout --quiet main");
    // In the place of the worktree is something else.
    project.write(".oarlock/worktrees/ada/file", "precious");
    refused(&project, &[], "is not a worktree of this repository");
    assert!(project.root().join(".oarlock/worktrees/ada/file").exists());
    project.call_args(&["work", "--onto", "main", "--", "true"]).fails(2, "usage");
    let none = Project::new();
    none.ok("add t --id T-1");
    refused(&none, &[], "is not in a worktree of a git repository");
    none.call_args(&["work", "--once", "--worktree", "--", "true"]).env("PATH", "/nonexistent").fails(2, "invalid_request");
    let unborn = Project::none();
    unborn.git_in(&unborn.root(), "init --quiet --initial-branch=main .");
    unborn.ok("init");
    unborn.ok("add t --id T-1");
    refused(&unborn, &[], "the branch main has no commit yet");
    // A name of a task that git cannot have fails the attempt, and the worker lives.
    git(&project, "branch keep");
    fs::remove_dir_all(project.root().join(".oarlock/worktrees/ada")).expect("ours");
    project.ok("cancel T-1");
    project.ok("add t --id a..b --max-attempts 3");
    let why = failed(&project, "ada", "touch ../started");
    assert!(why.contains("cannot be the name of a git branch"), "{why}");
    assert!(!project.root().join("started").exists() && !project.root().join(".oarlock/worktrees/started").exists());
}

#[test]
fn a_hook_that_refuses_fails_the_attempt_with_its_words() {
    let project = project();
    let hook = project.write(".git/hooks/pre-commit", "#!/bin/sh\necho 'line 3 is too long' >&2\nexit 1\n");
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).expect("ours");
    project.ok("add t --id T-1 --max-attempts 1");
    let why = failed(&project, "ada", "echo x > x.txt");
    assert!(why.contains("git refused the commit: line 3 is too long"), "{why}");
    assert_eq!(git(&project, "log --format=%s main..oarlock/T-1"), "unfinished: t");
}

#[test]
fn a_path_in_a_worktree_is_the_repositorys_path() {
    let project = project();
    project.ok("join bob");
    project.ok("reserve sub/** --as bob");
    project.ok("add t --id T-1");
    done(&project, "ada", "oarlock check sub/b.txt; echo $? > ../../code; oarlock reserve 'other/**' -q; oarlock check a.txt");
    assert_eq!(fs::read_to_string(project.root().join(".oarlock/code")).expect("written").trim(), "4");
    for path in [".oarlock/worktrees/ada/sub/b.txt", "sub/b.txt", ".oarlock/worktrees/ada/sub/new/c.txt"] {
        let error = project.fails(&format!("check {path} --as ada"), 4, "reservation_overlap");
        assert!(error.to_string().contains("sub/**"), "{path}: {error}");
    }
    project.ok("check .oarlock/worktrees/ada/a.txt --as ada");
}

#[test]
fn workers_of_a_run_have_worktrees_of_their_own() {
    let project = project();
    project.write("docs/tools.md", THREE_PARTS);
    git(&project, "add docs");
    git(&project, "commit --quiet -m plan");
    let script = "mkdir -p src; for f in $(grep -o 'src/[a-z]*.rs'); do pwd > $f; done";
    let report = project.call_args(&["run", "docs/tools.md", "--agents", "3", "--worktrees", "--", "sh", "-c", script]).ok();
    assert_eq!(report["parts"].as_array().map(Vec::len), Some(3), "{report}");
    for part in 1..=3 {
        assert_eq!(git(&project, &format!("rev-list --count main..oarlock/tools-SUB{part}")), "1");
    }
    assert!(!project.root().join("src").exists() && git(&project, "status --porcelain").is_empty());
    // Each part began at the target and is a branch of its own: nothing landed.
    let compared = project.ok("conflicts");
    assert_eq!(compared["branches"], json!(["oarlock/tools-SUB1", "oarlock/tools-SUB2", "oarlock/tools-SUB3"]));
    assert_eq!(compared["pairs"].as_array().map(Vec::len), Some(3));
    assert!(compared["pairs"].as_array().expect("a list").iter().all(|pair| pair["conflict"] == false && pair["files"] == json!([])));
    let detached = project.root();
    project.git_in(&detached, "checkout --quiet --detach");
    project.write("docs/other.md", THREE_PARTS);
    project.call("run docs/other.md --agents 2 --worktrees -- true").fails(2, "invalid_request");
    project.fails("task other", 3, "not_found");
}

#[test]
fn branches_that_would_conflict_are_shown_with_their_files() {
    let project = project();
    for id in ["T-1", "T-2"] {
        project.ok(&format!("add {id} --id {id}"));
        done(&project, "ada", &format!("sed -i s/two/{id}/ a.txt"));
    }
    let pair = json!({"a": "oarlock/T-1", "b": "oarlock/T-2", "conflict": true, "files": ["a.txt"]});
    for line in ["conflicts", "conflicts --onto main", "conflicts T-1 T-2", "conflicts oarlock/T-1 oarlock/T-2 --onto main"] {
        assert_eq!(project.ok(line)["pairs"], json!([pair]), "{line}");
    }
    assert!(project.text("conflicts").contains("1 pair compared, 1 conflict"), "{}", project.text("conflicts"));
    project.fails("conflicts none", 2, "invalid_request");
    git(&project, "merge --quiet oarlock/T-1");
    assert_eq!(project.ok("conflicts"), json!({"branches": ["oarlock/T-2"], "pairs": []}));
}

#[test]
fn what_git_does_not_have_is_shared_as_the_configuration_says() {
    let project = project();
    commit(&project, ".gitignore", "node_modules/\n.env\n");
    project.write("node_modules/x.js", "x");
    project.write(".env", "PORT=1\n");
    project.write(".oarlock/config.toml", "[worktree]\nlink = [\"node_modules\"]\ncopy = [\".env\"]\n");
    project.ok("add t --id T-1");
    done(&project, "ada", "test -L node_modules && cat node_modules/x.js .env && test ! -L .env && git add -A && echo y > y.txt");
    assert_eq!(git(&project, "diff --name-only main oarlock/T-1"), "y.txt");
    for bad in ["link = [\"../x\"]", "link = [\"/etc/passwd\"]", "copy = [\".git\"]", "copy = \".env\"", "other = []"] {
        project.write(".oarlock/config.toml", format!("[worktree]\n{bad}\n"));
        let error = project.fails("ready", 65, "data_damaged");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("worktree.")), "{bad}: {error}");
    }
}

#[test]
fn a_project_is_forgotten_only_when_nothing_is_lost() {
    let project = project();
    commit(&project, ".oarlock/config.toml", "");
    project.ok("add t --id T-1");
    done(&project, "ada", "echo x > x.txt");
    let error = project.fails("forget", 4, "state_conflict");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("on no branch but those of tasks")), "{error}");
    assert_eq!(error["details"]["worktrees"][0]["agent"], "ada");
    git(&project, "merge --quiet oarlock/T-1");
    project.write(".oarlock/worktrees/ada/untracked.txt", "x");
    let error = project.fails("forget", 4, "state_conflict");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("untracked.txt")), "{error}");
    assert!(project.store().exists() && project.root().join(".oarlock/worktrees/ada/untracked.txt").exists());
    let gone = project.ok("forget --force")["forgotten"].clone();
    assert_eq!((&gone["worktrees"], &gone["kept"]), (&1.into(), &json!([".oarlock/config.toml"])), "{gone}");
    assert_eq!(fs::read_dir(project.root().join(".oarlock")).expect("there").count(), 1);
    let kept = git(&project, "for-each-ref --format=%(refname) refs/oarlock/kept");
    assert_eq!(git(&project, &format!("show {kept}:untracked.txt")), "x");
    assert_eq!(git(&project, "worktree list --porcelain").matches("worktree ").count(), 1);
    project.fails("ready", 3, "not_found");
    // Without git, and with nothing there.
    let none = Project::new();
    none.ok("forget");
    assert!(!none.root().join(".oarlock").exists());
    none.fails("forget", 3, "not_found");
}

#[test]
fn a_worktree_in_use_is_not_forgotten_and_a_killed_workers_work_is_not_lost() {
    let project = project();
    project.ok("add 'The title' --id T-1");
    let (started, never) = (fifo(&project, "started"), fifo(&project, "never"));
    let script = format!(
        "echo half > half.txt; git add half.txt; echo more > more.txt; echo up > {}; read x < {}",
        started.display(),
        never.display()
    );
    let worker = project.call_args(&["work", "--as", "ada", "--worktree", "--", "sh", "-c", &script]).start();
    heard(&started);
    let error = project.fails("forget --force", 4, "state_conflict");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("in use")), "{error}");
    worker.signal(Signal::KILL);
    worker.output();
    // Another agent gets the task at once, from where the dead one was.
    done(&project, "bob", "cat half.txt more.txt; echo whole > whole.txt");
    assert_eq!(git(&project, "log --format=%s main..oarlock/T-1"), "The title\nunfinished: The title");
    assert_eq!(git(&project, "diff --name-only main oarlock/T-1"), "half.txt\nmore.txt\nwhole.txt");
    // The dead agent's name works again, too.
    project.ok("add next --id T-2");
    done(&project, "ada", "test ! -e half.txt");
    assert_eq!(git(&project, "for-each-ref refs/oarlock/kept"), "");
}

#[test]
fn a_worktree_that_is_taken_away_below_its_command_fails_the_attempt() {
    let project = project();
    project.ok("add t --id T-1");
    project.ok("add u --id T-2");
    let args = ["work", "--as", "ada", "--worktree", "--", "sh", "-c", "echo x > x.txt; rm -r \"$OARLOCK_WORKTREE\""];
    let error = project.call_args(&args).fails(2, "invalid_request");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("is gone")), "{error}");
    assert_eq!((&project.task("T-1")["state"], &project.task("T-2")["state"]), (&"scheduled".into(), &"ready".into()));
    let reply = attempt(&project, "ada", "echo y > y.txt");
    assert_eq!(object(&reply.stdout, "work")["tasks"][0]["id"], "T-2", "{}", reply.stderr);
}

/// A plan whose parts are in a file of git.
fn planned(project: &Project, text: &str) {
    commit(project, "docs/tools.md", text);
}

#[test]
fn parts_of_a_run_land_on_its_branch_while_others_are_worked_on() {
    let project = project();
    planned(&project, THREE_PARTS);
    let script = "mkdir -p src; for f in $(grep -o 'src/[a-z]*.rs'); do echo \"$OARLOCK_TASK\" > $f; done";
    let args =
        ["run", "docs/tools.md", "--agents", "3", "--merge", "--test", "test -d src && ! test -e .oarlock", "--", "sh", "-c", script];
    let report = project.call_args(&args).ok();
    assert_eq!(report["landing"]["landed"].as_array().map(Vec::len), Some(3), "{report}");
    assert_eq!((&report["landing"]["onto"], &report["landing"]["tested"]), (&"oarlock/run/tools".into(), &true.into()));
    assert_eq!(project.task("tools")["state"], "done");
    for part in 1..=3 {
        let task = project.task(&format!("tools-SUB{part}"));
        assert_eq!((&task["state"], &task["landing"]["state"]), (&"done".into(), &"landed".into()), "{task}");
    }
    assert_eq!(git(&project, "diff --name-only main oarlock/run/tools"), "src/one.rs\nsrc/three.rs\nsrc/two.rs");
    assert_eq!(git(&project, "rev-list --merges --count main..oarlock/run/tools"), "3");
    assert!(git(&project, "status --porcelain").is_empty() && git(&project, "symbolic-ref HEAD") == "refs/heads/main");
    // Everything has landed: the project can be forgotten.
    assert_eq!(project.ok("forget")["forgotten"]["worktrees"], 3);
    project.call_args(&["run", "docs/tools.md", "--onto", "main", "--", "true"]).fails(2, "usage");
    project.call_args(&["run", "docs/tools.md", "--test", "true", "--", "true"]).fails(2, "usage");
}

#[test]
fn a_part_that_conflicts_comes_back_with_a_brief_and_lands_then() {
    let project = project();
    planned(&project, THREE_PARTS);
    // An agent's own commits need somebody.
    git(&project, "config user.name t");
    git(&project, "config user.email t@example.org");
    project.write(".oarlock/config.toml", "retry_first = \"1s\"\n");
    // Each part adds its line in the same place. One that hears of a conflict merges, and keeps all lines.
    let script = "text=$(cat); if echo \"$text\" | grep -q 'git merge oarlock/run/tools'; then git merge --quiet oarlock/run/tools; sed -i '/^<<<<<<<\\|^=======\\|^>>>>>>>/d' a.txt; else sed -i \"s/two/two\\n$OARLOCK_TASK/\" a.txt; fi";
    let report = project.call_args(&["run", "docs/tools.md", "--agents", "3", "--merge", "--", "sh", "-c", script]).ok();
    assert_eq!(report["landing"]["landed"].as_array().map(Vec::len), Some(3), "{report}");
    let text = git(&project, "show oarlock/run/tools:a.txt");
    for part in 1..=3 {
        assert!(text.contains(&format!("tools-SUB{part}")), "{text}");
    }
    assert!(!text.contains("<<<"), "{text}");
}

#[test]
fn a_worker_submits_what_a_task_with_the_gate_merge_left() {
    let project = project();
    for (id, flags) in [("T-1", &["--worktree"][..]), ("T-2", &[])] {
        project.ok(&format!("add t --id {id} --gate merge"));
        let script = format!(
            "echo x > {id}.txt; [ -n \"$OARLOCK_WORKTREE\" ] || {{ git switch -q -c {id} && git add {id}.txt && git -c user.name=t -c user.email=t@e commit -qm x; }}"
        );
        let args = [&["work", "--as", "ada", "--once"][..], flags, &["--", "sh", "-c", &script]].concat();
        assert_eq!(project.call_args(&args).ok()["done"], 1);
        let task = project.task(id);
        assert_eq!((&task["state"], &task["landing"]["state"]), (&"review".into(), &"queued".into()), "{task}");
    }
    assert_eq!(project.task("T-1")["landing"]["commit"].as_str(), Some(&*git(&project, "rev-parse oarlock/T-1")));
    assert_eq!(project.task("T-2")["landing"]["commit"].as_str(), Some(&*git(&project, "rev-parse T-2")));
}
