//! Submissions: which commit, and that it stays.

use serde_json::{Value, json};

use super::Repo;

#[test]
fn a_submitted_commit_lands_although_its_branch_is_gone_and_leaves_no_reference() {
    let repo = Repo::new();
    let commit = repo.submit("A", "main", &[("a.txt", "a\n")]);
    assert_eq!(repo.git("rev-parse refs/oarlock/submitted/A"), commit);
    repo.project.git_in(&repo.agent(), "checkout --quiet --detach main");
    repo.git("branch --quiet -D oarlock/A");
    for line in ["reflog expire --expire=now --all", "gc --quiet --prune=now"] {
        repo.git(line);
    }
    assert_eq!(Repo::tasks(&repo.merge("--test true"), "landed"), ["A"]);
    assert_eq!((repo.git("show main:a.txt").as_str(), repo.git("for-each-ref refs/oarlock").as_str()), ("a", ""));
    // What is refused, and on no branch, is kept anyway.
    let commit = repo.submit("B", "main", &[("b.txt", "b\n")]);
    repo.project.git_in(&repo.agent(), "checkout --quiet --detach main");
    repo.git("branch --quiet -D oarlock/B");
    assert_eq!(Repo::tasks(&repo.merge("--test false"), "refused"), ["B"]);
    assert_eq!(repo.git("for-each-ref --format=%(objectname) refs/oarlock"), commit);
    assert!(repo.git("for-each-ref --format=%(refname) refs/oarlock").starts_with("refs/oarlock/kept/B/"));
}

#[test]
fn the_target_itself_is_not_what_a_task_submits() {
    let repo = Repo::new();
    repo.project.ok("add 'task A' --id A --gate merge --onto main");
    repo.project.ok("claim A --as ada");
    let error = repo.project.fails("done A --as ada", 2, "invalid_request");
    assert_eq!(error["message"], "A lands on main, and main itself was submitted: nothing is there to merge or to test");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("git switch -c oarlock/A")), "{error}");
    repo.branch("oarlock/A", "main", &[("a.txt", "a\n")]);
    repo.project.ok("done A --as ada");
    assert_eq!(Repo::tasks(&repo.merge("--test true"), "landed"), ["A"]);
}

#[test]
fn work_without_a_worktree_submits_no_half_of_what_it_made() {
    let repo = Repo::new();
    repo.project.ok("add 'task A' --id A --gate merge --max-attempts 1");
    let work = |script: &str| repo.project.call_args(&["work", "--as", "eve", "--once", "--", "sh", "-c", script]).dir(repo.agent()).run();
    let run = work("git checkout --quiet -b mine && echo new > f.txt");
    assert_eq!(run.code, 1, "{}", run.stderr);
    let failure = repo.project.task("A")["last_failure"].clone();
    assert!(failure.as_str().is_some_and(|text| text.contains("uncommitted changes in f.txt: commit them")), "{failure}");
    repo.project.ok("requeue A");
    assert_eq!(work("git -c user.name=w -c user.email=w@x commit --quiet --all -m a").code, 0);
    assert_eq!(Repo::tasks(&repo.merge("--test true"), "landed"), ["A"]);
    assert_eq!(repo.git("show main:f.txt"), "new");
}

#[test]
fn a_target_that_is_blocked_for_long_writes_its_events_once() {
    let repo = Repo::new();
    repo.submit("A", "main", &[("f.txt", "new\n")]);
    repo.project.write("f.txt", "changed\n");
    let queue = repo.project.call("merge --onto main --test true").start();
    repo.project.ok("events --kind landing_tested --wait 60s");
    // It tries again after one second, and after two more.
    repo.project.fails("wait A --timeout 2s", 8, "timed_out");
    repo.git("checkout --quiet f.txt");
    repo.project.ok("wait A --timeout 60s");
    queue.signal(rustix::process::Signal::TERM);
    assert_eq!(queue.reply().code, 130);
    let kinds = repo.project.kinds_of("A");
    assert_eq!(kinds.iter().filter(|kind| *kind == "landing_started").count(), 2, "{kinds:?}");
}

#[test]
fn a_task_that_was_refused_keeps_its_turn() {
    let repo = Repo::new();
    let base = repo.git("rev-parse main");
    repo.submit("A", &base, &[("a.txt", "bad\n")]);
    repo.merge("--test '! grep -q bad a.txt'");
    repo.submit("B", &base, &[("b.txt", "b\n")]);
    repo.submit_again("A", &base, &[("a.txt", "good\n")]);
    assert_eq!(Repo::tasks(&repo.project.ok("merge --status --onto main"), "queue"), ["A", "B"]);
    let landed: Value = repo.merge("--test true")["landed"].clone();
    assert_eq!((&landed[0]["task"], &landed[1]["task"]), (&json!("A"), &json!("B")));
}

#[test]
fn a_person_sees_how_far_work_is_and_what_is_to_be_judged() {
    let repo = Repo::new();
    repo.project.ok("add 'task A' --id A --gate merge --onto main");
    repo.submit_again("A", "main", &[("a.txt", "a\n")]);
    let task = repo.project.text("task A");
    assert!(task.contains("done by its agent, not tested yet") && task.contains("a.txt | 1 +") && task.contains("\n+a\n"), "{task}");
    assert!(repo.project.text("status").contains("landing on main: 1 done and not tested\n"));
    let rejected = repo.project.text("reject A --reason 'no tests'");
    assert!(rejected.contains("\n+a\n"), "{rejected}");
    let claimed = repo.project.text("claim A --as ada");
    assert!(claimed.contains("no tests"), "{claimed}");
}

#[test]
fn a_report_shows_who_did_what_and_how_a_refusal_was_resolved() {
    let repo = Repo::new();
    let base = repo.git("rev-parse main");
    repo.project.ok("add 'the | whole' --id P");
    for (task, text) in [("A", "uno\n"), ("B", "eins\n")] {
        repo.project.ok(&format!("add 'part {task}' --id {task} --parent P --gate merge"));
        repo.submit_again(task, &base, &[("f.txt", text)]);
    }
    repo.merge("--test true");
    repo.submit_again("B", "main", &[("f.txt", "uno\neins\n")]);
    repo.merge("--test true");
    let report = repo.project.ok("report");
    assert_eq!((&report["task"], &report["state"], &report["title"]), (&json!("P"), &json!("ready"), &json!("the | whole")));
    let parts: Vec<_> = report["parts"].as_array().expect("a list").iter().map(|part| (&part["id"], &part["attempts"])).collect();
    assert_eq!(parts, [(&json!("A"), &json!(1)), (&json!("B"), &json!(2))]);
    assert_eq!((&report["parts"][1]["landing"]["submissions"], &report["parts"][1]["landing"]["tests"]), (&json!(2), &json!(1)));
    assert_eq!(report["refusals"], json!([{"task": "B", "reason": "conflict", "files": ["f.txt"], "resolved": "another_attempt"}]));
    let ends: Vec<_> = report["attempts"].as_array().expect("a list").iter().map(|attempt| &attempt["end"]).collect();
    assert_eq!(ends, ["submitted"; 3]);
    assert!(report["best_ms"].as_i64() >= report["bound_ms"].as_i64() && report["wall_ms"].as_i64() > Some(0), "{report}");
    let text = repo.project.text("report P");
    assert!(text.starts_with("# the | whole (P)\n"), "{text}");
    assert!(text.contains("| B | conflict | f.txt | by another attempt |\n"), "{text}");
    repo.project.fails("report none", 3, "not_found");
}
