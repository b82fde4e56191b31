//! Submissions that do not land: conflicts, failing tests, targets that are not there.

use serde_json::json;
use std::fs;

use super::Repo;

#[test]
fn a_conflict_gives_the_task_back_with_both_sides_and_the_other_task() {
    let repo = Repo::new();
    repo.submit("A", "main", &[("f.txt", "uno\ntwo\nthree\nfour\nfive\n")]);
    repo.submit("B", "main", &[("f.txt", "eins\ntwo\nthree\nfour\nfive\n"), ("b.txt", "b\n")]);
    let reply = repo.merge("--test true");
    assert_eq!(Repo::tasks(&reply, "landed"), ["A"]);
    assert_eq!(reply["refused"], json!([{"task": "B", "reason": "conflict", "files": ["f.txt"]}]));
    let task = repo.project.task("B");
    assert_eq!((&task["state"], &task["failures"], &task["landing"]["state"]), (&"ready".into(), &1.into(), &"refused".into()));
    assert_eq!((&task["landing"]["reason"], &task["landing"]["files"]), (&"conflict".into(), &json!(["f.txt"])));
    let brief = task["rejected"].as_str().expect("a brief");
    for part in ["f.txt", "uno", "eins", "one", "task A", "did A", "git merge main"] {
        assert!(brief.contains(part), "{part}: {brief}");
    }
    assert!(!brief.contains("b.txt"), "{brief}");
    let kinds = repo.project.kinds_of("B");
    assert_eq!(kinds[kinds.len() - 2..], ["landing_refused", "task_rejected"]);
    // The brief is in the Markdown of the next attempt, which resolves the conflict.
    let script = "cat > ../brief.md; exit 1";
    repo.project.call_args(&["work", "--as", "ada", "--take-over", "--once", "--", "sh", "-c", script]).run();
    let reply = repo.project.call_args(&["work", "--as", "bob", "--once", "--", "sh", "-c", script]).run();
    assert_eq!(reply.code, 1, "{}", reply.stderr);
    let markdown = fs::read_to_string(repo.project.beside("brief.md")).expect("written");
    assert!(markdown.contains("eins") && markdown.contains("# Why the last result was rejected"), "{markdown}");
}

#[test]
fn a_task_that_is_refused_too_often_waits_for_a_person() {
    let repo = Repo::new();
    repo.project.ok("add 'task A' --id A --gate merge --max-attempts 2");
    for state in ["ready", "review"] {
        repo.submit_again("A", "main", &[("a.txt", state)]);
        let reply = repo.merge("--test 'echo the end of it; exit 3'");
        assert_eq!((&reply["refused"][0]["reason"], &reply["tests_run"]), (&"test".into(), &2.into()));
        let task = repo.project.task("A");
        assert_eq!(task["state"], state);
        let brief = task["rejected"].as_str().expect("a brief");
        assert!(brief.contains("the end of it") && brief.contains("exit status 3"), "{brief}");
    }
    assert_eq!(repo.git("log --format=%s main"), "first");
    repo.project.fails("approve A", 4, "state_conflict");
    assert_eq!(repo.merge("--test true")["landed"], json!([]), "it is not in the queue");
    repo.project.ok("reject A --reason 'look again'");
    repo.submit_again("A", "main", &[("a.txt", "good")]);
    assert_eq!(Repo::tasks(&repo.merge("--test true"), "landed"), ["A"]);
}

#[test]
fn a_test_that_fails_once_is_flaky_and_lands() {
    let repo = Repo::new();
    repo.submit("A", "main", &[("a.txt", "a\n")]);
    let flag = repo.project.beside("flag");
    let reply = repo.merge(&format!("--test 'test -e {0} || {{ touch {0}; exit 1; }}'", flag.display()));
    assert_eq!((&reply["landed"][0]["tests"], &reply["landed"][0]["flaky"], &reply["tests_run"]), (&2.into(), &true.into(), &2.into()));
    assert_eq!(repo.project.ok("events --kind landing_tested")["events"][0]["data"]["flaky"], true);
}

#[test]
fn a_test_that_hangs_or_changes_its_tree_lands_nothing_else() {
    let repo = Repo::new();
    repo.submit("A", "main", &[("a.txt", "a\n")]);
    let reply = repo.merge("--test-timeout 1s --test 'sleep 1000'");
    assert_eq!((&reply["refused"][0]["reason"], &reply["tests_run"]), (&"test".into(), &1.into()));
    assert!(repo.project.task("A")["rejected"].as_str().expect("a brief").contains("did not end within 1 s"));
    repo.submit_again("A", "main", &[("a.txt", "a\n")]);
    assert_eq!(Repo::tasks(&repo.merge("--test 'echo changed > a.txt; git commit -qam x; rm f.txt'"), "landed"), ["A"]);
    assert_eq!(repo.git("show main:a.txt"), "a");
    assert_eq!(repo.git("ls-tree --name-only main"), "a.txt\nf.txt");
}

#[test]
fn a_driver_that_drops_lines_and_one_without_a_test_are_refused() {
    let repo = Repo::new();
    repo.git("config merge.ours.driver true");
    repo.submit("A", "main", &[("strings", "a\n"), ("log", "a\n"), (".gitattributes", "strings merge=ours\nlog merge=union\n")]);
    repo.merge("");
    let base = repo.git("rev-parse main");
    repo.submit("B", &base, &[("log", "a\nmine\n")]);
    repo.submit("C", &base, &[("log", "a\nyours\n")]);
    repo.submit("D", &base, &[("strings", "a\nmine\n")]);
    repo.submit("E", &base, &[("strings", "yours\na\n")]);
    let reply = repo.merge("");
    assert_eq!(
        (Repo::tasks(&reply, "landed"), Repo::tasks(&reply, "refused")),
        (vec!["B".into(), "D".into()], vec!["C".into(), "E".into()])
    );
    repo.submit_again("C", &base, &[("log", "a\nyours\n")]);
    repo.submit_again("E", &base, &[("strings", "yours\na\n")]);
    let reply = repo.merge("--test true");
    assert_eq!((Repo::tasks(&reply, "landed"), Repo::tasks(&reply, "refused")), (vec!["C".into()], vec!["E".into()]));
    assert_eq!(reply["landed"][0]["driven"], json!(["log"]));
    assert_eq!(repo.git("show main:log"), "a\nmine\nyours");
}

#[test]
fn what_a_person_takes_back_does_not_land() {
    let repo = Repo::new();
    for task in ["A", "B", "C"] {
        repo.submit(task, "main", &[(task, "x\n")]);
    }
    repo.project.ok("reject A --reason 'not yet'");
    repo.project.ok("cancel B");
    assert_eq!(Repo::tasks(&repo.merge(""), "landed"), ["C"]);
    assert_eq!(repo.git("ls-tree --name-only main"), "C\nf.txt");
    assert_eq!((&repo.project.task("A")["state"], &repo.project.task("A")["landing"]["reason"]), (&"ready".into(), &"withdrawn".into()));
}

#[test]
fn a_hook_that_refuses_stops_the_queue_and_loses_nothing() {
    let repo = Repo::new();
    repo.git("branch target");
    repo.submit("A", "main", &[("a.txt", "a\n")]);
    repo.hook("reference-transaction", "#!/bin/sh\ngrep -q refs/heads/target && { echo 'not on Fridays' >&2; exit 1; }\nexit 0\n");
    let reply = repo.project.call("merge --onto target --once").run();
    assert_eq!(reply.code, 4);
    assert!(reply.stderr.contains("not on Fridays"), "{}", reply.stderr);
    assert_eq!(repo.project.task("A")["landing"]["state"], "queued");
    fs::remove_file(repo.project.root().join(".git/hooks/reference-transaction")).expect("removed");
    assert_eq!(Repo::tasks(&repo.project.ok("merge --onto target --once"), "landed"), ["A"]);
}

#[test]
fn a_target_has_to_be_there_and_to_be_named() {
    let repo = Repo::new();
    let error = repo.project.fails("merge --once", 2, "invalid_request");
    assert_eq!(error["details"]["targets"], json!([]));
    repo.project.fails("merge --onto nothing --once", 3, "not_found");
    repo.project.fails("merge --onto ../x --once", 2, "invalid_request");
    repo.project.fails("merge --onto main --once --test ' '", 2, "invalid_request");
    repo.project.ok("add a --gate merge --onto main");
    assert_eq!(repo.project.ok("merge --once")["onto"], "main");
    repo.project.ok("add b --gate merge --onto release");
    let error = repo.project.fails("merge --status", 2, "invalid_request");
    assert_eq!(error["details"]["targets"], json!(["main", "release"]));
    repo.project.ok("add c --id C --gate merge");
    repo.project.ok("claim C --as ada");
    repo.project.fails("done C --as ada --branch nothing", 3, "not_found");
    let outside = repo.project.beside("outside");
    fs::create_dir_all(&outside).expect("made");
    let store = format!("sqlite:{}", repo.project.store().display());
    repo.project.call("done C --as ada").dir(&outside).env("OARLOCK_STORE", &store).fails(2, "invalid_request");
    repo.project.call("merge --onto main --once").dir(&outside).env("OARLOCK_STORE", &store).fails(4, "state_conflict");
}

#[test]
fn one_of_many_that_fails_is_found_and_the_others_land_in_few_tests() {
    let repo = Repo::new();
    for n in 0..8 {
        let name = format!("f{n}");
        repo.submit(&format!("T-{n}"), "main", &[(&name, if n == 5 { "bad\n" } else { "good\n" })]);
    }
    let reply = repo.merge("--slots 3 --test '! grep -q bad f?'");
    assert_eq!(Repo::tasks(&reply, "landed"), ["T-0", "T-1", "T-2", "T-3", "T-4", "T-6", "T-7"]);
    assert_eq!(Repo::tasks(&reply, "refused"), ["T-5"]);
    assert_eq!(repo.landed_on("main"), Repo::tasks(&reply, "landed"));
    let runs = reply["tests_run"].as_u64().expect("a number");
    assert!(runs <= 10, "{runs} runs");
    assert!(repo.project.task("T-5")["rejected"].as_str().expect("a brief").contains("grep -q bad"));
    assert_eq!(repo.git("worktree list --porcelain").matches("worktree ").count(), 2);
}

#[test]
fn those_behind_one_that_fails_land_before_it_is_refused() {
    let repo = Repo::new();
    for (task, text) in [("A", "bad\n"), ("B", "good\n"), ("C", "good\n")] {
        repo.submit(task, "main", &[(&format!("{task}.txt"), text)]);
    }
    let reply = repo.merge("--slots 2 --test '! cat ?.txt | grep -q bad'");
    assert_eq!((Repo::tasks(&reply, "landed"), Repo::tasks(&reply, "refused")), (vec!["B".into(), "C".into()], vec!["A".into()]));
    // The batch, the first alone beside the rest without it, and the first alone again, which is repeated once.
    assert_eq!(reply["tests_run"], 5);
    let kinds = repo.project.ok("events --kind landing_landed,landing_refused")["events"].clone();
    let subjects: Vec<&str> = kinds.as_array().expect("a list").iter().filter_map(|event| event["subject"].as_str()).collect();
    assert_eq!(subjects, ["B", "C", "A"]);
}

#[test]
fn two_that_pass_alone_and_not_together_do_not_both_land() {
    let repo = Repo::new();
    repo.submit("A", "main", &[("a.txt", "a\n")]);
    repo.submit("B", "main", &[("b.txt", "b\n")]);
    let reply = repo.merge("--slots 2 --test '! test -e a.txt -a -e b.txt'");
    assert_eq!((Repo::tasks(&reply, "landed"), Repo::tasks(&reply, "refused")), (vec!["A".into()], vec!["B".into()]));
    let brief = repo.project.task("B")["rejected"].as_str().expect("a brief").to_owned();
    assert!(brief.contains("task A"), "{brief}");
}

#[test]
fn an_idempotency_key_means_the_same_call_wherever_the_branch_is() {
    let repo = Repo::new();
    repo.project.ok("add t --id T");
    repo.project.ok("claim T --as ada");
    let done = || repo.project.call("done T --as ada --result r --idempotency-key k").dir(repo.agent());
    let first = done().ok();
    repo.branch("elsewhere", "main", &[("x", "x\n")]);
    assert_eq!(done().ok()["task"]["id"], first["task"]["id"]);
}

#[test]
fn a_worker_submits_the_branch_of_its_task() {
    let repo = Repo::new();
    repo.project.ok("add 'task A' --id A --gate merge");
    let script = "git checkout -q -b oarlock/A && echo a > a.txt && git add -A && git -c user.name=w -c user.email=w@x commit -qm a && git checkout -q --detach main";
    let report = repo.project.call_args(&["work", "--as", "eve", "--once", "--", "sh", "-c", script]).dir(repo.agent()).ok();
    assert_eq!(report["tasks"][0]["outcome"], "submitted", "{report}");
    assert_eq!(Repo::tasks(&repo.merge("--test true"), "landed"), ["A"]);
    assert_eq!(repo.git("show main:a.txt"), "a");
}
